# `find_package(hardy COMPONENTS core training)`: libraries, headers and where to find what they need.
include(CMakePackageConfigHelpers)

set(HARDY_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/hardy)
install(TARGETS hardy_core EXPORT hardyCore ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT hardyCore FILE hardyCore.cmake NAMESPACE hardy:: DESTINATION ${HARDY_PACKAGE_DIR})
install(TARGETS hardy_predict EXPORT hardyPredict ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT hardyPredict FILE hardyPredict.cmake NAMESPACE hardy::
  DESTINATION ${HARDY_PACKAGE_DIR})
set(HARDY_HEADER_FOLDERS predict core config data metrics run statistics evaluation report)
if(HARDY_TRAINING)
  install(TARGETS hardy_training hardy_torch EXPORT hardyTraining
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT hardyTraining FILE hardyTraining.cmake NAMESPACE hardy::
    DESTINATION ${HARDY_PACKAGE_DIR})
  list(APPEND HARDY_HEADER_FOLDERS
    tensor model features retrieval hardness curriculum training methods study)
endif()
install(FILES hardy/hardy.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/hardy)
foreach(folder IN LISTS HARDY_HEADER_FOLDERS)
  install(DIRECTORY hardy/${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/hardy
    FILES_MATCHING PATTERN "*.h")
endforeach()
configure_package_config_file(cmake/hardyConfig.cmake.in ${PROJECT_BINARY_DIR}/hardyConfig.cmake
  INSTALL_DESTINATION ${HARDY_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/hardyConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hardyConfig.cmake ${PROJECT_BINARY_DIR}/hardyConfigVersion.cmake
  DESTINATION ${HARDY_PACKAGE_DIR})
