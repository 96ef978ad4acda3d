#include "experiments/sweep.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "base/random.h"
#include "config/fields.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kMaxPoints = 10'000;

/// Settings that define validation: points with different values are not comparable.
constexpr std::array kNotSwept = {"data.",
                                  "run.",
                                  "protocol.split",
                                  "protocol.folds",
                                  "protocol.validation",
                                  "protocol.conditions",
                                  "protocol.tracks"};

std::vector<std::string> split_at(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (true) {
    const auto end = text.find(separator, start);
    parts.push_back(text.substr(start, end - start));
    if (end == std::string::npos) return parts;
    start = end + 1;
  }
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) return std::nullopt;
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

/// "0..1" or "log:1e-5..1e-2".
std::optional<SweepAxis> range_of(const std::string& key, const std::string& value) {
  SweepAxis axis;
  axis.key = key;
  std::string_view text = value;
  axis.is_logarithmic = text.starts_with("log:");
  if (axis.is_logarithmic) text.remove_prefix(4);
  const auto dots = text.find("..");
  if (dots == std::string_view::npos) return std::nullopt;
  const auto low = number_of(text.substr(0, dots));
  const auto high = number_of(text.substr(dots + 2));
  const bool is_range = low && high && *low < *high && (!axis.is_logarithmic || *low > 0);
  if (!is_range) {
    throw ConfigError(fmt::format(
        "--set {}={}: not a range; write low..high or log:low..high with low < high (and low > 0 "
        "for log)",
        key, value));
  }
  axis.low = *low;
  axis.high = *high;
  return axis;
}

bool is_sweepable(const std::string& key) {
  return std::none_of(kNotSwept.begin(), kNotSwept.end(),
                      [&](const char* prefix) { return key.starts_with(prefix); });
}

bool is_integer_field(const std::string& key) {
  const std::string present = current_key(key);
  for (const auto& field : config_fields()) {
    if (field.key == present) return field.type == "integer";
  }
  return false;
}

std::string draw_value(const SweepAxis& axis, Generator& generator) {
  if (!axis.values.empty()) {
    const auto count = static_cast<std::int64_t>(axis.values.size());
    return axis.values[static_cast<std::size_t>(draw_index(generator, count))];
  }
  const double unit = draw_unit(generator);
  const double value = axis.is_logarithmic ? axis.low * std::pow(axis.high / axis.low, unit)
                                           : axis.low + unit * (axis.high - axis.low);
  if (is_integer_field(axis.key)) return fmt::format("{:.0f}", value);
  return fmt::format("{:.4g}", value);  // four significant digits
}

/// "alpha1=0.2, k=3" from the last part of each key; the whole key where that is ambiguous.
Variant point(const std::vector<SweepAxis>& axes, const std::vector<std::string>& values) {
  const auto last_part = [](const std::string& key) { return key.substr(key.rfind('.') + 1); };
  Variant variant;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const auto name = last_part(axes[a].key);
    const auto same = std::count_if(axes.begin(), axes.end(), [&](const SweepAxis& other) {
      return last_part(other.key) == name;
    });
    variant.label +=
        fmt::format("{}{}={}", a == 0 ? "" : ", ", same > 1 ? axes[a].key : name, values[a]);
    variant.assignments.push_back(axes[a].key + "=" + values[a]);
  }
  return variant;
}

std::vector<Variant> grid(const std::vector<SweepAxis>& axes) {
  std::size_t count = 1;
  for (const auto& axis : axes) {
    if (axis.values.empty()) {
      throw ConfigError(fmt::format(
          "--set {}: a range has no grid; add --random N or list the values", axis.key));
    }
    count *= axis.values.size();
    if (count > kMaxPoints) {
      throw ConfigError(fmt::format(
          "the grid has more than {} points; list fewer values or add --random N", kMaxPoints));
    }
  }
  std::vector<Variant> variants;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> values(axes.size());
    std::size_t rest = i;
    for (std::size_t a = axes.size(); a-- > 0;) {
      values[a] = axes[a].values[rest % axes[a].values.size()];
      rest /= axes[a].values.size();
    }
    variants.push_back(point(axes, values));
  }
  return variants;
}

}  // namespace

SweepSettings read_sweep(const std::vector<std::string>& settings) {
  SweepSettings result;
  std::set<std::string> keys;
  for (const auto& setting : settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos) {
      result.fixed.push_back(setting);  // applying it gives the usual error message
      continue;
    }
    const std::string key = setting.substr(0, equals);
    const std::string value = setting.substr(equals + 1);
    const char separator = value.find(';') == std::string::npos ? ',' : ';';
    auto values = split_at(value, separator);
    auto range = range_of(key, value);
    // "a=l2,b=cosine" is one value of hardymer.retrieval.metric.
    const bool is_one_text = separator == ',' && value.find('=') != std::string::npos;
    const bool varies = range || (values.size() > 1 && !is_one_text);
    if (!varies || key.starts_with("run.") || key == "protocol.conditions") {
      result.fixed.push_back(setting);
      continue;
    }
    if (!is_sweepable(key)) {
      throw ConfigError(fmt::format(
          "--set {}: points of a sweep are compared on the same validation outputs, which {} "
          "changes; run a study of its own for each value",
          setting, key));
    }
    if (!keys.insert(key).second) {
      throw ConfigError(fmt::format("--set {}: {} already varies; list all its values in one --set",
                                    setting, key));
    }
    SweepAxis axis = range ? *range : SweepAxis{key, values};
    std::sort(values.begin(), values.end());
    const bool is_bad =
        !range && (values.front().empty() ||
                   std::adjacent_find(values.begin(), values.end()) != values.end());
    if (is_bad)
      throw ConfigError(fmt::format("--set {}: a value is empty or comes twice", setting));
    result.axes.push_back(std::move(axis));
  }
  return result;
}

std::vector<Variant> sweep_variants(const std::vector<SweepAxis>& axes, std::int64_t random,
                                    std::uint64_t seed) {
  if (axes.empty()) {
    throw ConfigError(
        "nothing varies; give at least one --set key=value,value,... (or key=low..high with "
        "--random N)");
  }
  if (random <= 0) return grid(axes);
  constexpr std::int64_t kTriesPerPoint = 50;
  std::vector<Variant> variants;
  std::set<std::string> labels;
  Generator generator = Seeds(seed).stream("sweep.points");
  for (std::int64_t tries = 0; tries < random * kTriesPerPoint; ++tries) {
    if (static_cast<std::int64_t>(variants.size()) == random) break;
    std::vector<std::string> values;
    for (const auto& axis : axes) values.push_back(draw_value(axis, generator));
    auto variant = point(axes, values);
    if (labels.insert(variant.label).second) variants.push_back(std::move(variant));
  }
  return variants;
}

}  // namespace hardy
