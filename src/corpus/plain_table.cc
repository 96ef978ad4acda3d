// The table of the plain form -> dialogues, labels and presence marks.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "base/wording.h"
#include "corpus/label_column.h"
#include "corpus/plain_form.h"
#include "corpus/table_words.h"
#include "formats/csv.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::string_view kPresentPrefix = "present:";
const std::string kTargetPrefix = "label:";
constexpr std::string_view kColumns[] = {"id", "dialogue", "position", "speaker", "group", "split",
                                         "label", "transcript", "difficulty", "value",
                                         // Origin of an utterance; informative.
                                         "media", "start", "end"};

/// In any case of letters: spreadsheets write TRUE, pandas 1.0.
std::optional<bool> parse_mark(std::string_view field) {
  const std::string text = lower_case(field);
  if (text.empty() || text == "0" || text == "0.0" || text == "false" || text == "no") return false;
  if (text == "1" || text == "1.0" || text == "true" || text == "yes") return true;
  return std::nullopt;
}

class TableReader {
 public:
  TableReader(std::string_view text, std::string_view name, const PlainSettings& settings)
      : file_(name), settings_(settings), table_(parse_csv(text, name)) {
    if (table_.rows.empty()) throw DataError(fmt::format("{}: the table has no row", file_));
    for (const auto& column : table_.header) {
      if (column.starts_with(kTargetPrefix))
        targets_.push_back(column.substr(kTargetPrefix.size()));
    }
    for (const char* needed : {"id", "label"}) {
      const bool is_label = std::string_view(needed) == "label";
      if (is_label && (!settings_.needs_labels || !targets_.empty())) continue;
      if (!table_.column(needed)) {
        const auto nearest = nearest_name(needed, table_.header);
        throw DataError(fmt::format("{}, line 1: column '{}' is missing; there are {}{}", file_,
                                    needed, fmt::join(table_.header, ", "),
                                    nearest.empty() ? "" : fmt::format("; rename '{}'?", nearest)));
      }
    }
  }

  PlainTable read(const std::vector<std::string>& modalities) {
    check_columns(modalities);
    read_labels();
    find_restart();
    group_rows();
    for (const auto& rows : dialogue_rows_) add_dialogue(rows);
    for (const auto& name : modalities) add_modality(name);
    read_numbers("difficulty", result_.reading.corpus.true_difficulty);
    read_numbers("value", result_.reading.corpus.values);
    return std::move(result_);
  }

