#include "corpus/split_pickle.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "corpus/assembler.h"
#include "corpus/padding.h"
#include "corpus/pickle_samples.h"
#include "formats/npy.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

struct PartKey {
  std::string_view key;
  Part part;
};

constexpr auto kPartKeys = std::to_array<PartKey>({
    {"train", Part::kTrain},
    {"valid", Part::kValidation},
    {"val", Part::kValidation},
    {"validation", Part::kValidation},
    {"dev", Part::kValidation},
    {"test", Part::kTest},
});

/// Keys without features. Every other value with one entry per utterance is a modality.
constexpr std::array<std::string_view, 14> kOtherKeys = {"raw_text",
                                                         "id",
                                                         "text_bert",
                                                         "audio_lengths",
                                                         "vision_lengths",
                                                         "text_lengths",
                                                         "annotations",
                                                         "labels",
                                                         "video_lengths",
                                                         "regression_labels",
                                                         "classification_labels",
                                                         "regression_labels_T",
                                                         "regression_labels_A",
                                                         "regression_labels_V"};

/// MMSA's separator of recording and clip.
constexpr std::string_view kClipMark = "$_$";

/// Columns of CMU-MOSEI's label matrix.
constexpr std::array kMoseiLabels = {"sentiment", "happy",   "sad", "anger",
                                     "surprise",  "disgust", "fear"};

bool has_features(const PickleValue& dict) {
  for (const char* key : {"audio", "vision", "video", "text"}) {
    const PickleRef found = find_key(dict, key);
    if (found != nullptr && is_column(*found)) return true;
  }
  return false;
}

std::string modality_of_key(const std::string& key) {
  if (key == "audio") return "acoustic";
  if (key == "text") return "textual";
  if (key == "vision" || key == "video") return "visual";
  return key;
}

/// A modality being read part by part.
struct ModalityPart {
  std::string key;
  SampleArrays arrays;
  Padding padding;
};

/// One part of the split.
struct SplitPart {
  Part part = Part::kNone;
  std::string name;
  const PickleValue* dict = nullptr;
  std::size_t first = 0;  ///< number of its first record
  std::int64_t size = 0;
};

class SplitPickleReader {
 public:
  SplitPickleReader(const PickleValue& root, const std::string& name, const DataConfig& config)
      : name_(name),
        config_(config),
        rules_(SequenceRules::from(config)),
        assembler_(name, rules_) {
    for (const auto& [key, part] : kPartKeys) {
      const PickleRef dict = find_key(root, key);
      if (dict == nullptr || dict->kind() != PickleKind::kDict) continue;
      parts_.push_back({part, std::string(key), dict, 0, 0});
    }
    if (parts_.empty()) parts_.push_back({Part::kNone, "", &root, 0, 0});
  }

  Reading read() {
    for (SplitPart& part : parts_) add_records(part);
    if (assembler_.size() == 0) throw DataError(fmt::format("{}: it has no utterance", name_));
    add_labels();
    for (const auto& [modality, key] : find_modalities()) add_modality(modality, key);
    const std::string stem = std::filesystem::path(name_).stem().string();
    return assembler_.finish(config_, stem, layout());
  }

 private:
  [[noreturn]] void fail(const SplitPart& part, std::string_view key, const std::string& what) {
    const std::string where =
        part.name.empty() ? std::string(key) : fmt::format("{}, {}", part.name, key);
    throw DataError(fmt::format("{}: {}: {}", name_, where, what));
  }

  /// Accesses a value of a part; errors of `use` name the key.
  template <typename Use>
  auto with_key(const SplitPart& part, std::string_view key, Use use) {
    try {
      return use(*find_key(*part.dict, key));
    } catch (const DataError& error) {
      fail(part, key, error.what());
    }
  }

  [[nodiscard]] std::string layout() const {
    const bool is_mmsa = std::any_of(parts_.begin(), parts_.end(), [](const SplitPart& part) {
      return find_key(*part.dict, "regression_labels") != nullptr;
    });
    return is_mmsa ? "MMSA pickle" : "MultiBench pickle";
  }

  // ---- records ----------------------------------------------------------------------------------

  /// Number of utterances of a part: that of its ids, or of the first feature array.
  std::int64_t count_samples(const SplitPart& part) {
    for (const char* key : {"id", "audio", "vision", "video", "text"}) {
      const PickleRef column = find_key(*part.dict, key);
      if (column != nullptr && is_column(*column)) return column_size(*column);
    }
    throw DataError(
        fmt::format("{}: {}: there is neither id, audio, vision nor text", name_, part.name));
  }

