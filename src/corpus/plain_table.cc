// The table of the plain form -> dialogues, labels and presence marks.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "corpus/plain_form.h"
#include "formats/csv.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kMaxClasses = 1000;
constexpr std::string_view kPresentPrefix = "present:";
constexpr std::string_view kColumns[] = {"id", "dialogue", "position", "speaker", "group", "split",
                                         "label", "transcript", "difficulty", "value",
                                         // Where an utterance was cut from: for people.
                                         "media", "start", "end"};

std::optional<Part> parse_part(std::string_view text) {
  if (text.empty()) return Part::kNone;
  if (text == "train") return Part::kTrain;
  if (text == "validation" || text == "valid" || text == "val" || text == "dev") {
    return Part::kValidation;
  }
  if (text == "test") return Part::kTest;
  return std::nullopt;
}

std::optional<bool> parse_mark(std::string_view text) {
  if (text.empty() || text == "0" || text == "false" || text == "no") return false;
  if (text == "1" || text == "true" || text == "yes") return true;
  return std::nullopt;
}

class TableReader {
 public:
  TableReader(std::string_view text, std::string_view name, const PlainSettings& settings)
      : file_(name), settings_(settings), table_(parse_csv(text, name)) {
    if (table_.rows.empty()) throw DataError(fmt::format("{}: the table has no row", file_));
    for (const char* needed : {"id", "label"}) {
      if (!settings_.needs_labels && std::string_view(needed) == "label") continue;
      if (!table_.column(needed)) {
        throw DataError(fmt::format("{}: column '{}' is missing; there are {}", file_, needed,
                                    fmt::join(table_.header, ", ")));
      }
    }
  }

  PlainTable read(const std::vector<std::string>& modalities) {
    check_columns(modalities);
    choose_label_kind();
    group_rows();
    for (const auto& rows : dialogue_rows_) add_dialogue(rows);
    for (const auto& name : modalities) add_modality(name);
    read_numbers("difficulty", result_.reading.corpus.true_difficulty);
    read_numbers("value", result_.reading.corpus.values);
    return std::move(result_);
  }

 private:
  /// A field without blanks around it; empty when there is no such column.
  [[nodiscard]] std::string_view field(std::size_t row, std::string_view column) const {
    const auto index = table_.column(column);
    return index ? trim(table_.rows[row][*index]) : std::string_view{};
  }

  void add(Severity severity, const char* kind, std::size_t row, const std::string& what,
           const std::string& remedy) {
    result_.reading.findings.push_back(
        {severity, kind, fmt::format("{}, line {}", file_, table_.lines[row]), what, remedy});
  }

  void add_error(const char* kind, std::size_t row, const std::string& what,
                 const char* remedy = "correct the table") {
    add(Severity::kError, kind, row, what, remedy);
  }

  void check_columns(const std::vector<std::string>& modalities) {
    for (const auto& column : table_.header) {
      const bool is_known =
          std::find(std::begin(kColumns), std::end(kColumns), column) != std::end(kColumns);
      const bool is_mark = column.starts_with(kPresentPrefix) &&
                           std::find(modalities.begin(), modalities.end(),
                                     column.substr(kPresentPrefix.size())) != modalities.end();
      if (is_known || is_mark) continue;
      result_.reading.findings.push_back(
          {Severity::kWarning, "unknown-column", file_,
           fmt::format("column '{}' is not used", column),
           fmt::format("known are {} and present:<modality>", fmt::join(kColumns, ", "))});
    }
  }

  // ---- labels -----------------------------------------------------------------------------------

