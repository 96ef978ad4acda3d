// predictions.csv of a run folder, row by row.
#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/prediction_table.h"
#include "base/checksum_list.h"
#include "base/files.h"
#include "formats/csv.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 32;

enum Column { kUtterance, kDialogue, kTrack, kCondition, kFold, kSeed, kTruth, kPredicted };

constexpr std::size_t kFirstOutput = kPredicted + 1;

TallyLayout layout_of(const RunManifest& manifest) {
  if (manifest.class_names.empty()) return {TaskKind::kValue, {}};
  const bool is_binary = manifest.config.data.task == "binary";
  return {is_binary ? TaskKind::kBinary : TaskKind::kClass, manifest.class_names};
}

template <typename Number>
Number number_of(const std::string& text, const char* column) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end) {
    throw ArtifactError(fmt::format("column {} holds '{}', which is no number", column, text));
  }
  return value;
}

/// The layout that the columns of several labels or values tell; null when there is one label.
/// `first`: index of the first column behind the prediction. Throws ArtifactError for columns of
/// earlier versions, which lack the truths.
std::optional<TallyLayout> target_layout(const std::vector<std::string>& columns,
                                         std::size_t first) {
  std::vector<std::string> names;
  for (std::size_t c = first; c < columns.size() && columns[c].starts_with("p_"); ++c) {
    names.push_back(columns[c].substr(2));
  }
  if (names.empty()) return std::nullopt;
  for (const auto& [prefix, task] :
       {std::pair(kLabelTruth, TaskKind::kLabels), std::pair(kValueTruth, TaskKind::kValues)}) {
    std::vector<std::string> truths;
    for (const auto& name : names) truths.push_back(prefix + name);
    const auto place = columns.begin() + static_cast<std::ptrdiff_t>(first + names.size());
    const auto left = static_cast<std::size_t>(columns.end() - place);
    if (left >= names.size() && std::equal(truths.begin(), truths.end(), place)) {
      return TallyLayout(task, names);
    }
  }
  throw ArtifactError(fmt::format("there is no column {}{} with the truth", kLabelTruth, names[0]));
}

class PredictionReader {
 public:
  explicit PredictionReader(const RunManifest& manifest)
      : layout_(layout_of(manifest)), modality_names_(manifest.modality_names) {}

  void header(const std::vector<std::string>& names) {
    const std::vector<std::string> needed = {"utterance", "dialogue", "track", "condition",
                                             "fold",      "seed",     "truth", "predicted"};
    if (names.size() < needed.size() || !std::equal(needed.begin(), needed.end(), names.begin())) {
      throw ArtifactError(fmt::format("the columns do not start with {}", fmt::join(needed, ",")));
    }
    const auto speaker = std::find(names.begin(), names.end(), "speaker");
    if (speaker != names.end()) speaker_ = static_cast<std::size_t>(speaker - names.begin());
    has_probabilities_ = layout_.task() == TaskKind::kClass &&
                         names.size() >= needed.size() + layout_.class_names().size();
    if (layout_.task() == TaskKind::kValue) {
      if (auto layout = target_layout(names, needed.size())) layout_ = std::move(*layout);
    }
    builder_.emplace(layout_, modality_names_);
  }

  void row(const std::vector<std::string>& row) {
    const bool is_next = row[kTrack] != track_ || row[kCondition] != condition_ ||
                         row[kFold] != fold_ || row[kSeed] != seed_;
    if (is_next) {
      track_ = row[kTrack];
      condition_ = row[kCondition];
      fold_ = row[kFold];
      seed_ = row[kSeed];
      const int fold = number_of<int>(fold_, "fold");
      if (fold < 0) throw ArtifactError(fmt::format("column fold holds '{}'", fold_));
      builder_->start(track_, condition_of(condition_), fold,
                      number_of<std::int64_t>(seed_, "seed"));
    }
    const bool is_read = !row[kPredicted].empty() || has_outputs(row);
    Prediction prediction = {.dialogue = row[kDialogue],
                             .utterance = row[kUtterance],
                             .speaker = speaker_ == 0 ? "" : row[speaker_]};
    if (!is_read) prediction.predicted = std::numeric_limits<double>::quiet_NaN();
    if (layout_.has_targets()) {
      read_targets(row, is_read, prediction);
    } else {
      prediction.truth = truth_of(row[kTruth]);
      if (is_read) prediction.predicted = output_of(row[kPredicted], "predicted");
      outputs_.clear();
      for (std::size_t c = 0; has_probabilities_ && is_read && c < layout_.class_names().size();
           ++c) {
        outputs_.push_back(number_of<float>(row[kFirstOutput + c], "p_"));
      }
    }
    prediction.outputs = outputs_;
    prediction.targets = targets_;
    builder_->add(prediction);
  }

