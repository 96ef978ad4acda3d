#include "inference/bundle_settings.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

template <typename Number>
Number number_of(const BundleInfo& info, const std::string& table, const std::string& key) {
  const auto text = toml_value(info.config_toml, table, key);
  Number value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc{} || result.ptr != end) {
    throw ArtifactError(fmt::format("its settings do not give {}.{}", table, key));
  }
  return value;
}

}  // namespace

std::string toml_value(const std::string& toml, const std::string& table, const std::string& key) {
  const std::string heading = "[" + table + "]\n";
  auto line = toml.starts_with(heading) ? 0 : toml.find("\n" + heading);
  if (line == std::string::npos) return "";
  line += line == 0 ? 0 : 1;
  while ((line = toml.find('\n', line)) != std::string::npos && ++line < toml.size()) {
    if (toml[line] == '[') break;
    const auto end = std::min(toml.find('\n', line), toml.size());
    const auto text = toml.substr(line, end - line);
    if (!text.starts_with(key + " = ")) continue;
    auto value = text.substr(key.size() + 3);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return value;
  }
  return "";
}

std::string stored_method(const BundleInfo& info) {
  const auto method = toml_value(info.config_toml, "protocol", "method");
  return method.empty() ? "hardymer" : method;
}

bool is_hardymer(const BundleInfo& info) {
  const auto method = stored_method(info);
  return method == "hardymer" || method == "hardymer_published" || method == "modality_dropout";
}

std::int64_t stored_integer(const BundleInfo& info, const std::string& table,
                            const std::string& key) {
  return number_of<std::int64_t>(info, table, key);
}

double stored_number(const BundleInfo& info, const std::string& table, const std::string& key) {
  return number_of<double>(info, table, key);
}

}  // namespace hardy
