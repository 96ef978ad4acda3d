#include "errors.h"

#include <exception>

#include "hardy/errors.h"

namespace hardy::python {

namespace py = pybind11;

namespace {

void set(const py::object& exception) {
  PyErr_SetObject(py::type::handle_of(exception).ptr(), exception.ptr());
}

/// Name of the Python class of a kind.
const char* class_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kConfig:
      return "ConfigError";
    case ErrorKind::kData:
      return "DataError";
    case ErrorKind::kShape:
      return "ShapeError";
    case ErrorKind::kArtifact:
      return "ArtifactError";
    case ErrorKind::kDivergence:
      return "DivergenceError";
    case ErrorKind::kIo:
      return "IoError";
    case ErrorKind::kInterrupted:
      break;
  }
  return "Error";
}

void translate(std::exception_ptr failure) {
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted) return PyErr_SetNone(PyExc_KeyboardInterrupt);
    const auto type = py::module_::import("hardy.errors").attr(class_of(error.kind()));
    const py::object exception = type(text_of(error.what()));
    if (!error.remedy().empty()) exception.attr("remedy") = text_of(error.remedy());
    py::list context;
    for (const auto& part : error.context()) context.append(text_of(part));
    exception.attr("context") = py::tuple(context);
    set(exception);
  } catch (const InternalError& error) {
    set(py::module_::import("hardy.errors").attr("InternalError")(text_of(error.what())));
  }
}

}  // namespace

py::str text_of(std::string_view text) {
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<py::ssize_t>(text.size()), "replace"));
}

void translate_errors() { py::register_exception_translator(translate); }

}  // namespace hardy::python