  [[nodiscard]] PredictionTable finish() const {
    if (!builder_) throw ArtifactError("it is empty");
    return builder_->finish();
  }

 private:
  /// Several labels may all be absent, so that the text of the prediction is empty.
  [[nodiscard]] bool has_outputs(const std::vector<std::string>& row) const {
    return layout_.has_targets() && !row[kFirstOutput].empty();
  }

  /// The outputs and truths of several labels or values.
  void read_targets(const std::vector<std::string>& row, bool is_read, Prediction& prediction) {
    const std::size_t width = layout_.class_names().size();
    outputs_.clear();
    targets_.clear();
    for (std::size_t t = 0; is_read && t < width; ++t) {
      outputs_.push_back(number_of<float>(row[kFirstOutput + t], "p_"));
    }
    const std::size_t first = kFirstOutput + width;
    if (row[first].empty()) {
      prediction.truth = std::numeric_limits<double>::quiet_NaN();
      return;
    }
    for (std::size_t t = 0; t < width; ++t) {
      targets_.push_back(number_of<float>(row[first + t], "of a truth"));
    }
  }

  [[nodiscard]] Condition condition_of(const std::string& text) const {
    try {
      return parse_condition(text, modality_names_);
    } catch (const Error&) {
      throw ArtifactError(fmt::format("condition '{}' is none of these modalities", text));
    }
  }

  /// A class index or a value.
  [[nodiscard]] double output_of(const std::string& text, const char* column) const {
    if (layout_.task() == TaskKind::kValue) {
      return static_cast<double>(number_of<float>(text, column));
    }
    const auto& names = layout_.class_names();
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) {
      throw ArtifactError(fmt::format("column {} holds '{}', which is no class of the run ({})",
                                      column, text, fmt::join(names, ", ")));
    }
    return static_cast<double>(found - names.begin());
  }

  [[nodiscard]] double truth_of(const std::string& text) const {
    // Not labelled, or a value of exactly 0, which has no sign.
    if (text.empty()) return std::numeric_limits<double>::quiet_NaN();
    const double value = output_of(text, "truth");
    return layout_.task() == TaskKind::kBinary ? 2 * value - 1 : value;
  }

  TallyLayout layout_;
  std::vector<std::string> modality_names_;
  std::size_t speaker_ = 0;  // column; 0 = absent in runs of earlier versions
  bool has_probabilities_ = false;
  std::vector<float> outputs_;
  std::vector<float> targets_;
  std::optional<PredictionTableBuilder> builder_;  // made by the header
  std::string track_;
  std::string condition_;
  std::string fold_;
  std::string seed_;
};

}  // namespace

PredictionTable read_predictions(const RunFolder& folder) {
  const std::string file = folder.predictions_file().string();
  verify_listed_file(folder.predictions_file());
  std::size_t current = 0;
  try {
    PredictionReader reader(folder.manifest());
    read_csv(read_text_file(file, kMaxBytes), file,
             {.header = [&](const std::vector<std::string>& names) { reader.header(names); },
              .row =
                  [&](std::size_t line, const std::vector<std::string>& row) {
                    current = line;
                    reader.row(row);
                  }});
    current = 0;
    return reader.finish();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kData) {  // of the file or of the CSV form
      throw ArtifactError(error.what(), "run again to write it anew");
    }
    if (error.kind() != ErrorKind::kArtifact) throw;
    const std::string line = current == 0 ? "" : fmt::format(", line {}", current);
    throw ArtifactError(
        fmt::format("{}{}: damaged: {}; run again to write it anew", file, line, error.what()));
  }
}

}  // namespace hardy
