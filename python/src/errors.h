// Turns hardy's errors into the Python exceptions of hardy.errors.
#pragma once

#include <pybind11/pybind11.h>

namespace hardy::python {

/// Registers the translation for one extension module. Requires: called from the module's init
/// function.
void translate_errors();

}  // namespace hardy::python
