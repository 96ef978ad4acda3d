# Installs the build to a scratch prefix, builds the consumer against it, runs consumer and program.
set(prefix ${WORK}/prefix)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

function(must_run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "failed (${code}): ${ARGN}\n${text}")
  endif()
endfunction()

set(flags "")
if(FLAGS)
  set(flags -fsanitize=${FLAGS})
endif()
must_run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
must_run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -D CMAKE_PREFIX_PATH=${prefix}
  -D CMAKE_CXX_COMPILER=${CXX} "-DCMAKE_CXX_FLAGS=${flags}")
must_run(${CMAKE_COMMAND} --build ${WORK}/build)
must_run(${WORK}/build/consumer)
must_run(${CMAKE_COMMAND} -S ${SOURCE}/inference -B ${WORK}/inference
  -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${CXX} "-DCMAKE_CXX_FLAGS=${flags}")
must_run(${CMAKE_COMMAND} --build ${WORK}/inference)
must_run(${WORK}/inference/consumer)
must_run(${prefix}/bin/hardy --version)
if(TRAINING)
  must_run(${CMAKE_COMMAND} -S ${SOURCE}/training -B ${WORK}/training
    -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${CXX} "-DCMAKE_CXX_FLAGS=${flags}")
  must_run(${CMAKE_COMMAND} --build ${WORK}/training)
  must_run(${WORK}/training/consumer ${WORK}/run)
  must_run(${CMAKE_COMMAND} -S ${SOURCE}/../../examples/own_method -B ${WORK}/own_method
    -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${CXX} "-DCMAKE_CXX_FLAGS=${flags}")
  must_run(${CMAKE_COMMAND} --build ${WORK}/own_method)
  must_run(sh ${SOURCE}/../../examples/own_method/test.sh ${WORK}/own_method/own_method
    ${prefix}/bin/hardy)
endif()
