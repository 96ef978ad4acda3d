#include "corpus/tree.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/foreign.h"
#include "base/wording.h"
#include "corpus/feature_folder.h"
#include "corpus/label_column.h"
#include "corpus/tree_labels.h"
#include "corpus/tree_writer.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr std::array kEmotions = {"happy", "sad", "neutral", "angry", "excited", "frustrated"};
constexpr std::size_t kFourWay = 4;
constexpr float kLargestSentiment = 3;
constexpr std::size_t kSessionLength = 5;  // "Ses01"

std::vector<std::string> list(const fs::path& folder, bool folders, std::string_view suffix) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    std::string name = entry.path().filename().string();
    if (is_side_file(name) || entry.is_directory(ignored) != folders) continue;
    if (!name.ends_with(suffix)) continue;
    require_readable_name(folder, name);
    names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Folder of the feature folders.
fs::path features_root(const fs::path& root) {
  std::error_code ignored;
  if (!fs::is_directory(root, ignored)) {
    throw DataError(
        fmt::format("{}: no such folder; give the folder that holds features/ and the "
                    "label file",
                    root.string()));
  }
  return fs::is_directory(root / "features", ignored) ? root / "features" : root;
}

std::vector<fs::path> label_candidates(const fs::path& root) {
  std::vector<fs::path> found;
  const fs::path features = features_root(root);
  for (const auto& name : list(root, false, ".pkl")) found.push_back(root / name);
  if (found.empty() && features == root) {
    const fs::path above = fs::weakly_canonical(root).parent_path();
    for (const auto& name : list(above, false, ".pkl")) found.push_back(above / name);
  }
  return found;
}

fs::path find_labels(const TreeOptions& options) {
  std::error_code ignored;
  if (!options.labels.empty()) {
    if (fs::exists(options.labels, ignored)) return options.labels;
    if (fs::exists(options.root / options.labels, ignored)) return options.root / options.labels;
    throw DataError(fmt::format("{}: no such label file", options.labels.string()));
  }
  const auto found = label_candidates(options.root);
  if (found.size() == 1) return found[0];
  if (found.empty()) {
    throw DataError(fmt::format("{}: there is no label file (*.pkl); name it with --labels",
                                options.root.string()));
  }
  std::vector<std::string> names;
  for (const auto& file : found) names.push_back(file.filename().string());
  throw ConfigError(fmt::format("{}: several label files ({}); choose one with --labels",
                                options.root.string(), fmt::join(names, ", ")));
}

std::vector<FeatureFolder> find_all_folders(const fs::path& features) {
  std::map<std::pair<int, std::string>, std::vector<std::string>> by_modality;
  for (const auto& folder : list(features, true, "")) {
    if (!is_feature_folder(features / folder)) continue;
    const std::string name = modality_of_folder(folder);
    by_modality[{modality_rank(name), name}].push_back(folder);
  }
  std::vector<FeatureFolder> result;
  for (const auto& [key, folders] : by_modality) {
    if (folders.size() > 1) {
      throw ConfigError(fmt::format(
          "{}: several folders hold {} features ({}); choose with "
          "--features {}={} (and name the other modalities likewise)",
          features.string(), key.second, fmt::join(folders, ", "), key.second, folders[0]));
    }
    result.push_back({key.second, features / folders[0]});
  }
  if (result.empty()) {
    throw DataError(fmt::format("{}: it holds no folder of .npy files", features.string()));
  }
  return result;
}

