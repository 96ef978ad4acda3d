# What `hardy report` puts into a page: our own script and style, and the charting library from npm.
set(HARDY_REPORT_WEB ${PROJECT_SOURCE_DIR}/hardy/report/web)
set(HARDY_REPORT_ASSETS ${PROJECT_BINARY_DIR}/report-assets)
add_custom_command(
  OUTPUT ${HARDY_REPORT_ASSETS}/d3.js ${HARDY_REPORT_ASSETS}/plot.js
  COMMAND ${CMAKE_COMMAND} -D SOURCE=${HARDY_REPORT_WEB} -D WORK=${HARDY_REPORT_ASSETS}
    -P ${CMAKE_CURRENT_LIST_DIR}/FetchChartLibrary.cmake
  DEPENDS ${HARDY_REPORT_WEB}/package.json ${HARDY_REPORT_WEB}/package-lock.json
    ${CMAKE_CURRENT_LIST_DIR}/FetchChartLibrary.cmake
  COMMENT "Fetching the charting library of reports" VERBATIM)
set_source_files_properties(hardy/report/assets.cc PROPERTIES
  COMPILE_DEFINITIONS
    "HARDY_REPORT_WEB=\"${HARDY_REPORT_WEB}\";HARDY_REPORT_ASSETS=\"${HARDY_REPORT_ASSETS}\""
  OBJECT_DEPENDS
    "${HARDY_REPORT_ASSETS}/d3.js;${HARDY_REPORT_ASSETS}/plot.js;${HARDY_REPORT_WEB}/report.js;${HARDY_REPORT_WEB}/report.css")
