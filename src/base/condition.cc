#include "hardy/modality.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "hardy/errors.h"

namespace hardy {
namespace {

/// "rate=0.3" -> ("rate", .3); masks without a single number ("acoustic=0.5+visual=0.2") sort by
/// text.
std::pair<std::string, double> protocol_and_rate(const std::string& masks) {
  const auto equals = masks.rfind('=');
  double rate = 0;
  const char* begin = masks.data() + equals + 1;
  const auto [stopped, error] = std::from_chars(begin, masks.data() + masks.size(), rate);
  const bool is_one_number =
      masks.find('=') == equals && error == std::errc() && stopped == masks.data() + masks.size();
  return is_one_number ? std::pair(masks.substr(0, equals), rate) : std::pair(masks, 0.0);
}

/// Weights of the trapezium rule over ascending rates, sum 1.
std::vector<std::pair<std::size_t, double>> area_weights(
    const std::vector<std::pair<double, std::size_t>>& points) {
  const double range = points.back().first - points.front().first;
  std::vector<std::pair<std::size_t, double>> weights;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double before = points[i == 0 ? 0 : i - 1].first;
    const double after = points[std::min(i + 1, points.size() - 1)].first;
    weights.emplace_back(points[i].second, (after - before) / 2 / range);
  }
  return weights;
}

/// The order of all_patterns.
bool is_pattern_before(Pattern first, Pattern second) {
  if (first.count() != second.count()) return first.count() < second.count();
  const std::uint32_t differing = first.bits() ^ second.bits();
  return differing != 0 && first.has(std::countr_zero(differing));
}

}  // namespace

std::string condition_label(const Condition& condition,
                            const std::vector<std::string>& modality_names) {
  return condition.is_pattern() ? pattern_label(condition.pattern, modality_names)
                                : condition.missing;
}

std::string short_pattern_label(Pattern pattern, const std::vector<std::string>& modality_names) {
  return pattern_label(pattern, short_names(modality_names));
}

Condition parse_condition(std::string_view text, const std::vector<std::string>& modality_names) {
  const bool is_masks = text.find('=') != std::string_view::npos;
  if (is_masks) return {static_cast<int>(modality_names.size()), std::string(text)};
  return parse_pattern(text, modality_names);
}

std::string current_label(const std::string& label,
                          const std::vector<std::string>& modality_names) {
  if (label == kAverageLabel) return label;
  try {
    return condition_label(parse_condition(label, modality_names), modality_names);
  } catch (const Error&) {
    return label;
  }
}

bool comes_before(const Condition& first, const Condition& second) {
  if (first.is_pattern() != second.is_pattern()) return first.is_pattern();
  if (first.is_pattern()) return is_pattern_before(first.pattern, second.pattern);
  return protocol_and_rate(first.missing) < protocol_and_rate(second.missing);
}

std::vector<ConditionMean> condition_means(const std::vector<Condition>& conditions,
                                           int modalities) {
  std::vector<std::size_t> proper;
  std::vector<std::pair<std::string, std::vector<std::pair<double, std::size_t>>>> curves;
  for (std::size_t c = 0; c < conditions.size(); ++c) {
    if (conditions[c].is_pattern()) {
      if (conditions[c].pattern != Pattern::complete(modalities)) proper.push_back(c);
      continue;
    }
    auto [protocol, rate] = protocol_and_rate(conditions[c].missing);
    if (curves.empty() || curves.back().first != protocol) curves.emplace_back(protocol, 0);
    curves.back().second.emplace_back(rate, c);
  }
  std::vector<ConditionMean> means;
  if (proper.size() >= 2) {
    means.push_back({kAverageLabel, {}});
    for (const auto c : proper) {
      means.back().weights.emplace_back(c, 1 / static_cast<double>(proper.size()));
    }
  }
  for (const auto& [protocol, points] : curves) {
    if (points.size() >= 2) means.push_back({protocol + "=area", area_weights(points)});
  }
  return means;
}

}  // namespace hardy
