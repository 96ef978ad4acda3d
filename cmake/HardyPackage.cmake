# Debian packages: `cpack --config build/release/CPackConfig.cmake` writes
#   hardy           the program: predict, serve, report, everything that needs no libtorch
#   hardy-training  hardy-trainer, which `hardy run` and its like hand over to
#   hardy-media     hardy-extractor, which reads recordings
#   python3-hardy   the Python module: prediction, corpora, settings; -training adds hardy.run
#   libhardy-dev    libraries, headers and the CMake package
# tools/check-packages installs them in a clean root and runs them there.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME hardy)
set(CPACK_PACKAGE_CONTACT "The hardy authors <hardy@example.invalid>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL program development)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_STRIP_FILES ON)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME hardy)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS hardy-training)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "Predict, explain, serve, check corpora and read results.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libhardy-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
string(CONCAT CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "libdeflate-dev, libfmt-dev, nlohmann-json3-dev, libssl-dev, libtomlplusplus-dev, libutf8proc-dev, "
  "libzip-dev, pkg-config")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS "libtorch-dev, libfaiss-dev, libdnnl-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "Libraries, headers and the CMake package of hardy.")

if(HARDY_TRAINING)
  list(APPEND CPACK_COMPONENTS_ALL training)
  set(CPACK_DEBIAN_TRAINING_PACKAGE_NAME hardy-training)
  set(CPACK_DEBIAN_TRAINING_PACKAGE_DEPENDS "hardy (= ${PROJECT_VERSION})")
  set(CPACK_COMPONENT_TRAINING_DESCRIPTION "Train and compare methods; links libtorch and FAISS.")
endif()
if(HARDY_MEDIA)
  list(APPEND CPACK_COMPONENTS_ALL media)
  set(CPACK_DEBIAN_MEDIA_PACKAGE_NAME hardy-media)
  set(CPACK_DEBIAN_MEDIA_PACKAGE_DEPENDS "hardy (= ${PROJECT_VERSION}), opencv-data")
  set(CPACK_COMPONENT_MEDIA_DESCRIPTION
    "Features and predictions from recordings; links Debian's libav, whose build is under the GPL.")
endif()
if(HARDY_PYTHON)
  list(APPEND CPACK_COMPONENTS_ALL python)
  # The extension modules are of one version of Python.
  if(NOT HARDY_PYTHON_MAJOR OR NOT HARDY_PYTHON_MINOR)
    message(FATAL_ERROR "HardyPackage: python/CMakeLists.txt set no version of Python")
  endif()
  math(EXPR next "${HARDY_PYTHON_MINOR} + 1")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-hardy)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
  string(CONCAT CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS
    "python3 (>= ${HARDY_PYTHON_MAJOR}.${HARDY_PYTHON_MINOR}), "
    "python3 (<< ${HARDY_PYTHON_MAJOR}.${next}), python3-numpy")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS "hardy, python3-pandas")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS "python3-hardy-training, python3-sklearn, python3-torch")
  set(CPACK_COMPONENT_PYTHON_DESCRIPTION "Predict, explain and read corpora from Python.")
  if(HARDY_TRAINING)
    list(APPEND CPACK_COMPONENTS_ALL python_training)
    set(CPACK_DEBIAN_PYTHON_TRAINING_PACKAGE_NAME python3-hardy-training)
    set(CPACK_DEBIAN_PYTHON_TRAINING_PACKAGE_SECTION python)
    set(CPACK_DEBIAN_PYTHON_TRAINING_PACKAGE_DEPENDS
      "python3-hardy (= ${PROJECT_VERSION}), hardy-training (= ${PROJECT_VERSION}), python3-pandas")
    set(CPACK_COMPONENT_PYTHON_TRAINING_DESCRIPTION
      "Train and compare methods from Python; links libtorch and FAISS.")
  endif()
endif()
include(CPack)
