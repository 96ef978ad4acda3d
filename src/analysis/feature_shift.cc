#include "analysis/feature_shift.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json_number.h"

namespace hardy {
namespace {

constexpr double kNoShift = std::numeric_limits<double>::quiet_NaN();
/// Variances up to this are those of a constant column; training standardises it with deviation 1.
constexpr double kConstantVariance = 1e-12;
constexpr double kLargeDifference = 0.1;
constexpr double kLargeRatio = 2;

ColumnMoments moments_of_modality(const ModalityData& modality) {
  const auto width = static_cast<std::size_t>(modality.width);
  ColumnMoments moments{.modality = modality.name,
                        .utterances = 0,
                        .mean = std::vector<double>(width, 0),
                        .variance = std::vector<double>(width, 0),
                        .lowest = {},
                        .highest = {}};
  // Welford's update: one pass over a mapped file, exact enough for columns far from zero.
  for (std::size_t i = 0; i < modality.present.size(); ++i) {
    if (modality.present[i] == 0) continue;
    const auto values = modality.row(static_cast<std::int64_t>(i));
    const auto count = static_cast<double>(++moments.utterances);
    for (std::size_t j = 0; j < width; ++j) {
      const double offset = static_cast<double>(values[j]) - moments.mean[j];
      moments.mean[j] += offset / count;
      moments.variance[j] += offset * (static_cast<double>(values[j]) - moments.mean[j]);
    }
  }
  for (auto& variance : moments.variance) {
    variance /= static_cast<double>(std::max<std::int64_t>(moments.utterances, 1));
  }
  return moments;
}

double clipped_share(const ColumnMoments& source, const ModalityData& target) {
  if (source.lowest.empty()) return kNoShift;
  std::int64_t outside = 0;
  std::int64_t all = 0;
  for (std::size_t i = 0; i < target.present.size(); ++i) {
    if (target.present[i] == 0) continue;
    const auto values = target.row(static_cast<std::int64_t>(i));
    for (std::size_t j = 0; j < values.size(); ++j) {
      const auto value = static_cast<double>(values[j]);
      outside += value < source.lowest[j] || value > source.highest[j] ? 1 : 0;
    }
    all += target.width;
  }
  return all == 0 ? kNoShift : static_cast<double>(outside) / static_cast<double>(all);
}

ModalityShift shift_of(const ColumnMoments& source, const ModalityData& target) {
  const ColumnMoments moments = moments_of_modality(target);
  ModalityShift shift;
  shift.modality = target.name;
  shift.width = target.width;
  shift.utterances = moments.utterances;
  shift.clipped = clipped_share(source, target);
  std::int64_t counted = 0;
  double logarithms = 0;
  for (std::size_t j = 0; j < source.mean.size() && moments.utterances > 0; ++j) {
    const double own = moments.variance[j];
    const double other = source.variance[j];
    if (own <= kConstantVariance || other <= kConstantVariance) {
      ++shift.fixed;
      continue;
    }
    ++counted;
    const double difference =
        std::abs(moments.mean[j] - source.mean[j]) / std::sqrt((own + other) / 2);
    shift.difference += difference;
    shift.shifted += difference > kLargeDifference ? 1 : 0;
    logarithms += std::log(own / other);
    shift.unequal += std::abs(std::log(own / other)) > std::log(kLargeRatio) ? 1 : 0;
  }
  const double columns = counted == 0 ? kNoShift : static_cast<double>(counted);
  shift.difference /= columns;
  shift.shifted /= columns;
  shift.unequal /= columns;
  shift.ratio = std::exp(logarithms / columns);
  return shift;
}

std::string number(double value, const char* format) {
  return std::isnan(value) ? "-" : fmt::format(fmt::runtime(format), value);
}

std::string percent(double share) { return number(100 * share, "{:.1f} %"); }

}  // namespace

std::vector<ColumnMoments> stored_moments(const TensorFileView& file, const BundleInfo& info) {
  std::vector<ColumnMoments> all;
  for (const auto& modality : info.modalities) {
    const std::string prefix = "scaling." + modality.name;
    const auto mean = file.floats(prefix + ".mean");
    const auto deviation = file.floats(prefix + ".deviation");
    ColumnMoments moments;
    moments.modality = modality.name;
    moments.mean.assign(mean.begin(), mean.end());
    for (const float value : deviation) {
      moments.variance.push_back(static_cast<double>(value) * static_cast<double>(value));
    }
    if (info.limits_features) {
      const auto lowest = file.floats(prefix + ".lowest");
      const auto highest = file.floats(prefix + ".highest");
      for (std::size_t j = 0; j < mean.size(); ++j) {
        const auto scale = static_cast<double>(deviation[j]);
        moments.lowest.push_back(moments.mean[j] + scale * static_cast<double>(lowest[j]));
        moments.highest.push_back(moments.mean[j] + scale * static_cast<double>(highest[j]));
        // A column that is constant in training is stored with deviation 1 and an empty range.
        if (lowest[j] == highest[j]) moments.variance[j] = 0;
      }
    }
    all.push_back(std::move(moments));
  }
  return all;
}

std::vector<ColumnMoments> moments_of(const Corpus& corpus) {
  std::vector<ColumnMoments> all;
  for (const auto& modality : corpus.modalities) all.push_back(moments_of_modality(modality));
  return all;
}

std::vector<ModalityShift> feature_shift(const std::vector<ColumnMoments>& source,
                                         const Corpus& target) {
  std::vector<ModalityShift> shifts;
  for (std::size_t m = 0; m < source.size(); ++m) {
    shifts.push_back(shift_of(source[m], target.modalities[m]));
  }
  return shifts;
}

std::string shift_text(const std::vector<ModalityShift>& shifts) {
  std::string text =
      fmt::format("{:<16}{:>8}{:>11}{:>8}{:>9}{:>9}{:>9}{:>9}\n", "modality", "columns",
                  "utterances", "SMD", "> 0.1", "ratio", "unequal", "clipped");
  for (const auto& shift : shifts) {
    std::string name = shift.modality;
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return c < ' '; }, '?');
    text +=
        fmt::format("{:<16}{:>8}{:>11}{:>8}{:>9}{:>9}{:>9}{:>9}\n", name, shift.width,
                    shift.utterances, number(shift.difference, "{:.3f}"), percent(shift.shifted),
                    number(shift.ratio, "{:.3f}"), percent(shift.unequal), percent(shift.clipped));
    if (shift.fixed > 0) {
      text += fmt::format(
          "  {} of its columns are constant on one side: not counted but in "
          "clipped\n",
          shift.fixed);
    }
  }
  return text;
}

std::string shift_json(const std::vector<ModalityShift>& shifts, const std::string& source,
                       const std::string& target) {
  nlohmann::ordered_json json = {{"format", 1}, {"source", source}, {"target", target}};
  auto list = nlohmann::ordered_json::array();
  for (const auto& shift : shifts) {
    list.push_back({{"modality", shift.modality},
                    {"width", shift.width},
                    {"utterances", shift.utterances},
                    {"mean_difference", json_number(shift.difference)},
                    {"shifted_columns", json_number(shift.shifted)},
                    {"variance_ratio", json_number(shift.ratio)},
                    {"unequal_columns", json_number(shift.unequal)},
                    {"clipped", json_number(shift.clipped)},
                    {"constant_columns", shift.fixed}});
  }
  json["modalities"] = std::move(list);
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace hardy
