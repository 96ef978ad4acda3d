#include "corpus/tree_labels.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "formats/pickle.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kIemocapEntries = 6;
constexpr std::size_t kCmuEntries = 7;
constexpr std::size_t kMoseiEmotionCount = 6;

/// A text, bytes or a whole number as a name: some videos of CMU-MOSEI are called 100178 and the
/// like.
std::string name_of(const PickleValue& value) {
  if (value.kind() == PickleKind::kInteger) return std::to_string(value.integer());
  return normal_form(value.text());
}

/// A number, possibly stored as text.
double number_of(const PickleValue& value) {
  const bool is_text = value.kind() == PickleKind::kText || value.kind() == PickleKind::kBytes;
  if (!is_text) return value.real();
  if (value.text() == "nan") return NAN;
  const auto number = to_real(value.text());
  if (!number) throw DataError(fmt::format("label '{}' is no number", value.text()));
  return *number;
}

/// A list, tuple or numpy array, read element by element. An array [n, k] or a list of lists has n
/// elements of k numbers.
class Sequence {
 public:
  explicit Sequence(const PickleValue& value) : value_(value) {
    if (value.kind() == PickleKind::kArray) {
      array_ = &value.array();
      size_ = array_->shape.empty() ? 1 : static_cast<std::size_t>(array_->shape[0]);
    } else {
      size_ = value.items().size();
    }
  }

  [[nodiscard]] std::size_t size() const { return size_; }

  [[nodiscard]] std::vector<double> numbers(std::size_t i) const {
    std::vector<double> result;
    if (array_ == nullptr) {
      const PickleValue& item = *value_.items()[i];
      const bool is_collection = item.kind() == PickleKind::kList ||
                                 item.kind() == PickleKind::kTuple ||
                                 item.kind() == PickleKind::kArray;
      if (!is_collection) return {number_of(item)};
      const Sequence inner(item);
      for (std::size_t k = 0; k < inner.size(); ++k) result.push_back(inner.numbers(k).at(0));
      return result;
    }
    const std::size_t width = size_ == 0 ? 0 : static_cast<std::size_t>(array_->size()) / size_;
    const bool is_text = array_->dtype.type == 'U' || array_->dtype.type == 'S';
    for (std::size_t k = 0; k < width; ++k) {
      const auto place =
          static_cast<std::int64_t>(array_->is_fortran ? k * size_ + i : i * width + k);
      result.push_back(is_text ? to_real(array_text(*array_, place)).value_or(NAN)
                               : array_real(*array_, place));
    }
    return result;
  }

  [[nodiscard]] std::string name(std::size_t i) const {
    if (array_ == nullptr) return name_of(*value_.items()[i]);
    const auto place = static_cast<std::int64_t>(i);
    const char type = array_->dtype.type;
    if (type == 'i' || type == 'u') return std::to_string(array_integer(*array_, place));
    return normal_form(array_text(*array_, place));
  }

  [[nodiscard]] std::string text(std::size_t i) const {
    return array_ != nullptr ? array_text(*array_, static_cast<std::int64_t>(i))
                             : value_.items()[i]->text();
  }

 private:
  const PickleValue& value_;
  const PickleArray* array_ = nullptr;
  std::size_t size_ = 0;
};

class LabelReader {
 public:
  LabelReader(const Pickle& pickle, std::string file) : file_(std::move(file)) {
    const PickleValue& root = pickle.root();
    const bool is_list = root.kind() == PickleKind::kList || root.kind() == PickleKind::kTuple;
    const std::size_t entries = is_list ? root.items().size() : 0;
    if (entries != kIemocapEntries && entries != kCmuEntries) {
      throw DataError(fmt::format(
          "{}: not a label file of this layout: it holds {}, expected is a list of 6 entries "
          "(IEMOCAP) or 7 (CMU-MOSI, CMU-MOSEI); {}",
          file_, root.describe(),
          entries > kCmuEntries ? "pickles of conv-emotion have more and hold the features, too: "
                                  "give the path of the file itself"
                                : "choose the right file with --labels"));
    }
    for (std::size_t i = 0; i < 4; ++i) columns_[i] = read_column(*root.items()[i]);
    // Six entries with other names: CMU-MOSI with validation and training merged.
    labels_.is_iemocap =
        entries == kIemocapEntries &&
        std::any_of(columns_[0].begin(), columns_[0].end(),
                    [](const auto& column) { return column.first.starts_with("Ses"); });
    // IEMOCAP: the sessions are the folds; the two sets only name the sessions that the authors
    // used first and are not a split.
    if (labels_.is_iemocap) return;
    for (std::size_t i = 4; i < entries; ++i) {
      const bool is_last = i + 1 == entries;
      read_part(*root.items()[i], is_last  ? Part::kTest
                                  : i == 4 ? Part::kTrain
                                           : Part::kValidation);
    }
  }

