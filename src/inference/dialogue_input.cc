#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/recogniser.h"
#include "kernels/forward_loops.h"

namespace hardy {

DialogueInput::DialogueInput(const BundleInfo& info) : info_(&info) {}

void DialogueInput::add(std::initializer_list<NamedFeatures> features, std::string_view speaker) {
  add(std::span<const NamedFeatures>(features.begin(), features.size()), speaker);
}

void DialogueInput::add(std::span<const NamedFeatures> features, std::string_view speaker) {
  if (features.empty()) {
    throw DataError("the utterance has no modality; give at least one of them");
  }
  Row row{};
  row.first.fill(-1);
  const auto before = values_.size();
  try {
    append(features, row);
  } catch (const Error&) {
    values_.resize(before);
    throw;
  }
  row.speaker = speaker.empty() ? -1 : number_of(speaker);
  rows_.push_back(row);
}

void DialogueInput::add_empty(std::string_view speaker) {
  Row row{};
  row.first.fill(-1);
  row.speaker = speaker.empty() ? -1 : number_of(speaker);
  rows_.push_back(row);
}

void DialogueInput::append(std::span<const NamedFeatures> features, Row& row) {
  for (const auto& [name, values] : features) {
    const auto m = static_cast<std::size_t>(info_->modality_index(name));
    const std::int64_t width = info_->modalities[m].width;
    if (row.first[m] >= 0) throw ConfigError(fmt::format("modality '{}' is given twice", name));
    if (static_cast<std::int64_t>(values.size()) != width) {
      throw ShapeError(fmt::format(
          "modality '{}' has {} values, the model reads {}; use the extractor it was trained with",
          name, values.size(), width));
    }
    if (!predict::all_finite(values.data(), width)) {
      throw DataError(
          fmt::format("modality '{}' holds a value that is NaN or infinite; leave the modality out "
                      "if it is missing",
                      name));
    }
    row.first[m] = static_cast<std::int64_t>(values_.size());
    values_.insert(values_.end(), values.begin(), values.end());
  }
}

std::int64_t DialogueInput::number_of(std::string_view speaker) {
  for (std::size_t i = 0; i < speaker_count_; ++i) {
    if (speakers_[i] == speaker) return static_cast<std::int64_t>(i);
  }
  if (speaker_count_ == speakers_.size()) speakers_.emplace_back();
  speakers_[speaker_count_].assign(speaker);
  return static_cast<std::int64_t>(speaker_count_++);
}

void DialogueInput::clear() {
  rows_.clear();
  values_.clear();
  speaker_count_ = 0;
}

std::span<const UtteranceView> DialogueInput::utterances() const {
  views_.resize(rows_.size());
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    views_[i] = {};
    views_[i].speaker = rows_[i].speaker;
    for (std::size_t m = 0; m < info_->modalities.size(); ++m) {
      if (rows_[i].first[m] >= 0) views_[i].features[m] = values_.data() + rows_[i].first[m];
    }
  }
  return views_;
}

}  // namespace hardy
