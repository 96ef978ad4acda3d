#include "corpus/class_map.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/wording.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::string_view kOfModel = "model:";
constexpr std::string_view kLeftOut = "-";

/// "happy = joy". `place` names the entry in messages.
ClassMapEntry parse_entry(std::string_view text, const std::string& place) {
  const auto equals = text.find('=');
  ClassMapEntry entry;
  if (equals != std::string_view::npos) {
    std::string_view from = trim(text.substr(0, equals));
    entry.is_of_model = from.starts_with(kOfModel);
    if (entry.is_of_model) from = trim(from.substr(kOfModel.size()));
    entry.from = from;
    entry.to = trim(text.substr(equals + 1));
  }
  if (entry.from.empty() || entry.to.empty()) {
    throw ConfigError(
        fmt::format("{}: '{}' is no entry of a map; write NAME=CLASS, e.g. happy=joy, or NAME=- to "
                    "leave its utterances out",
                    place, trim(text)));
  }
  if (entry.to == kLeftOut) entry.to.clear();
  return entry;
}

void add_entry(ClassMap& map, ClassMapEntry entry, const std::string& place) {
  if (map.find(entry.from, entry.is_of_model) != nullptr) {
    throw ConfigError(fmt::format("{}: '{}{}' has two entries; leave one", place,
                                  entry.is_of_model ? kOfModel : "", entry.from));
  }
  map.entries.push_back(std::move(entry));
}

ClassMap read_map_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw IoError(fmt::format("{}: cannot be opened", path));
  ClassMap map;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const auto text = trim(std::string_view(line).substr(0, line.find('#')));
    if (text.empty()) continue;
    const auto place = fmt::format("{}, line {}", path, number);
    add_entry(map, parse_entry(text, place), place);
  }
  if (file.bad()) throw IoError(fmt::format("{}: reading failed", path));
  if (map.entries.empty()) {
    throw ConfigError(
        fmt::format("{}: holds no entry of a map; write NAME=CLASS, one a line", path));
  }
  return map;
}

}  // namespace

const ClassMapEntry* ClassMap::find(const std::string& name, bool is_of_model) const {
  const auto wanted = normal_form(name);
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const ClassMapEntry& one) {
    return one.is_of_model == is_of_model && normal_form(one.from) == wanted;
  });
  return found == entries.end() ? nullptr : &*found;
}

ClassMap parse_class_map(const std::string& text) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(text, ignored)) return read_map_file(text);
  if (text.find('=') == std::string::npos) {
    throw ConfigError(fmt::format(
        "--map {}: neither a file nor a map; write NAME=CLASS, e.g. happy=joy,excited=joy", text));
  }
  ClassMap map;
  std::istringstream entries(text);
  std::string entry;
  while (std::getline(entries, entry, ',')) add_entry(map, parse_entry(entry, "--map"), "--map");
  return map;
}

bool MatchedClasses::changes_outputs() const {
  for (std::size_t c = 0; c < places.size(); ++c) {
    if (places[c] != static_cast<std::int64_t>(c)) return true;
  }
  return false;
}

std::vector<float> MatchedClasses::merge(const std::vector<float>& outputs) const {
  const std::size_t width = places.size();
  const std::size_t count = outputs.size() / width;
  std::vector<float> merged;
  merged.reserve(count * names.size());
  std::vector<double> sums(names.size());
  for (std::size_t row = 0; row < count; ++row) {
    std::fill(sums.begin(), sums.end(), 0.0);
    double kept = 0;
    for (std::size_t c = 0; c < width; ++c) {
      if (places[c] < 0) continue;
      const auto share = static_cast<double>(outputs[row * width + c]);
      sums[static_cast<std::size_t>(places[c])] += share;
      kept += share;
    }
    for (const double sum : sums) {
      merged.push_back(
          static_cast<float>(kept > 0 ? sum / kept : 1.0 / static_cast<double>(names.size())));
    }
  }
  return merged;
}

MatchedClasses classes_under(const std::vector<std::string>& classes, const ClassMap& map) {
  for (const auto& entry : map.entries) {
    if (!entry.is_of_model) continue;
    const bool is_known = std::any_of(classes.begin(), classes.end(), [&](const auto& name) {
      return normal_form(name) == normal_form(entry.from);
    });
    if (is_known) continue;
    const auto nearest = nearest_name(entry.from, classes);
    throw ConfigError(fmt::format(
        "--map model:{}: the model has no such class{}; it has {}", entry.from,
        nearest.empty() ? "" : fmt::format(" (is it '{}'?)", nearest), fmt::join(classes, ", ")));
  }
  MatchedClasses matched;
  for (const auto& name : classes) {
    const ClassMapEntry* entry = map.find(name, true);
    const std::string& counted = entry == nullptr ? name : entry->to;
    if (counted.empty()) {
      matched.places.push_back(-1);
      continue;
    }
    const auto same = [&](const auto& own) { return normal_form(own) == normal_form(counted); };
    const auto found = std::find_if(matched.names.begin(), matched.names.end(), same);
    matched.places.push_back(found - matched.names.begin());
    if (found == matched.names.end()) matched.names.push_back(counted);
  }
  if (matched.names.size() < 2) {
    throw ConfigError(fmt::format(
        "--map: of the model's classes {} remains; a score needs two at least",
        matched.names.empty() ? std::string("none") : "only '" + matched.names[0] + "'"));
  }
  return matched;
}

}  // namespace hardy
