#include "serve/multipart.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "inference/request.h"

namespace hardy {
namespace {

constexpr std::size_t kMostParts = 8;
constexpr std::size_t kMostHeader = 4096;
constexpr std::size_t kLongestName = 200;

[[noreturn]] void malformed(const std::string& reason) {
  throw RequestError(RequestError::Kind::kMalformed, "body", reason);
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& letter : result) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The value of a parameter in "type; a=b; c=\"d\""; nothing when it is absent. Browsers write a
/// quotation mark within a quoted value as %22, others as \".
std::optional<std::string> parameter(std::string_view header, std::string_view wanted) {
  auto at = header.find(';');
  while (at != header.npos && at < header.size()) {
    ++at;
    const auto equals = header.find_first_of("=;", at);
    if (equals == header.npos) return std::nullopt;
    const auto name = lower_case(trimmed(header.substr(at, equals - at)));
    if (header[equals] == ';') {
      at = equals;
      continue;
    }
    std::string value;
    at = equals + 1;
    while (at < header.size() && header[at] == ' ') ++at;
    if (at < header.size() && header[at] == '"') {
      for (++at; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size() && header[at + 1] == '"') ++at;
        value += header[at];
      }
      if (at >= header.size()) return std::nullopt;
      at = header.find(';', at);
    } else {
      const auto end = std::min(header.find(';', at), header.size());
      value = trimmed(header.substr(at, end - at));
      at = end;
    }
    if (name == wanted) return value;
  }
  return std::nullopt;
}

/// The last part of a path of any system, as valid UTF-8 without control characters.
std::string base_name(const std::string& path) {
  std::string name = repaired_utf8(path.substr(path.find_last_of("/\\") + 1));
  std::erase_if(name, [](char letter) {
    return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F;
  });
  if (name == "." || name == "..") name.clear();
  if (name.size() > kLongestName) name = repaired_utf8(name.substr(name.size() - kLongestName));
  return name;
}

FormPart read_part(std::string_view text) {
  const auto end = text.substr(0, kMostHeader + 4).find("\r\n\r\n");
  if (end == text.npos) malformed("a part's header has no end, or is larger than 4096 bytes");
  FormPart part;
  part.contents = text.substr(end + 4);
  bool has_disposition = false;
  for (std::string_view rest = text.substr(0, end); !rest.empty();) {
    const auto line_end = std::min(rest.find("\r\n"), rest.size());
    const auto line = rest.substr(0, line_end);
    rest.remove_prefix(std::min(line_end + 2, rest.size()));
    const auto colon = line.find(':');
    if (colon == line.npos) malformed("a part's header has a line without a colon");
    if (lower_case(line.substr(0, colon)) != "content-disposition") continue;
    if (has_disposition) malformed("a part has two Content-Disposition lines");
    has_disposition = true;
    const auto value = trimmed(line.substr(colon + 1));
    if (lower_case(value.substr(0, value.find(';'))) != "form-data") {
      malformed("a part is not form-data");
    }
    part.name = parameter(value, "name").value_or("");
    part.file_name = base_name(parameter(value, "filename").value_or(""));
  }
  if (part.name.empty()) malformed("a part has no name");
  return part;
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
  const auto type = trimmed(content_type.substr(0, content_type.find(';')));
  if (lower_case(type) != "multipart/form-data") return std::nullopt;
  auto boundary = parameter(content_type, "boundary");
  constexpr std::string_view kMarks = "'()+_,-./:=? ";
  const bool is_valid = boundary && !boundary->empty() && boundary->size() <= 70 &&
                        boundary->back() != ' ' &&
                        std::all_of(boundary->begin(), boundary->end(), [&](char c) {
                          return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                                 (c >= 'A' && c <= 'Z') || kMarks.find(c) != kMarks.npos;
                        });
  return is_valid ? boundary : std::nullopt;
}

std::vector<FormPart> read_form(std::string_view body, std::string_view boundary) {
  const std::string first = fmt::format("--{}", boundary);
  const std::string next = "\r\n" + first;
  if (!body.starts_with(first)) malformed("does not begin with its boundary");
  body.remove_prefix(first.size());
  std::vector<FormPart> parts;
  while (!body.starts_with("--")) {
    if (!body.starts_with("\r\n"))
      malformed("a boundary is followed by neither a line nor the end");
    body.remove_prefix(2);
    const auto end = body.find(next);
    if (end == body.npos) malformed("is cut off: the last boundary is missing");
    if (parts.size() == kMostParts) malformed(fmt::format("has more than {} parts", kMostParts));
    parts.push_back(read_part(body.substr(0, end)));
    const auto is_same = [&](const FormPart& part) { return part.name == parts.back().name; };
    if (std::count_if(parts.begin(), parts.end(), is_same) > 1) {
      malformed(fmt::format("the part '{}' occurs twice", shown(parts.back().name)));
    }
    body.remove_prefix(end + next.size());
  }
  return parts;
}

}  // namespace hardy