std::vector<FeatureFolder> find_folders(const TreeOptions& options) {
  const fs::path features = features_root(options.root);
  const auto choices = parse_modality_choices(options.modalities);
  if (choices.empty()) return find_all_folders(features);
  std::vector<FeatureFolder> result;
  std::set<std::string> names;
  for (const auto& [given, folder] : choices) {
    std::error_code ignored;
    if (!fs::is_directory(features / folder, ignored)) {
      const auto known = list(features, true, "");
      const auto nearest = nearest_name(folder, known);
      throw ConfigError(fmt::format("{}: no feature folder '{}'; there are {}{}", features.string(),
                                    folder, fmt::join(known, ", "),
                                    nearest.empty() ? "" : fmt::format("; is it '{}'?", nearest)));
    }
    const std::string name = given.empty() ? modality_of_folder(folder) : given;
    if (!names.insert(name).second) {
      throw ConfigError(fmt::format("--features: two folders for modality '{}'", name));
    }
    result.push_back({name, features / folder});
  }
  return result;
}

/// Name of the data set in the literature.
std::string corpus_name(const TreeLabels& labels, std::size_t classes, const fs::path& file) {
  if (labels.is_iemocap) return fmt::format("IEMOCAP-{}", classes);
  const std::string name = file.filename().string();
  if (name.find("MOSEI") != std::string::npos) return "CMU-MOSEI";
  if (name.find("MOSI") != std::string::npos) return "CMU-MOSI";
  return file.stem().string();
}

/// Four emotions, or six if a label needs them.
std::size_t count_classes(const TreeLabels& labels) {
  for (const auto& dialogue : labels.dialogues) {
    for (const auto& utterance : dialogue.utterances) {
      if (utterance.label >= kFourWay) return kEmotions.size();
    }
  }
  return kFourWay;
}

/// Names of CMU-MOSEI's emotions in file order; each is present when above 0.
constexpr std::array kMoseiEmotionNames = {"happy", "sad", "anger", "surprise", "disgust", "fear"};

void check_label(const TreeLabels& labels, const TreeUtterance& utterance, const fs::path& file,
                 std::vector<Finding>& findings) {
  if (!std::isfinite(utterance.label)) {
    findings.push_back({Severity::kError, "bad-label",
                        fmt::format("{}, utterance {}", file.string(), utterance.id),
                        fmt::format("its label is {}", utterance.label),
                        "label it, remove it, or say that it means \"not labelled\": --set "
                        "data.unlabelled=nan"});
    return;
  }
  const auto classes = static_cast<float>(kEmotions.size());
  const bool is_class = utterance.label >= 0 && utterance.label < classes &&
                        utterance.label == std::floor(utterance.label);
  const bool is_sentiment = std::abs(utterance.label) <= kLargestSentiment;
  if (labels.is_iemocap ? is_class : is_sentiment) return;
  findings.push_back({Severity::kError, "label-range",
                      fmt::format("{}, utterance {}", file.string(), utterance.id),
                      fmt::format("its label is {}, outside {}", utterance.label,
                                  labels.is_iemocap ? "the classes 0..5" : "[-3, 3]"),
                      "correct or remove it"});
}

/// Selects among CMU-MOSEI's seven labels.
void choose_labels(const TreeLabels& labels, const TreeOptions& options, Reading& reading) {
  Corpus& corpus = reading.corpus;
  bool has_emotions = false;
  bool all_have = true;
  for (const auto& dialogue : labels.dialogues) {
    for (const auto& utterance : dialogue.utterances) {
      has_emotions = has_emotions || !utterance.emotions.empty();
      all_have = all_have && !utterance.emotions.empty();
    }
  }
  if (options.task != "labels") {
    if (!has_emotions) return;
    reading.findings.push_back(
        {Severity::kWarning, "label-guess", corpus.source,
         "each utterance has seven labels; the first, the sentiment, is read",
         "--set data.task=labels reads the six emotions instead"});
    return;
  }
  if (!all_have || labels.is_iemocap) {
    throw DataError(
        fmt::format("{}: data.task = \"labels\" needs the six emotions of CMU-MOSEI, "
                    "which not every utterance has",
                    corpus.source));
  }
  corpus.label_kind = LabelKind::kLabels;
  corpus.target_names.assign(kMoseiEmotionNames.begin(), kMoseiEmotionNames.end());
}

