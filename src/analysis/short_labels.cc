#include "analysis/short_labels.h"

#include <algorithm>

#include <fmt/format.h>

#include "hardy/modality.h"

namespace hardy {
namespace {

bool is_pattern(const std::string& label) {
  return label != kAverageLabel && label.find('=') == std::string::npos;
}

std::vector<std::string> names_in(const std::string& label) {
  std::vector<std::string> names;
  std::size_t begin = 0;
  while (begin <= label.size()) {
    const std::size_t end = std::min(label.find(',', begin), label.size());
    names.push_back(label.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

}  // namespace

ShortLabels short_labels(const std::vector<std::string>& labels) {
  std::vector<std::string> names;
  for (const auto& label : labels) {
    if (!is_pattern(label)) continue;
    for (const auto& name : names_in(label)) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  const auto shorts = short_names(names);
  ShortLabels result;
  for (const auto& label : labels) {
    if (!is_pattern(label)) {
      result.labels.push_back(label);
      continue;
    }
    std::string text;
    for (const auto& name : names_in(label)) {
      const auto place = std::find(names.begin(), names.end(), name) - names.begin();
      text += (text.empty() ? "" : ",") + shorts[static_cast<std::size_t>(place)];
    }
    result.labels.push_back(text);
  }
  for (std::size_t m = 0; m < names.size(); ++m) {
    if (shorts[m] == names[m]) continue;
    result.key += fmt::format("{}{} = {}", result.key.empty() ? "" : ", ", shorts[m], names[m]);
  }
  if (!result.key.empty()) result.key += '\n';
  return result;
}

}  // namespace hardy
