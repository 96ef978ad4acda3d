#include "hardy/training_section.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hardy/errors.h"
#include "kernels/forward_loops.h"

namespace hardy {
namespace {

constexpr const char* kTrainingDescription = "hardy.training";

std::vector<float> flattened(const std::vector<std::vector<float>>& rows) {
  std::vector<float> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  return all;
}

std::span<const float> sized(const TensorFileView& file, const std::string& name,
                             std::size_t count) {
  const auto values = file.floats(name);
  if (values.size() != count) {
    throw ArtifactError(
        fmt::format("array '{}' has {} values, expected {}: the section of training "
                    "utterances is damaged",
                    name, values.size(), count));
  }
  return values;
}

double squared_length(std::span<const float> x) {
  double sum = 0;
  for (const float value : x) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum;
}

double inner_product(const float* x, std::span<const float> y) {
  double sum = 0;
  for (std::size_t j = 0; j < y.size(); ++j) {
    sum += static_cast<double>(x[j]) * static_cast<double>(y[j]);
  }
  return sum;
}

double squared_distance(const float* x, std::span<const float> y) {
  double sum = 0;
  for (std::size_t j = 0; j < y.size(); ++j) {
    const double difference = static_cast<double>(x[j]) - static_cast<double>(y[j]);
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

void add_training_section(TensorFile& file, const BundleInfo& info, TrainingRecords records) {
  const auto n = static_cast<std::int64_t>(records.ids.size());
  const auto patterns = static_cast<std::int64_t>(records.patterns.size());
  nlohmann::ordered_json about = {{"ids", records.ids},
                                  {"dialogues", records.dialogues},
                                  {"transcripts", records.transcripts},
                                  {"cosine", records.is_cosine}};
  file.metadata[kTrainingDescription] =
      about.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::vector<std::int64_t> bits;
  for (const auto pattern : records.present) bits.push_back(pattern.bits());
  file.add("training.present", {n}, std::move(bits));
  bits.clear();
  for (const auto pattern : records.patterns) bits.push_back(pattern.bits());
  file.add("training.patterns", {patterns}, std::move(bits));
  file.add("training.labels", {n}, std::move(records.labels));
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    file.add("training.features." + info.modalities[m].name, {n, info.modalities[m].width},
             std::move(records.features[m]));
  }
  file.add("training.direct", {patterns, n}, flattened(records.direct));
  file.add("training.score", {patterns, n}, flattened(records.score));
  records.indirect.resize(static_cast<std::size_t>(patterns > 0 ? n : 0));
  const auto indirect = static_cast<std::int64_t>(records.indirect.size());
  file.add("training.indirect", {indirect}, std::move(records.indirect));
}

bool TrainingSection::exists(const TensorFileView& file) {
  return file.metadata.contains(kTrainingDescription);
}

TrainingSection::TrainingSection(const TensorFileView& file, const BundleInfo& info) {
  try {
    const auto about = nlohmann::json::parse(file.metadata.at(kTrainingDescription));
    about.at("ids").get_to(ids_);
    about.at("dialogues").get_to(dialogues_);
    about.at("transcripts").get_to(transcripts_);
    is_cosine_ = about.at("cosine").get<std::vector<bool>>();
  } catch (const nlohmann::json::exception& error) {
    throw ArtifactError(
        fmt::format("the description of the training utterances is damaged: {}", error.what()));
  }
  const std::size_t n = ids_.size();
  present_ = file.integers("training.present");
  patterns_ = file.integers("training.patterns");
  const bool fits = dialogues_.size() == n && transcripts_.size() == n && present_.size() == n &&
                    is_cosine_.size() == info.modalities.size();
  if (!fits) throw ArtifactError("the lists of training utterances differ in length");
  labels_ = sized(file, "training.labels", n);
  for (const auto& [name, width] : info.modalities) {
    widths_.push_back(width);
    features_.push_back(
        sized(file, "training.features." + name, n * static_cast<std::size_t>(width)));
  }
  direct_ = sized(file, "training.direct", n * patterns_.size());
  score_ = sized(file, "training.score", n * patterns_.size());
  indirect_ = sized(file, "training.indirect", patterns_.empty() ? 0 : n);
}

std::span<const float> TrainingSection::features(std::size_t m, std::int64_t row) const {
  const auto width = static_cast<std::size_t>(widths_[m]);
  return features_[m].subspan(place(row) * width, width);
}

bool TrainingSection::hardness(std::int64_t row, Pattern pattern, HardnessParts& parts) const {
  for (std::size_t p = 0; p < patterns_.size(); ++p) {
    if (patterns_[p] != static_cast<std::int64_t>(pattern.bits())) continue;
    const auto index = p * ids_.size() + place(row);
    parts = {static_cast<double>(direct_[index]), static_cast<double>(indirect_[place(row)]),
             static_cast<double>(score_[index])};
    return true;
  }
  return false;
}

std::vector<TrainingNeighbour> TrainingSection::nearest(std::span<const float* const> query,
                                                        std::size_t k) const {
  std::vector<std::int64_t> candidates;
  std::vector<std::pair<double, std::int64_t>> ranked;
  for (std::size_t m = 0; m < widths_.size(); ++m) {
    if (query[m] == nullptr) continue;
    ranked.clear();
    for (std::int64_t row = 0; row < size(); ++row) {
      if (!present(row).has(static_cast<int>(m))) continue;
      const auto values = features(m, row);
      const double length = is_cosine_[m] ? std::sqrt(squared_length(values)) : 1;
      const double distance = is_cosine_[m]
                                  ? -inner_product(query[m], values) / std::max(length, 1e-30)
                                  : squared_distance(query[m], values);
      ranked.emplace_back(distance, row);
    }
    const auto kept = static_cast<std::ptrdiff_t>(std::min(k, ranked.size()));
    std::partial_sort(ranked.begin(), ranked.begin() + kept, ranked.end());
    for (auto each = ranked.begin(); each != ranked.begin() + kept; ++each) {
      candidates.push_back(each->second);
    }
  }
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  ranked.clear();
  for (const auto row : candidates) {
    double total = 0;
    int shared = 0;
    for (std::size_t m = 0; m < widths_.size(); ++m) {
      if (query[m] == nullptr || !present(row).has(static_cast<int>(m))) continue;
      total += std::sqrt(squared_distance(query[m], features(m, row)));
      ++shared;
    }
    ranked.emplace_back(total / std::max(1, shared), row);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<TrainingNeighbour> result;
  for (std::size_t i = 0; i < std::min(k, ranked.size()); ++i) {
    result.push_back({ranked[i].second, ranked[i].first});
  }
  return result;
}

}  // namespace hardy