/// Everything except the features.
Reading read_labels(const fs::path& file, const TreeOptions& options) {
  TreeLabels labels = load_tree_labels(file);
  Reading reading;
  reading.findings = std::move(labels.findings);
  Corpus& corpus = reading.corpus;
  const std::size_t classes = count_classes(labels);
  corpus.name = corpus_name(labels, classes, file);
  corpus.source = file.string();
  corpus.label_kind = labels.is_iemocap ? LabelKind::kClass : LabelKind::kValue;
  if (labels.is_iemocap) corpus.class_names.assign(kEmotions.begin(), kEmotions.begin() + classes);
  choose_labels(labels, options, reading);
  for (auto& dialogue : labels.dialogues) {
    const auto d = static_cast<std::int64_t>(corpus.dialogues.size());
    const std::string session = dialogue.id.substr(0, kSessionLength);
    corpus.dialogues.push_back({dialogue.id, corpus.size(),
                                static_cast<std::int64_t>(dialogue.utterances.size()),
                                labels.is_iemocap ? session : "", dialogue.part});
    std::int64_t position = 0;
    for (auto& utterance : dialogue.utterances) {
      if (corpus.label_kind == LabelKind::kLabels) {
        for (const float emotion : utterance.emotions) {
          corpus.targets.push_back(emotion > 0 ? 1.0F : 0.0F);
        }
        utterance.label = 0;
      } else if (is_unlabelled_number(utterance.label, options.unlabelled)) {
        utterance.label = NAN;
      } else {
        check_label(labels, utterance, file, reading.findings);
      }
      // A letter is another person in every session. Speakers of CMU videos are not recorded.
      std::string speaker = labels.is_iemocap ? session + "_" + utterance.speaker : "";
      corpus.utterances.push_back({std::move(utterance.id), d, position++, std::move(speaker),
                                   utterance.label, std::move(utterance.transcript)});
    }
  }
  return reading;
}

/// Reports empty folders beside the modalities, which are easily overlooked.
void report_empty_folders(const fs::path& features, std::vector<Finding>& findings) {
  for (const auto& name : list(features, true, "")) {
    if (is_feature_folder(features / name)) continue;
    findings.push_back({Severity::kWarning, "empty-folder", (features / name).string(),
                        "it holds no feature file and is no modality",
                        "extract its features again, or remove the folder"});
  }
}

/// "Ses01_F" -> "F"; nothing if faces are not told apart.
std::string face_of(const std::string& speaker) {
  return speaker.empty() ? "" : speaker.substr(speaker.size() - 1);
}

}  // namespace

bool is_tree(const std::filesystem::path& root) {
  std::error_code ignored;
  if (!fs::is_directory(root, ignored)) return false;
  return fs::is_directory(root / "features", ignored) || !label_candidates(root).empty();
}

Reading read_tree(const TreeOptions& options) {
  const fs::path file = find_labels(options);
  const auto folders = find_folders(options);
  Reading reading = read_labels(file, options);
  Corpus& corpus = reading.corpus;
  corpus.source = options.root.string();
  std::error_code ignored;
  const fs::path features = features_root(options.root);
  corpus.is_synthetic = fs::exists(options.root / kSyntheticMarker, ignored) ||
                        fs::exists(features.parent_path() / kSyntheticMarker, ignored);
  std::vector<FeatureRequest> requests;
  for (const auto& utterance : corpus.utterances) {
    requests.push_back({utterance.id, face_of(utterance.speaker)});
  }
  corpus.modalities = load_feature_folders(folders, requests, options.jobs,
                                           bad_features_of(options.not_finite), reading.findings);
  if (features != options.root && parse_modality_choices(options.modalities).empty()) {
    report_empty_folders(features, reading.findings);
  }
  return reading;
}

Corpus load_tree(const TreeOptions& options) { return take_sound_corpus(read_tree(options)); }

Corpus load_tree_label_corpus(const std::filesystem::path& label_file) {
  return take_sound_corpus(read_labels(label_file, {}));
}

}  // namespace hardy
