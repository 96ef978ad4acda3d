# Build step: gets the charting library with npm and lays its two files into WORK. Without npm or its
# registry the files are empty, and reports have tables but no charts.
# Usage: cmake -D SOURCE=hardy/report/web -D WORK=DIR -P FetchChartLibrary.cmake
file(MAKE_DIRECTORY ${WORK}/npm)
file(COPY ${SOURCE}/package.json ${SOURCE}/package-lock.json DESTINATION ${WORK}/npm)
set(code "npm was not found")
find_program(NPM npm)
if(NPM)
  execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --loglevel=error
    WORKING_DIRECTORY ${WORK}/npm TIMEOUT 180 RESULT_VARIABLE code
    OUTPUT_VARIABLE text ERROR_VARIABLE text)
endif()
set(d3 ${WORK}/npm/node_modules/d3/dist/d3.min.js)
set(plot ${WORK}/npm/node_modules/@observablehq/plot/dist/plot.umd.min.js)
if(code STREQUAL "0" AND EXISTS ${d3} AND EXISTS ${plot})
  file(COPY_FILE ${d3} ${WORK}/d3.js)
  file(COPY_FILE ${plot} ${WORK}/plot.js)
else()
  message(NOTICE "hardy report: built without charts (${code}); remove ${WORK} and build again "
    "when npm and its registry can be reached\n${text}")
  file(WRITE ${WORK}/d3.js "")
  file(WRITE ${WORK}/plot.js "")
endif()
