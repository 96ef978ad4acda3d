# Warnings, sanitizers, faster linking and compiler cache, for every target of ours.

add_library(hardy_warnings INTERFACE)
target_compile_options(hardy_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wcast-qual
  -Wnon-virtual-dtor -Woverloaded-virtual)
option(HARDY_WERROR "Treat our own warnings as errors" OFF)
if(HARDY_WERROR)
  target_compile_options(hardy_warnings INTERFACE -Werror)
endif()

if(HARDY_SANITIZE)
  add_compile_options(-fsanitize=${HARDY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HARDY_SANITIZE})
endif()

find_program(HARDY_CCACHE ccache)
if(HARDY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${HARDY_CCACHE})
endif()
find_program(HARDY_MOLD mold)
if(HARDY_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
