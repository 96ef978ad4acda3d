# Warnings, sanitizers, faster linking and compiler cache, for every target of ours.

add_library(hardy_warnings INTERFACE)
target_compile_options(hardy_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wcast-qual
  -Wnon-virtual-dtor -Woverloaded-virtual)
# g++ 12 sees overlapping copies inside std::string (its bug 105329).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(hardy_warnings INTERFACE -Wno-restrict)
endif()
option(HARDY_WERROR "Treat our own warnings as errors" OFF)
if(HARDY_WERROR)
  target_compile_options(hardy_warnings INTERFACE -Werror)
endif()

if(HARDY_SANITIZE)
  add_compile_options(-fsanitize=${HARDY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HARDY_SANITIZE})
endif()

# What makes an error in memory harder to use for an attack, in every optimised build: checked
# stack frames, checked copies (FORTIFY), tables of addresses that are read-only once the program
# runs, random addresses. docs/hardening.md shows how to see them in a program.
option(HARDY_HARDENING "Stack protector, FORTIFY, full RELRO and PIE" ON)
if(HARDY_HARDENING AND NOT HARDY_SANITIZE)
  include(CheckPIESupported)
  check_pie_supported(LANGUAGES CXX)
  set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
  add_compile_options($<${optimised}:-fstack-protector-strong>
    $<${optimised}:-fstack-clash-protection>)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    add_compile_options($<${optimised}:-fcf-protection>)
  endif()
  # Distributions may set it already, and another value.
  add_compile_options($<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=2>)
  add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
# Libraries that a program does not use are not loaded.
add_link_options(-Wl,--as-needed)

# Headers cost more than our sources (libtorch's seven seconds a file): the sources of a folder at a
# time build what trains five times faster. Off where single files are rebuilt often.
option(HARDY_UNITY "Compile the sources of a folder together" OFF)
# The folders named after `target` stay apart: tests there use the same short names in each file.
function(hardy_join_sources target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${HARDY_UNITY} UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    string(REGEX MATCH "^[^/.]+/(hardymer/|hardymer_published/|synth/)?" folder "${source}")
    if(folder AND folder IN_LIST ARGN)
      set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
    string(MAKE_C_IDENTIFIER "folder_${folder}" group)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
endfunction()

# Where a release's -O3 costs minutes of compilation and gains nothing that can be measured.
function(hardy_optimise_less target level)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:${level}>)
endfunction()

find_program(HARDY_CCACHE ccache)
if(HARDY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${HARDY_CCACHE})
endif()
find_program(HARDY_MOLD mold)
if(HARDY_MOLD AND NOT CMAKE_CROSSCOMPILING)
  add_link_options(-fuse-ld=mold)
endif()
