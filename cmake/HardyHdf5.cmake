# libhdf5, for corpora. Debian's shared one is also built for files in Amazon's storage, so it loads
# curl and with that Kerberos, LDAP and more. The archive beside it does not need them as long as
# nothing calls those parts. A program with the property HARDY_LEAN links the archive; modules of
# Python cannot (it is not position independent), and what links libtorch must not have two libhdf5.
pkg_check_modules(hdf5 REQUIRED IMPORTED_TARGET hdf5-serial)
set(HARDY_HDF5 PkgConfig::hdf5)

set(archives)
foreach(name IN ITEMS hdf5_serial sz aec)
  find_library(HARDY_ARCHIVE_${name} lib${name}.a)
  mark_as_advanced(HARDY_ARCHIVE_${name})
  list(APPEND archives ${HARDY_ARCHIVE_${name}})
endforeach()
include(CheckCXXSourceCompiles)
include(CMakePushCheckState)
cmake_push_check_state(RESET)
set(CMAKE_REQUIRED_INCLUDES ${hdf5_INCLUDE_DIRS})
set(CMAKE_REQUIRED_LIBRARIES ${archives} -lz ${CMAKE_DL_LIBS} m)
check_cxx_source_compiles("#include <hdf5.h>
int main() { return static_cast<int>(H5Fopen(\"\", H5F_ACC_RDONLY, H5P_DEFAULT)); }"
  HARDY_HDF5_ARCHIVE_LINKS)
cmake_pop_check_state()
if(HARDY_HDF5_ARCHIVE_LINKS)
  add_library(hardy_hdf5_archive INTERFACE)
  target_link_libraries(hardy_hdf5_archive INTERFACE ${archives} -lz ${CMAKE_DL_LIBS} m)
  set(HARDY_HDF5 $<IF:$<BOOL:$<TARGET_PROPERTY:HARDY_LEAN>>,hardy_hdf5_archive,PkgConfig::hdf5>)
endif()