  void add_records(SplitPart& part) {
    part.first = assembler_.size();
    part.size = count_samples(part);
    std::vector<std::vector<std::string>> ids;
    if (find_key(*part.dict, "id") != nullptr) {
      ids = with_key(part, "id", read_text_rows);
    }
    std::vector<std::string> texts;
    if (find_key(*part.dict, "raw_text") != nullptr) {
      texts = with_key(part, "raw_text", read_texts);
      require_size(part, "raw_text", static_cast<std::int64_t>(texts.size()));
    }
    for (std::int64_t i = 0; i < part.size; ++i) {
      const auto row = static_cast<std::size_t>(i);
      Record record = ids.empty() ? Record{} : record_of(ids[row], i);
      if (ids.empty()) {
        record.id = fmt::format("{}{}{}", part.name, part.name.empty() ? "" : "_", i);
        record.dialogue = record.id;
      }
      record.part = part.part;
      if (!texts.empty()) record.transcript = texts[row];
      assembler_.add(std::move(record));
    }
  }

  /// "video$_$clip" (MMSA), or video, start and end (MultiBench), or any text.
  static Record record_of(const std::vector<std::string>& parts, std::int64_t row) {
    Record record;
    record.order = row;
    if (parts.size() == 1) {
      record.id = parts[0];
      const std::size_t mark = record.id.rfind(kClipMark);
      if (mark == std::string::npos) {
        record.dialogue = record.id;
        return record;
      }
      record.dialogue = record.id.substr(0, mark);
      const auto clip = to_integer(std::string_view(record.id).substr(mark + kClipMark.size()));
      if (clip) record.order = *clip;
      return record;
    }
    record.dialogue = parts.empty() ? "" : parts[0];
    record.id = fmt::format("{}", fmt::join(parts, "_"));
    const auto start = parts.size() > 1 ? to_real(parts[1]) : std::nullopt;
    if (start && std::abs(*start) < 1e9) record.order = std::llround(*start * 1000);
    return record;
  }

  void require_size(const SplitPart& part, std::string_view key, std::int64_t size) {
    if (size == part.size) return;
    fail(part, key, fmt::format("{} entries where the part has {} utterances", size, part.size));
  }

  // ---- labels -----------------------------------------------------------------------------------

  void add_labels() {
    for (const char* key :
         {"regression_labels", "labels", "regression_labels_T", "regression_labels_A",
          "regression_labels_V", "classification_labels", "annotations"}) {
      if (find_key(*parts_[0].dict, key) != nullptr) add_label(key);
    }
  }

  void add_label(const std::string& key) {
    const bool is_class = key == "classification_labels" || key == "annotations";
    std::vector<LabelColumn> columns;
    for (const SplitPart& part : parts_) {
      if (find_key(*part.dict, key) == nullptr) fail(part, key, "it is missing in this part");
      if (is_class) {
        columns.resize(1);
        auto texts = with_key(part, key, read_texts);
        require_size(part, key, static_cast<std::int64_t>(texts.size()));
        columns[0].texts.insert(columns[0].texts.end(), texts.begin(), texts.end());
        continue;
      }
      const NumberRows rows = with_key(part, key, read_number_rows);
      require_size(part, key, column_size(*find_key(*part.dict, key)));
      const auto width = static_cast<std::size_t>(rows.width);
      if (columns.empty()) columns.resize(width);
      if (columns.size() != width) fail(part, key, "its rows are of another length");
      for (std::size_t at = 0; at < rows.values.size(); ++at) {
        columns[at % width].values.push_back(narrow_to_float(rows.values[at]));
      }
    }
    for (std::size_t k = 0; k < columns.size(); ++k) {
      columns[k].name = label_name(key, k, columns.size());
      assembler_.add_label(std::move(columns[k]));
    }
  }

  static std::string label_name(const std::string& key, std::size_t k, std::size_t count) {
    if (count == 1) return key;
    if (count == kMoseiLabels.size()) return kMoseiLabels[k];
    return fmt::format("{}[{}]", key, k);
  }

  // ---- features ---------------------------------------------------------------------------------

