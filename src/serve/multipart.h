// Bodies of multipart/form-data (RFC 7578). Internal to the service and its tests.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// One part of a form. Views into the body.
struct FormPart {
  std::string name;       ///< of the field
  std::string file_name;  ///< without folders; empty = none was given
  std::string_view contents;
};

/// The boundary of "multipart/form-data; boundary=..": 1 to 70 characters that RFC 2046 allows;
/// nothing for another media type.
std::optional<std::string> form_boundary(std::string_view content_type);

/// Splits a body at a boundary into at most 8 parts. Throws RequestError (malformed) for a body
/// that is cut off, headers of a part beyond 4 KiB, a part without name, and a name that occurs
/// twice.
std::vector<FormPart> read_form(std::string_view body, std::string_view boundary);

}  // namespace hardy