  TreeLabels read() {
    for (const auto& [id, ids] : columns_[0]) {
      try {
        read_dialogue(id, *ids);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kData) throw;
        add(Severity::kError, "bad-dialogue", "dialogue " + id, error.what(),
            "correct the label file");
      }
    }
    if (labels_.dialogues.empty() && labels_.findings.empty()) {
      throw DataError(fmt::format("{}: it lists no dialogue", file_));
    }
    return std::move(labels_);
  }

 private:
  using Column = std::map<std::string, PickleRef>;

  void add(Severity severity, const char* kind, const std::string& where, const std::string& what,
           const char* remedy) {
    labels_.findings.push_back({severity, kind, file_ + ", " + where, what, remedy});
  }

  Column read_column(const PickleValue& dict) {
    if (dict.kind() != PickleKind::kDict) {
      throw DataError(fmt::format("{}: {} stands where a dict of dialogues is expected", file_,
                                  dict.describe()));
    }
    Column column;
    const auto& items = dict.items();
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      const std::string id = name_of(*items[i]);
      if (!column.emplace(id, items[i + 1]).second) {
        add(Severity::kError, "duplicate-id", "dialogue " + id, "it is listed twice",
            "keep one of the two");
      }
    }
    return column;
  }

  void read_part(const PickleValue& set, Part part) {
    const Sequence names(set);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string id = names.name(i);
      const auto [found, is_new] = parts_.emplace(id, part);
      if (!is_new && found->second != part) {
        add(Severity::kError, "both-sides", "dialogue " + id,
            "it is in two parts of the official split", "keep it in one part only");
      }
      if (!columns_[0].contains(id)) {
        add(Severity::kWarning, "unknown-dialogue", "dialogue " + id,
            "the official split names it, but it has no utterances", "complete the label file");
      }
    }
  }

  Sequence column(std::size_t i, const std::string& id, const char* what) const {
    const auto found = columns_[i].find(id);
    if (found == columns_[i].end()) throw DataError(fmt::format("its {} are missing", what));
    return Sequence(*found->second);
  }

  void read_dialogue(const std::string& id, const PickleValue& id_list) {
    const Sequence ids(id_list);
    const Sequence labels = column(1, id, "labels");
    const Sequence speakers = column(2, id, "speakers");
    const Sequence transcripts = column(3, id, "transcripts");
    if (labels.size() != ids.size() || speakers.size() != ids.size() ||
        transcripts.size() != ids.size()) {
      throw DataError(fmt::format("{} utterances with {} labels, {} speakers and {} transcripts",
                                  ids.size(), labels.size(), speakers.size(), transcripts.size()));
    }
    if (ids.size() == 0) {
      add(Severity::kWarning, "empty-dialogue", "dialogue " + id, "it has no utterance",
          "remove it; it was left out");
      return;
    }
    if (labels_.is_iemocap && !(id.size() > 5 && id.starts_with("Ses"))) {
      throw DataError(
          "its name does not start with a session as IEMOCAP's do (Ses01...); use the "
          "plain form for other corpora");
    }
    TreeDialogue dialogue{id, Part::kNone, {}};
    if (!labels_.is_iemocap) dialogue.part = find_part(id);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      dialogue.utterances.push_back({ids.name(i), NAN, {}, speakers.text(i), transcripts.text(i)});
      set_labels(labels.numbers(i), dialogue.utterances.back());
      check_utterance(dialogue.utterances.back());
    }
    labels_.dialogues.push_back(std::move(dialogue));
  }

  /// One number, or CMU-MOSEI's seven: the sentiment and six emotions.
  static void set_labels(const std::vector<double>& numbers, TreeUtterance& utterance) {
    if (numbers.size() != 1 && numbers.size() != 1 + kMoseiEmotionCount) {
      throw DataError(
          fmt::format("utterance {} has {} labels; one, or the sentiment and {} emotions "
                      "of CMU-MOSEI, are read",
                      utterance.id, numbers.size(), kMoseiEmotionCount));
    }
    utterance.label = static_cast<float>(numbers[0]);
    for (std::size_t k = 1; k < numbers.size(); ++k) {
      utterance.emotions.push_back(static_cast<float>(numbers[k]));
    }
  }

  Part find_part(const std::string& id) {
    const auto found = parts_.find(id);
    if (found != parts_.end()) return found->second;
    add(Severity::kError, "no-part", "dialogue " + id,
        "it is in no part of the official split (train, validation, test)",
        "add it to one of the last three sets of the label file");
    return Part::kNone;
  }

  void check_utterance(const TreeUtterance& utterance) {
    const std::string where = "utterance " + utterance.id;
    const bool is_name = !utterance.id.empty() && utterance.id != "." && utterance.id != ".." &&
                         utterance.id.find('/') == std::string::npos &&
                         utterance.id.find('\0') == std::string::npos;
    if (!is_name) {
      add(Severity::kError, "bad-id", where, "its id cannot be a file name", "rename it");
    }
    if (!seen_.insert(utterance.id).second) {
      add(Severity::kError, "duplicate-id", where, "it is listed twice", "keep one of the two");
    }
    if (labels_.is_iemocap && utterance.speaker != "F" && utterance.speaker != "M") {
      add(Severity::kError, "bad-speaker", where,
          fmt::format("its speaker is '{}' instead of F or M", utterance.speaker),
          "correct the label file");
    }
  }

  std::string file_;
  Column columns_[4];  ///< utterance ids, labels, speakers, transcripts by dialogue
  std::map<std::string, Part> parts_;
  std::unordered_set<std::string> seen_;
  TreeLabels labels_;
};

}  // namespace

TreeLabels load_tree_labels(const std::filesystem::path& file) {
  const Pickle pickle = load_pickle(file);
  try {
    return LabelReader(pickle, file.string()).read();
  } catch (Error& error) {
    const bool names_file = std::string_view(error.what()).starts_with(file.string());
    if (error.kind() == ErrorKind::kData && !names_file) error.add_context(file.string());
    throw;
  }
}

}  // namespace hardy