  void choose_label_kind() {
    Corpus& corpus = result_.reading.corpus;
    if (!settings_.needs_labels) {
      corpus.label_kind = LabelKind::kValue;
      return;
    }
    corpus.class_names = settings_.class_names;
    bool all_numbers = true;
    bool all_counts = true;
    for (std::size_t row = 0; row < table_.rows.size(); ++row) {
      const auto label = field(row, "label");
      all_numbers = all_numbers && to_real(label).has_value();
      all_counts = all_counts && to_integer(label).value_or(-1) >= 0;
    }
    const bool is_class =
        settings_.task == "class" ||
        (settings_.task == "auto" && (!corpus.class_names.empty() || all_counts || !all_numbers));
    corpus.label_kind = is_class ? LabelKind::kClass : LabelKind::kValue;
    if (!is_class) {
      corpus.class_names.clear();
    } else if (corpus.class_names.empty()) {
      corpus.class_names = collect_class_names(all_counts);
    }
    for (std::size_t c = 0; c < corpus.class_names.size(); ++c) {
      class_index_.emplace(corpus.class_names[c], c);
    }
  }

  /// The distinct labels: in order of number when all are counts, else of name.
  [[nodiscard]] std::vector<std::string> collect_class_names(bool all_counts) const {
    std::set<std::pair<std::int64_t, std::string>> names;
    for (std::size_t row = 0; row < table_.rows.size(); ++row) {
      const auto label = field(row, "label");
      if (label.empty()) continue;
      names.emplace(all_counts ? to_integer(label).value_or(0) : 0, std::string(label));
      if (names.size() > kMaxClasses) {
        throw DataError(
            fmt::format("{}: more than {} different labels; are they values? Say so with "
                        "task = \"regression\"",
                        file_, kMaxClasses));
      }
    }
    std::vector<std::string> sorted;
    for (const auto& [number, name] : names) sorted.push_back(name);
    return sorted;
  }

  float read_label(std::size_t row) {
    if (!settings_.needs_labels) return 0;
    const auto text = field(row, "label");
    if (result_.reading.corpus.label_kind == LabelKind::kValue) {
      const auto value = to_real(text);
      const float label = static_cast<float>(value.value_or(NAN));
      if (std::isfinite(label)) return label;
      add_error("bad-label", row, fmt::format("label '{}' is not a finite number", text),
                "label it or remove the row");
      return 0;
    }
    const auto named = class_index_.find(std::string(text));
    if (named != class_index_.end()) return static_cast<float>(named->second);
    const auto index = to_integer(text);
    if (index && *index >= 0 && static_cast<std::size_t>(*index) < class_index_.size()) {
      return static_cast<float>(*index);
    }
    add_error("label-range", row,
              fmt::format("label '{}' is none of the classes {}", text,
                          fmt::join(result_.reading.corpus.class_names, ", ")),
              "correct the label or class_names in corpus.toml");
    return 0;
  }

  // ---- dialogues --------------------------------------------------------------------------------

  void group_rows() {
    const bool has_dialogues = table_.column("dialogue").has_value();
    std::unordered_map<std::string, std::size_t> index;
    std::unordered_set<std::string> ids;
    for (std::size_t row = 0; row < table_.rows.size(); ++row) {
      const std::string id(field(row, "id"));
      if (id.empty()) add_error("bad-id", row, "the utterance has no id");
      if (!ids.insert(id).second && !id.empty()) {
        add_error("duplicate-id", row, fmt::format("id '{}' is given twice", id),
                  "keep one of the two rows or rename one");
      }
      // Without dialogues every utterance stands alone.
      std::string dialogue(has_dialogues ? field(row, "dialogue") : id);
      if (dialogue.empty() && has_dialogues) add_error("bad-dialogue", row, "it has no dialogue");
      const auto [found, is_new] = index.emplace(std::move(dialogue), dialogue_rows_.size());
      if (is_new) dialogue_rows_.emplace_back();
      dialogue_rows_[found->second].push_back(row);
    }
    if (table_.column("position")) {
      for (auto& rows : dialogue_rows_) sort_by_position(rows);
    }
  }

  void sort_by_position(std::vector<std::size_t>& rows) {
    std::map<std::size_t, std::int64_t> position;
    std::set<std::int64_t> seen;
    for (const std::size_t row : rows) {
      const auto value = to_integer(field(row, "position"));
      position[row] = value.value_or(0);
      if (!value) {
        add_error("bad-position", row,
                  fmt::format("position '{}' is not an integer", field(row, "position")));
      } else if (!seen.insert(*value).second) {
        add_error("bad-position", row,
                  fmt::format("position {} is taken twice in dialogue '{}'", *value,
                              field(row, "dialogue")));
      }
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [&](std::size_t x, std::size_t y) { return position[x] < position[y]; });
  }

