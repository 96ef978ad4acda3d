#include "corpus/conv_emotion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "corpus/assembler.h"
#include "corpus/pickle_samples.h"
#include "formats/npy.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kLeastEntries = 8;
constexpr std::size_t kMostEntries = 32;
constexpr std::size_t kSessionName = 5;  // "Ses01"

constexpr std::array kIemocapClasses = {"happy", "sad",     "neutral",
                                        "angry", "excited", "frustrated"};
constexpr std::array kMeldClasses = {"neutral", "surprise", "fear", "sadness",
                                     "joy",     "disgust",  "anger"};
/// Order of features in conv-emotion, with their names in the literature.
constexpr std::array kFeatureNames = {"textual", "acoustic", "visual"};

/// Type of the values of a dict of dialogues.
enum class EntryType { kTexts, kNumbers, kVectors, kOther };

EntryType type_of_element(const PickleValue& element) {
  switch (element.kind()) {
    case PickleKind::kText:
    case PickleKind::kBytes:
      return EntryType::kTexts;
    case PickleKind::kInteger:
    case PickleKind::kReal:
    case PickleKind::kBool:
      return EntryType::kNumbers;
    case PickleKind::kArray:
    case PickleKind::kList:
    case PickleKind::kTuple:
      return EntryType::kVectors;
    default:
      return EntryType::kOther;
  }
}

EntryType type_of_array(const PickleArray& array) {
  const bool is_number = std::string_view("fiub").find(array.dtype.type) != std::string_view::npos;
  if (is_number) return array.shape.size() > 1 ? EntryType::kVectors : EntryType::kNumbers;
  return array.dtype.type == 'O' ? EntryType::kOther : EntryType::kTexts;
}

/// The type of the first dialogue that has an utterance.
EntryType type_of(const PickleValue& dict) {
  const auto& items = dict.items();
  for (std::size_t i = 1; i < items.size(); i += 2) {
    const PickleValue& column = *items[i];
    if (!is_column(column) || column_size(column) == 0) continue;
    if (column.kind() == PickleKind::kArray) return type_of_array(column.array());
    return type_of_element(*column.items()[0]);
  }
  return EntryType::kOther;
}

bool is_dict(const PickleValue& value) { return value.kind() == PickleKind::kDict; }

class ConvEmotionReader {
 public:
  ConvEmotionReader(const PickleValue& root, const std::string& name, const DataConfig& config)
      : entries_(root.items()),
        name_(name),
        config_(config),
        assembler_(name, SequenceRules::from(config)) {}

  Reading read() {
    sort_entries();
    const auto& dialogues = entries_[0]->items();
    for (std::size_t i = 0; i + 1 < dialogues.size(); i += 2) {
      dialogues_.emplace_back(key_text(*dialogues[i]), dialogues[i + 1]);
    }
    is_iemocap_ =
        !dialogues_.empty() &&
        std::all_of(dialogues_.begin(), dialogues_.end(), [](const auto& dialogue) {
          return dialogue.first.starts_with("Ses") && dialogue.first.size() > kSessionName;
        });
    for (const auto& [id, ids] : dialogues_) add_dialogue(id, *ids);
    add_label("emotion", 2);
    if (second_label_) add_label("sentiment", *second_label_);
    add_features();
    const std::string stem = std::filesystem::path(name_).stem().string();
    return assembler_.finish(config_, is_iemocap_ ? "IEMOCAP" : stem, "conv-emotion pickle");
  }

