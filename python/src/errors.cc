#include "errors.h"

#include <exception>

#include "hardy/errors.h"

namespace hardy::python {
namespace {

namespace py = pybind11;

void raise(const char* type, const char* text) {
  const py::object exception = py::module_::import("hardy.errors").attr(type)(text);
  PyErr_SetObject(py::type::handle_of(exception).ptr(), exception.ptr());
}

void translate(std::exception_ptr failure) {
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const py::builtin_exception&) {
    throw;
  } catch (const py::error_already_set&) {
    throw;
  } catch (const ConfigError& error) {
    raise("ConfigError", error.what());
  } catch (const ShapeError& error) {
    raise("ShapeError", error.what());
  } catch (const DataError& error) {
    raise("DataError", error.what());
  } catch (const ArtifactError& error) {
    raise("ArtifactError", error.what());
  } catch (const DivergenceError& error) {
    raise("DivergenceError", error.what());
  } catch (const IoError& error) {
    raise("IoError", error.what());
  } catch (const Interrupted&) {
    PyErr_SetNone(PyExc_KeyboardInterrupt);
  } catch (const Error& error) {
    raise("Error", error.what());
  } catch (const InternalError& error) {
    raise("InternalError", error.what());
  }
}

}  // namespace

void translate_errors() { py::register_exception_translator(translate); }

}  // namespace hardy::python
