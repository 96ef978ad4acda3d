# What `hardy report` puts into a page: our own script and style, and the charting library, which is
# kept in the project so that no build needs a network (THIRD_PARTY.md).
set(HARDY_REPORT_WEB ${PROJECT_SOURCE_DIR}/src/report/web)
set_source_files_properties(report/assets.cc PROPERTIES
  COMPILE_DEFINITIONS "HARDY_REPORT_WEB=\"${HARDY_REPORT_WEB}\""
  SKIP_UNITY_BUILD_INCLUSION ON
  OBJECT_DEPENDS
    "${HARDY_REPORT_WEB}/vendor/d3.min.js;${HARDY_REPORT_WEB}/vendor/plot.umd.min.js;${HARDY_REPORT_WEB}/controls.js;${HARDY_REPORT_WEB}/report.js;${HARDY_REPORT_WEB}/report.css")