 private:
  using Column = std::map<std::string, PickleRef>;

  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(fmt::format("{}: {}", name_, what));
  }

  /// Classifies each entry after ids, speakers and labels.
  void sort_entries() {
    std::vector<const PickleValue*> sets;
    for (std::size_t i = 3; i < entries_.size(); ++i) {
      const PickleValue& entry = *entries_[i];
      if (!is_dict(entry)) {
        const bool is_set = entry.kind() == PickleKind::kSet || is_column(entry);
        if (is_set) sets.push_back(&entry);
        continue;
      }
      switch (type_of(entry)) {
        case EntryType::kVectors:
          features_.push_back(i);
          break;
        case EntryType::kTexts:
          sentences_ = i;
          break;
        case EntryType::kNumbers:
          second_label_ = i;
          break;
        case EntryType::kOther:
          break;
      }
    }
    // Two sets are train and test; with three, validation is in between.
    const std::vector<Part> parts = sets.size() == 2
                                        ? std::vector{Part::kTrain, Part::kTest}
                                        : std::vector{Part::kTrain, Part::kValidation, Part::kTest};
    for (std::size_t s = 0; s < std::min(sets.size(), parts.size()); ++s) {
      read_part(*sets[s], parts[s]);
    }
  }

  void read_part(const PickleValue& set, Part part) {
    std::vector<std::string> ids;
    if (set.kind() == PickleKind::kArray) {
      ids = read_texts(set);
    } else {
      for (const PickleRef item : set.items()) ids.push_back(key_text(*item));
    }
    for (const std::string& id : ids) {
      const auto [found, is_new] = part_of_.emplace(id, part);
      if (is_new || found->second == part) continue;
      assembler_.add_finding({Severity::kError, "both-sides", name_ + ", dialogue " + id,
                              "it is in two parts of the official split",
                              "keep it in one part only"});
    }
  }

  Column column(std::size_t entry) const {
    Column result;
    const auto& items = entries_[entry]->items();
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      result.emplace(key_text(*items[i]), items[i + 1]);
    }
    return result;
  }

  const PickleValue& value_of(std::size_t entry, const std::string& dialogue, std::int64_t size) {
    auto [found, is_new] = columns_.try_emplace(entry);
    if (is_new) found->second = column(entry);
    const auto value = found->second.find(dialogue);
    if (value == found->second.end()) {
      fail(fmt::format("entry {}: dialogue {} is missing", entry, dialogue));
    }
    const std::int64_t held = column_size(*value->second);
    if (held != size) {
      fail(fmt::format("entry {}: dialogue {} has {} values for {} utterances", entry, dialogue,
                       held, size));
    }
    return *value->second;
  }

  std::vector<std::string> read_speakers(const std::string& dialogue, std::int64_t size) {
    const PickleValue& value = value_of(1, dialogue, size);
    if (type_of(*entries_[1]) != EntryType::kVectors) return read_texts(value);
    // One-hot: the index in the list of the dialogue's speakers.
    const NumberRows rows = read_number_rows(value);
    std::vector<std::string> speakers;
    for (std::int64_t i = 0; i < size; ++i) {
      const auto first = rows.values.begin() + static_cast<std::ptrdiff_t>(i * rows.width);
      const auto last = first + static_cast<std::ptrdiff_t>(rows.width);
      const auto place = std::max_element(first, last) - first;
      speakers.push_back(fmt::format("{}_s{}", dialogue, place));
    }
    return speakers;
  }

  void add_dialogue(const std::string& id, const PickleValue& ids) {
    const std::int64_t size = column_size(ids);
    if (size == 0) {
      assembler_.add_finding({Severity::kWarning, "empty-dialogue", name_ + ", dialogue " + id,
                              "it has no utterance", "remove it; it was left out"});
      return;
    }
    const auto names = read_texts(ids);
    const auto speakers = read_speakers(id, size);
    std::vector<std::string> sentences;
    if (sentences_) sentences = read_texts(value_of(*sentences_, id, size));
    const auto part = part_of_.find(id);
    for (std::size_t i = 0; i < names.size(); ++i) {
      Record record;
      // MELD numbers the utterances of each dialogue from 0.
      const bool is_whole = names[i].starts_with(id) && !to_integer(names[i]);
      record.id = is_whole ? names[i] : fmt::format("{}_{}", id, names[i]);
      record.dialogue = id;
      record.order = static_cast<std::int64_t>(i);
      record.speaker = speakers[i];
      if (is_iemocap_) {
        record.group = id.substr(0, kSessionName);
        record.speaker = record.group + "_" + speakers[i];
      }
      record.part = part == part_of_.end() ? Part::kNone : part->second;
      if (sentences_) record.transcript = sentences[i];
      assembler_.add(std::move(record));
    }
  }

  void add_label(const char* label_name, std::size_t entry) {
    LabelColumn label;
    label.name = label_name;
    for (const auto& [id, ids] : dialogues_) {
      const std::int64_t size = column_size(*ids);
      if (size == 0) continue;
      const NumberRows rows = read_number_rows(value_of(entry, id, size));
      if (rows.width != 1)
        fail(fmt::format("entry {}: dialogue {}: not one label each", entry, id));
      for (const double value : rows.values) label.values.push_back(narrow_to_float(value));
    }
    const bool is_class = std::all_of(label.values.begin(), label.values.end(), [](float value) {
      return value >= -1 && value < 1000 && value == std::floor(value);  // -1: not labelled
    });
    if (is_class) name_classes(label, entry == 2);
    assembler_.add_label(std::move(label));
  }

  void name_classes(LabelColumn& label, bool is_emotion) const {
    const float largest =
        label.values.empty() ? 0 : *std::max_element(label.values.begin(), label.values.end());
    const auto count = static_cast<std::size_t>(largest) + 1;
    const bool is_meld = is_emotion && !is_iemocap_ && count == kMeldClasses.size() &&
                         type_of(*entries_[1]) == EntryType::kVectors;
    for (std::size_t c = 0; c < count; ++c) {
      const bool is_known = is_emotion && is_iemocap_ && count <= kIemocapClasses.size();
      label.class_names.push_back(is_known  ? kIemocapClasses[c]
                                  : is_meld ? std::string(kMeldClasses[c])
                                            : fmt::format("{}", c));
    }
  }

  // ---- features ---------------------------------------------------------------------------------

  /// Name and entry of each modality.
  [[nodiscard]] std::vector<std::pair<std::string, std::size_t>> choose_features() const {
    std::vector<std::pair<std::string, std::size_t>> known;
    const bool is_named = features_.size() <= kFeatureNames.size();
    for (std::size_t f = 0; f < features_.size(); ++f) {
      known.emplace_back(is_named ? kFeatureNames[f] : fmt::format("entry{}", features_[f]),
                         features_[f]);
    }
    const auto choices = parse_modality_choices(config_.modalities);
    if (choices.empty()) {
      std::sort(known.begin(), known.end(), [](const auto& x, const auto& y) {
        return std::pair(modality_rank(x.first), x.second) <
               std::pair(modality_rank(y.first), y.second);
      });
      return known;
    }
    std::vector<std::pair<std::string, std::size_t>> chosen;
    for (const auto& [given, source] : choices) {
      const auto found =
          std::find_if(known.begin(), known.end(), [&wanted = source](const auto& e) {
            return e.first == wanted || fmt::format("entry{}", e.second) == wanted;
          });
      if (found == known.end()) {
        std::vector<std::string> names;
        for (const auto& entry : known) names.push_back(entry.first);
        throw ConfigError(fmt::format("{}: no features '{}'; there are {}", name_, source,
                                      fmt::join(names, ", ")));
      }
      chosen.emplace_back(given.empty() ? found->first : given, found->second);
    }
    return chosen;
  }

  void add_features() {
    for (const auto& [name, entry] : choose_features()) {
      std::optional<std::size_t> m;
      std::size_t record = 0;
      std::vector<float> frames;
      for (const auto& [id, ids] : dialogues_) {
        const std::int64_t size = column_size(*ids);
        if (size == 0) continue;
        const SampleArrays arrays(value_of(entry, id, size));
        if (!m) m = assembler_.add_modality(name, arrays.width(), arrays.is_sequence());
        if (arrays.width() != assembler_.width(*m)) {
          fail(fmt::format("entry {}: dialogue {} is {} wide, others {}", entry, id, arrays.width(),
                           assembler_.width(*m)));
        }
        for (std::int64_t i = 0; i < size; ++i, ++record) {
          arrays.read(i, frames);
          assembler_.set(
              *m, record, frames,
              fmt::format("{}, entry {}, {}", name_, entry, assembler_.record(record).id));
        }
      }
    }
  }

  const std::vector<PickleRef>& entries_;
  const std::string& name_;
  const DataConfig& config_;
  CorpusAssembler assembler_;
  bool is_iemocap_ = false;
  std::vector<std::pair<std::string, PickleRef>> dialogues_;  ///< id, its utterance ids
  std::map<std::string, Part> part_of_;
  std::map<std::size_t, Column> columns_;
  std::vector<std::size_t> features_;  ///< entries
  std::optional<std::size_t> sentences_;
  std::optional<std::size_t> second_label_;
};

}  // namespace

bool is_conv_emotion(const PickleValue& root) {
  const bool is_list = root.kind() == PickleKind::kList || root.kind() == PickleKind::kTuple;
  if (!is_list || root.items().size() < kLeastEntries || root.items().size() > kMostEntries) {
    return false;
  }
  const auto& entries = root.items();
  for (std::size_t i = 0; i < 3; ++i) {
    if (!is_dict(*entries[i])) return false;
  }
  return std::any_of(entries.begin() + 3, entries.end(), [](PickleRef entry) {
    return is_dict(*entry) && type_of(*entry) == EntryType::kVectors;
  });
}

Reading read_conv_emotion(const PickleValue& root, const std::string& name,
                          const DataConfig& config) {
  return ConvEmotionReader(root, name, config).read();
}

}  // namespace hardy
