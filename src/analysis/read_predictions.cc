// predictions.csv of a run folder, row by row.
#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
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

class PredictionReader {
 public:
  explicit PredictionReader(const RunManifest& manifest)
      : layout_(layout_of(manifest)),
        modality_names_(manifest.modality_names),
        builder_(layout_, manifest.modality_names) {}

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
    const bool has_outputs = names.size() > needed.size() && names[needed.size()].starts_with("p_");
    if (layout_.task() == TaskKind::kValue && has_outputs) {
      throw ConfigError(
          "this run recognises several labels or values per utterance, of which no intervals and "
          "no "
          "comparisons are computed; its results.json has the metrics of each");
    }
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
      builder_.start(track_, condition_of(condition_), fold,
                     number_of<std::int64_t>(seed_, "seed"));
    }
    probabilities_.clear();
    const bool is_read = !row[kPredicted].empty();  // otherwise no modality was available
    for (std::size_t c = 0; has_probabilities_ && is_read && c < layout_.class_names().size();
         ++c) {
      probabilities_.push_back(number_of<float>(row[kPredicted + 1 + c], "p_"));
    }
    builder_.add({.dialogue = row[kDialogue],
                  .utterance = row[kUtterance],
                  .speaker = speaker_ == 0 ? "" : row[speaker_],
                  .truth = truth_of(row[kTruth]),
                  .predicted = is_read ? output_of(row[kPredicted], "predicted")
                                       : std::numeric_limits<double>::quiet_NaN(),
                  .probabilities = probabilities_});
  }

  [[nodiscard]] PredictionTable finish() const { return builder_.finish(); }

 private:
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
  std::vector<float> probabilities_;
  PredictionTableBuilder builder_;
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