  /// Name and key of each modality, in the order of the literature.
  std::vector<std::pair<std::string, std::string>> find_modalities() {
    std::vector<std::pair<std::string, std::string>> found;
    const auto& items = parts_[0].dict->items();
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (items[i]->kind() != PickleKind::kText && items[i]->kind() != PickleKind::kBytes) continue;
      std::string key = items[i]->text();
      const bool is_other =
          std::find(kOtherKeys.begin(), kOtherKeys.end(), key) != kOtherKeys.end();
      if (is_other || !is_feature_column(*items[i + 1])) continue;
      found.emplace_back(modality_of_key(key), std::move(key));
    }
    std::sort(found.begin(), found.end(), [](const auto& x, const auto& y) {
      return std::pair(modality_rank(x.first), x) < std::pair(modality_rank(y.first), y);
    });
    return choose(std::move(found));
  }

  [[nodiscard]] bool is_feature_column(const PickleValue& value) const {
    if (!is_column(value) || column_size(value) != parts_[0].size) return false;
    if (value.kind() == PickleKind::kArray) {
      const std::size_t axes = value.array().shape.size();
      const bool is_number =
          std::string_view("fiub").find(value.array().dtype.type) != std::string_view::npos;
      return is_number && (axes == 2 || axes == 3);
    }
    return parts_[0].size > 0 && value.items()[0]->kind() == PickleKind::kArray;
  }

  /// The modalities of --features, NAME=KEY.
  std::vector<std::pair<std::string, std::string>> choose(
      std::vector<std::pair<std::string, std::string>> found) const {
    const auto choices = parse_modality_choices(config_.modalities);
    if (choices.empty()) return found;
    std::vector<std::pair<std::string, std::string>> chosen;
    for (const auto& [name, source] : choices) {
      const std::string& key = source;
      const auto known = std::find_if(found.begin(), found.end(), [&](const auto& entry) {
        return entry.second == key || entry.first == key;
      });
      if (known == found.end()) {
        std::vector<std::string> keys;
        for (const auto& entry : found) keys.push_back(entry.second);
        throw ConfigError(
            fmt::format("{}: no features '{}'; there are {}", name_, key, fmt::join(keys, ", ")));
      }
      chosen.emplace_back(name.empty() ? known->first : name, known->second);
    }
    return chosen;
  }

  void add_modality(const std::string& modality, const std::string& key) {
    std::optional<std::size_t> m;
    for (const SplitPart& part : parts_) {
      if (find_key(*part.dict, key) == nullptr) fail(part, key, "it is missing in this part");
      const SampleArrays arrays =
          with_key(part, key, [](const PickleValue& value) { return SampleArrays(value); });
      require_size(part, key, arrays.size());
      if (!m && arrays.width() > 0) {
        m = assembler_.add_modality(modality, arrays.width(), arrays.is_sequence());
      }
      if (part.size == 0) continue;
      if (!m || arrays.width() != assembler_.width(*m)) {
        fail(
            part, key,
            fmt::format("its features are {} wide, those of another part are not", arrays.width()));
      }
      fill(*m, part, ModalityPart{key, arrays, {read_lengths(part, key), read_mask(part, key)}});
    }
  }

  /// `audio_lengths` and similar; empty if absent.
  std::vector<double> read_lengths(const SplitPart& part, const std::string& key) {
    const std::string name = key + "_lengths";
    if (find_key(*part.dict, name) == nullptr) return {};
    NumberRows rows = with_key(part, name, read_number_rows);
    if (rows.width != 1) fail(part, name, "not one length per utterance");
    require_size(part, name, static_cast<std::int64_t>(rows.values.size()));
    return std::move(rows.values);
  }

  /// Mask of a text's tokens: the second row of text_bert.
  NumberRows read_mask(const SplitPart& part, const std::string& key) {
    const PickleRef value = key == "text" ? find_key(*part.dict, "text_bert") : nullptr;
    if (value == nullptr || value->kind() != PickleKind::kArray) return {};
    const PickleArray& array = value->array();
    if (array.shape.size() != 3 || array.shape[1] != 3) return {};
    require_size(part, "text_bert", array.shape[0]);
    const auto tokens = static_cast<std::size_t>(array.shape[2]);
    NumberRows rows = with_key(part, "text_bert", read_number_rows);
    NumberRows mask{array.shape[2], {}};
    for (std::size_t at = 0; at < rows.values.size(); at += 3 * tokens) {
      const auto first = rows.values.begin() + static_cast<std::ptrdiff_t>(at + tokens);
      mask.values.insert(mask.values.end(), first, first + static_cast<std::ptrdiff_t>(tokens));
    }
    return mask;
  }

  void fill(std::size_t m, const SplitPart& part, const ModalityPart& source) {
    std::vector<float> frames;
    std::int64_t contradictions = 0;
    for (std::int64_t i = 0; i < part.size; ++i) {
      source.arrays.read(i, frames);
      const std::size_t record = part.first + static_cast<std::size_t>(i);
      std::span<const float> kept = frames;
      if (source.arrays.is_sequence()) {
        const PaddedFrames padded =
            without_padding(source.padding, i, source.arrays.width(), frames);
        kept = padded.frames;
        contradictions += padded.is_contradictory ? 1 : 0;
      }
      assembler_.set(m, record, kept,
                     fmt::format("{}, {} of {}", name_, source.key, assembler_.record(record).id));
    }
    if (contradictions == 0) return;
    assembler_.add_finding(
        {Severity::kWarning, "padding-not-zero", fmt::format("{}, {}", name_, source.key),
         fmt::format("{} utterances of the {} part have values behind the length that is stored",
                     contradictions, part.name),
         "the frames up to the stored length are read; check how the file was made"});
  }

  const std::string& name_;
  const DataConfig& config_;
  SequenceRules rules_;
  CorpusAssembler assembler_;
  std::vector<SplitPart> parts_;
};

}  // namespace

bool is_split_pickle(const PickleValue& root) {
  if (root.kind() != PickleKind::kDict) return false;
  for (const auto& [key, part] : kPartKeys) {
    const PickleRef dict = find_key(root, key);
    if (dict != nullptr && dict->kind() == PickleKind::kDict && has_features(*dict)) return true;
  }
  return has_features(root);
}

Reading read_split_pickle(const PickleValue& root, const std::string& name,
                          const DataConfig& config) {
  return SplitPickleReader(root, name, config).read();
}

}  // namespace hardy
