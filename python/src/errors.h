// Turns hardy's errors into the Python exceptions of hardy.errors.
#pragma once

#include <pybind11/pybind11.h>

#include <string_view>

namespace hardy::python {

/// Registers the translation for one extension module. Requires: called from the module's init
/// function.
void translate_errors();

/// A message, which may quote bytes of a path or a damaged file that are no UTF-8.
pybind11::str text_of(std::string_view text);

}  // namespace hardy::python
