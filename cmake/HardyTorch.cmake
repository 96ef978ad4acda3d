# libtorch, FAISS and oneDNN as one target, hardy_torch. Order matters: Debian's FAISS target needs
# OpenMP::OpenMP_CXX to exist before it is found.
find_package(OpenMP REQUIRED)
find_package(faiss CONFIG REQUIRED)
find_package(Torch REQUIRED)
find_library(HARDY_OPENBLAS openblas)
# Debian's dnnl-config.cmake insists on OpenCL headers, so the library is found by name.
find_library(HARDY_DNNL dnnl REQUIRED)

add_library(hardy_torch INTERFACE)
target_include_directories(hardy_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(hardy_torch INTERFACE ${TORCH_LIBRARIES} faiss OpenMP::OpenMP_CXX)
if(HARDY_OPENBLAS)
  target_link_libraries(hardy_torch INTERFACE ${HARDY_OPENBLAS})
endif()
target_link_libraries(hardy_torch INTERFACE ${HARDY_DNNL})
# clang 14 rejects libtorch's headers in C++20 unless this one comes first.
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(hardy_torch INTERFACE "SHELL:-include ATen/core/ivalue.h")
endif()
