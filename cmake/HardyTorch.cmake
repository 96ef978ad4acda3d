# libtorch, FAISS and oneDNN as one target, hardy_torch. Order matters: Debian's FAISS target needs
# OpenMP::OpenMP_CXX to exist before it is found.
find_package(OpenMP REQUIRED)
find_package(faiss CONFIG REQUIRED)
find_package(Torch REQUIRED)
# -DHARDY_OPENBLAS=OFF leaves it out, for a libtorch whose linear algebra is another library's.
find_library(HARDY_OPENBLAS openblas)
# A libtorch with oneDNN and MKL of its own must not meet the system's: products are its own then.
option(HARDY_DNNL "Multiply with the system's oneDNN; off: with libtorch" ON)
if(HARDY_DNNL)
  # Debian's dnnl-config.cmake insists on OpenCL headers, so the library is found by name.
  find_library(HARDY_DNNL_LIBRARY dnnl REQUIRED)
endif()
option(HARDY_CUDA "Train on NVIDIA GPUs, too; needs a libtorch that was built with CUDA" OFF)
if(HARDY_CUDA AND NOT TARGET torch_cuda)
  message(FATAL_ERROR "HARDY_CUDA: the libtorch in ${Torch_DIR} was built without CUDA. "
    "Set CMAKE_PREFIX_PATH to one with CUDA, or leave HARDY_CUDA off.")
endif()

add_library(hardy_torch INTERFACE)
target_include_directories(hardy_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(hardy_torch INTERFACE ${TORCH_LIBRARIES} faiss OpenMP::OpenMP_CXX)
if(HARDY_OPENBLAS)
  target_link_libraries(hardy_torch INTERFACE ${HARDY_OPENBLAS})
endif()
if(HARDY_DNNL)
  target_link_libraries(hardy_torch INTERFACE ${HARDY_DNNL_LIBRARY})
endif()
target_compile_definitions(hardy_torch INTERFACE
  HARDY_HAS_DNNL=$<BOOL:${HARDY_DNNL}> HARDY_HAS_OPENBLAS=$<BOOL:${HARDY_OPENBLAS}>
  HARDY_HAS_CUDA=$<BOOL:${HARDY_CUDA}>)
# clang 14 rejects libtorch's headers in C++20 unless this one comes first.
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(hardy_torch INTERFACE "SHELL:-include ATen/core/ivalue.h")
endif()