  void add_dialogue(const std::vector<std::size_t>& rows) {
    Corpus& corpus = result_.reading.corpus;
    Dialogue dialogue;
    const bool has_dialogues = table_.column("dialogue").has_value();
    dialogue.id = field(rows[0], has_dialogues ? "dialogue" : "id");
    dialogue.first = corpus.size();
    dialogue.count = static_cast<std::int64_t>(rows.size());
    dialogue.group = field(rows[0], "group");
    const auto part = parse_part(field(rows[0], "split"));
    dialogue.part = part.value_or(Part::kNone);
    const auto d = static_cast<std::int64_t>(corpus.dialogues.size());
    for (const std::size_t row : rows) {
      check_same(rows[0], row, dialogue.id);
      const auto position = static_cast<std::int64_t>(corpus.size()) - dialogue.first;
      const auto transcript = table_.column("transcript");
      corpus.utterances.push_back({std::string(field(row, "id")), d, position,
                                   std::string(field(row, "speaker")), read_label(row),
                                   transcript ? table_.rows[row][*transcript] : ""});
      result_.row_of.push_back(static_cast<std::int64_t>(row));
    }
    corpus.dialogues.push_back(std::move(dialogue));
  }

  void check_same(std::size_t first, std::size_t row, const std::string& dialogue) {
    if (!parse_part(field(row, "split"))) {
      add_error("bad-split", row,
                fmt::format("split '{}' is none of train, validation, test", field(row, "split")));
    }
    if (field(row, "split") != field(first, "split")) {
      add_error("both-sides", row,
                fmt::format("dialogue '{}' is in '{}' and in '{}'", dialogue, field(first, "split"),
                            field(row, "split")),
                "keep each dialogue in one part of the split");
    }
    if (field(row, "group") != field(first, "group")) {
      add_error("bad-group", row,
                fmt::format("dialogue '{}' is in group '{}' and in '{}'", dialogue,
                            field(first, "group"), field(row, "group")),
                "give all utterances of a dialogue the same group");
    }
  }

  // ---- marks and numbers ------------------------------------------------------------------------

  void add_modality(const std::string& name) {
    Corpus& corpus = result_.reading.corpus;
    ModalityData& modality = corpus.modalities.emplace_back();
    modality.name = name;
    modality.present.assign(static_cast<std::size_t>(corpus.size()), 1);
    const std::string column = std::string(kPresentPrefix) + name;
    if (!table_.column(column)) return;
    for (std::size_t i = 0; i < modality.present.size(); ++i) {
      const auto row = static_cast<std::size_t>(result_.row_of[i]);
      const auto mark = parse_mark(field(row, column));
      if (!mark) {
        add_error("bad-mark", row,
                  fmt::format("{} is '{}'; use 1 or 0", column, field(row, column)));
      }
      modality.present[i] = mark.value_or(false) ? 1 : 0;
    }
  }

  void read_numbers(const char* column, std::vector<float>& numbers) {
    if (!table_.column(column)) return;
    for (const std::int64_t index : result_.row_of) {
      const auto row = static_cast<std::size_t>(index);
      const float number = static_cast<float>(to_real(field(row, column)).value_or(NAN));
      if (!std::isfinite(number)) {
        add_error("bad-number", row,
                  fmt::format("{} '{}' is not a finite number", column, field(row, column)));
      }
      numbers.push_back(number);
    }
  }

  std::string file_;
  const PlainSettings& settings_;
  CsvTable table_;
  std::vector<std::vector<std::size_t>> dialogue_rows_;
  std::unordered_map<std::string, std::size_t> class_index_;
  PlainTable result_;
};

}  // namespace

PlainTable parse_plain_table(std::string_view text, std::string_view name,
                             const PlainSettings& settings,
                             const std::vector<std::string>& modalities) {
  return TableReader(text, name, settings).read(modalities);
}

}  // namespace hardy