 private:
  /// A field without surrounding blanks; empty without such a column.
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
    for (std::size_t place = 0; place < table_.header.size(); ++place) {
      const auto& column = table_.header[place];
      const bool is_known =
          column.starts_with(kTargetPrefix) ||
          std::find(std::begin(kColumns), std::end(kColumns), column) != std::end(kColumns);
      const bool is_mark = column.starts_with(kPresentPrefix) &&
                           std::find(modalities.begin(), modalities.end(),
                                     column.substr(kPresentPrefix.size())) != modalities.end();
      if (is_known || is_mark || refuse_misnamed(place, modalities)) continue;
      result_.reading.findings.push_back(
          {Severity::kWarning, "unknown-column", file_,
           fmt::format("column '{}' is not used", column),
           fmt::format("known are {}, label:<name> and present:<modality>",
                       fmt::join(kColumns, ", "))});
    }
  }

  /// Reports a column that is probably a known one under another name: without it the dialogues,
  /// the split or the missing modalities would be others than the user means.
  bool refuse_misnamed(std::size_t place, const std::vector<std::string>& modalities) {
    const auto& column = table_.header[place];
    std::string meant = meant_column(table_, place);
    if (lower_case(column).starts_with(kPresentPrefix)) {
      meant = meant_mark(column.substr(kPresentPrefix.size()), modalities);
    }
    if (meant.empty()) return false;
    result_.reading.findings.push_back(
        {Severity::kError, "misnamed-column", file_,
         fmt::format("column '{}' is not read; it seems to be '{}'", column, meant),
         fmt::format("rename it to {}, or, if it means something else, give it another name",
                     meant)});
    return true;
  }

  /// The mark of the modality that `name` probably is; empty if that modality has one.
  [[nodiscard]] std::string meant_mark(const std::string& name,
                                       const std::vector<std::string>& modalities) const {
    std::string meant = nearest_name(name, modalities);
    for (const auto& modality : modalities) {
      const bool is_same = lower_case(modality) == lower_case(name);
      if (is_same || modality_of_folder(name) == modality) meant = modality;
    }
    if (meant.empty()) return "";
    meant.insert(0, kPresentPrefix);
    return table_.column(meant) ? "" : meant;
  }

  // ---- labels -----------------------------------------------------------------------------------

  [[nodiscard]] TableColumn column_texts(std::string_view name) const {
    TableColumn column{file_, {}, table_.lines};
    for (std::size_t row = 0; row < table_.rows.size(); ++row) {
      column.texts.push_back(field(row, name));
    }
    return column;
  }

  void read_labels() {
    Corpus& corpus = result_.reading.corpus;
    if (!settings_.needs_labels) {
      corpus.label_kind = LabelKind::kValue;
      labels_.labels.assign(table_.rows.size(), std::numeric_limits<float>::quiet_NaN());
      return;
    }
    std::vector<TableColumn> columns;
    for (const auto& name : targets_) columns.push_back(column_texts(kTargetPrefix + name));
    labels_ = columns.empty() ? read_label_column(column_texts("label"), settings_)
                              : read_target_columns(targets_, columns, settings_);
    corpus.label_kind = labels_.kind;
    corpus.class_names = labels_.class_names;
    corpus.target_names = labels_.target_names;
    std::move(labels_.findings.begin(), labels_.findings.end(),
              std::back_inserter(result_.reading.findings));
  }

  /// Appends a row of [rows, T] numbers, where there are any.
  static void append_row(const std::vector<float>& numbers, std::size_t rows, std::size_t row,
                         std::vector<float>& to) {
    const std::size_t width = numbers.size() / rows;
    const auto first = numbers.begin() + static_cast<std::ptrdiff_t>(row * width);
    to.insert(to.end(), first, first + static_cast<std::ptrdiff_t>(width));
  }

  // ---- dialogues --------------------------------------------------------------------------------

  /// Ids and dialogue names of all rows, in Unicode's composed form.
  void read_ids(bool has_ids_by_part) {
    const bool has_dialogues = table_.column("dialogue").has_value();
    ids_.clear();
    dialogues_.clear();
    for (std::size_t row = 0; row < table_.rows.size(); ++row) {
      std::string id = normal_form(field(row, "id"));
      std::string dialogue = has_dialogues ? normal_form(field(row, "dialogue")) : id;
      if (has_ids_by_part) {
        const auto part = part_of_word(field(row, "split")).value_or(Part::kNone);
        const std::string prefix = part == Part::kNone ? "" : part_name(part) + std::string("_");
        if (!id.empty()) id = prefix + id;
        if (!dialogue.empty()) dialogue = prefix + dialogue;
      }
      ids_.push_back(std::move(id));
      // Without dialogues, every utterance is its own dialogue.
      dialogues_.push_back(has_dialogues ? std::move(dialogue) : ids_.back());
    }
  }

  /// Names that occur in several parts of the split, and whether one is repeated within a part.
  struct Repeats {
    std::size_t across = 0;
    std::size_t smallest_part = 0;  ///< number of names in the smallest part
    bool is_within = false;
    std::string example;
  };

  [[nodiscard]] Repeats repeats_of(const std::vector<std::string>& names) const {
    std::map<Part, std::unordered_set<std::string_view>> by_part;
    std::unordered_map<std::string_view, int> parts;
    Repeats repeats;
    for (std::size_t row = 0; row < names.size(); ++row) {
      const auto part = part_of_word(field(row, "split")).value_or(Part::kNone);
      if (names[row].empty() || part == Part::kNone) continue;
      if (!by_part[part].insert(names[row]).second) {
        repeats.is_within = true;
      } else if (++parts[names[row]] == 2) {
        if (repeats.across++ == 0) repeats.example = names[row];
      }
    }
    for (const auto& [part, seen] : by_part) {
      const bool is_fewer = repeats.smallest_part == 0 || seen.size() < repeats.smallest_part;
      if (is_fewer) repeats.smallest_part = seen.size();
    }
    return repeats;
  }

  /// MELD and similar sets restart ids and dialogues at 0 in train, dev and test. That is one
  /// problem, not one per row; reading continues as if each id had the part as prefix.
  void find_restart() {
    if (settings_.has_ids_by_part && !table_.column("split")) {
      throw DataError(fmt::format("{}: data.ids = \"by-part\" needs a column 'split'", file_));
    }
    read_ids(settings_.has_ids_by_part);
    if (settings_.has_ids_by_part || !table_.column("split")) return;
    const Repeats ids = repeats_of(ids_);
    const Repeats dialogues = repeats_of(dialogues_);
    const bool ids_restart = ids.across > 0 && !ids.is_within;
    const bool dialogues_restart =
        ids.across == 0 && dialogues.across > 1 && 2 * dialogues.across >= dialogues.smallest_part;
    if (!ids_restart && !dialogues_restart) return;
    result_.reading.findings.push_back(
        {Severity::kError, "ids-restart", file_,
         ids_restart
             ? fmt::format("ids start again in each part of the split: {} of them occur in two or "
                           "more parts, e.g. '{}'",
                           ids.across, ids.example)
             : fmt::format("dialogue names start again in each part of the split: {} of them occur "
                           "in two or more parts, e.g. '{}'",
                           dialogues.across, dialogues.example),
         "put the part in front of ids and dialogues, as --set data.ids=by-part does", true});
    read_ids(true);
  }

  void group_rows() {
    const bool has_dialogues = table_.column("dialogue").has_value();
    std::unordered_map<std::string_view, std::size_t> index;
    std::unordered_set<std::string_view> ids;
    for (std::size_t row = 0; row < table_.rows.size(); ++row) {
      const std::string& id = ids_[row];
      if (id.empty()) add_error("bad-id", row, "the utterance has no id");
      if (!ids.insert(id).second && !id.empty()) {
        add_error("duplicate-id", row, fmt::format("id '{}' is given twice", id),
                  "keep one of the two rows or rename one");
      }
      const std::string& dialogue = dialogues_[row];
      if (dialogue.empty() && has_dialogues) add_error("bad-dialogue", row, "it has no dialogue");
      const auto [found, is_new] = index.emplace(dialogue, dialogue_rows_.size());
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
      const auto value = whole_number_of(field(row, "position"));
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
    dialogue.id = dialogues_[rows[0]];
    dialogue.first = corpus.size();
    dialogue.count = static_cast<std::int64_t>(rows.size());
    dialogue.group = normal_form(field(rows[0], "group"));
    const auto part = part_of_word(field(rows[0], "split"));
    dialogue.part = part.value_or(Part::kNone);
    const auto d = static_cast<std::int64_t>(corpus.dialogues.size());
    for (const std::size_t row : rows) {
      check_same(rows[0], row, dialogue.id);
      const auto position = static_cast<std::int64_t>(corpus.size()) - dialogue.first;
      const auto transcript = table_.column("transcript");
      corpus.utterances.push_back({ids_[row], d, position, normal_form(field(row, "speaker")),
                                   labels_.labels[row],
                                   transcript ? table_.rows[row][*transcript] : ""});
      append_row(labels_.targets, table_.rows.size(), row, corpus.targets);
      append_row(labels_.shares, table_.rows.size(), row, corpus.shares);
      result_.row_of.push_back(static_cast<std::int64_t>(row));
    }
    corpus.dialogues.push_back(std::move(dialogue));
  }

  void check_same(std::size_t first, std::size_t row, const std::string& dialogue) {
    if (!part_of_word(field(row, "split"))) {
      add_error("bad-split", row,
                fmt::format("split '{}' is none of train, validation, test", field(row, "split")));
    }
    if (part_of_word(field(row, "split")) != part_of_word(field(first, "split"))) {
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
  std::vector<std::string> targets_;    ///< names after label:
  std::vector<std::string> ids_;        ///< [rows]
  std::vector<std::string> dialogues_;  ///< [rows]
  std::vector<std::vector<std::size_t>> dialogue_rows_;
  TableLabels labels_;
  PlainTable result_;
};

}  // namespace

PlainTable parse_plain_table(std::string_view text, std::string_view name,
                             const PlainSettings& settings,
                             const std::vector<std::string>& modalities) {
  return TableReader(text, name, settings).read(modalities);
}

}  // namespace hardy
