# `find_package(hardy COMPONENTS base inference core training)`: libraries, headers and where to find
# what they need.
include(CMakePackageConfigHelpers)

set(HARDY_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/hardy)
# Headers of the rooms that a method or a reader of one's own is written against; only those in
# include/hardy keep their meaning from version to version.
set(HARDY_EXTENSION_DIR ${CMAKE_INSTALL_INCLUDEDIR}/hardy/extension)

function(hardy_install_library target export)
  install(TARGETS ${target} ${ARGN} EXPORT ${export} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    COMPONENT development)
  install(EXPORT ${export} FILE ${export}.cmake NAMESPACE hardy:: DESTINATION ${HARDY_PACKAGE_DIR}
    COMPONENT development)
endfunction()

hardy_install_library(hardy_base hardyBase)
hardy_install_library(hardy_inference hardyInference)
set(HARDY_EXTENSION_ROOMS base)
if(TARGET hardy_core)
  hardy_install_library(hardy_core hardyCore)
  list(APPEND HARDY_EXTENSION_ROOMS config formats corpus metrics pipeline analysis)
endif()
if(TARGET hardy_training)
  hardy_install_library(hardy_training hardyTraining hardy_torch)
  list(APPEND HARDY_EXTENSION_ROOMS nn train methods protocol experiments)
endif()
install(DIRECTORY include/hardy DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
  FILES_MATCHING PATTERN "*.h")
foreach(room IN LISTS HARDY_EXTENSION_ROOMS)
  install(DIRECTORY src/${room} DESTINATION ${HARDY_EXTENSION_DIR} COMPONENT development
    FILES_MATCHING PATTERN "*.h")
endforeach()
configure_package_config_file(cmake/hardyConfig.cmake.in ${PROJECT_BINARY_DIR}/hardyConfig.cmake
  INSTALL_DESTINATION ${HARDY_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/hardyConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hardyConfig.cmake ${PROJECT_BINARY_DIR}/hardyConfigVersion.cmake
  DESTINATION ${HARDY_PACKAGE_DIR} COMPONENT development)
if(TARGET hardy_core)
  include(HardyPackage)
endif()
