#include "corpus/table_columns.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "corpus/table_words.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

/// Names of label columns, the default first.
constexpr std::array kLabelNames = {"label",   "emotion",   "emo",     "discrete",   "sentiment",
                                    "label_t", "label_a",   "label_v", "annotation", "valence",
                                    "arousal", "dominance", "val"};

std::string to_lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

TableColumns::TableColumns(const LabelTable& table, const std::string& source)
    : table_(table), source_(source) {
  for (const auto& column : table.table.header) header_.push_back(to_lower(column));
  id_ = find({"id", "uid", "name", "utt_id", "filename", "file_name", "segment"});
  dialogue_ = find({"dialogue_id", "dialog_id", "dialogue", "dialog", "conversation_id", "conv_id",
                    "conversation"});
  utterance_ = find({"utterance_id", "turn", "position"});
  scene_ = find({"scene_id"});
  season_ = find({"season"});
  episode_ = find({"episode"});
  video_ = find({"video_id", "video"});
  clip_ = find({"clip_id", "clip"});
  split_ = find({"split", "mode", "part", "partition", "set", "subset", "phase"});
  speaker_ = find({"speaker", "speaker_id"});
  group_ = find({"group", "session"});
  transcript_ = find({"transcript", "text", "utterance", "sentence", "transcription", "raw_text"});
  for (const auto& column : {utterance_, clip_}) {
    if (column && has_numbers(*column)) numbered_.insert(*column);
  }
  const bool counts_utterances = (dialogue_ || scene_) && utterance_;
  if (id_ || counts_utterances || (video_ && clip_)) return;
  throw DataError(fmt::format(
      "{}: no column names the utterances: id (or name), Dialogue_ID and Utterance_ID, or video_id "
      "and clip_id; there are {}",
      source_, fmt::join(table.table.header, ", ")));
}

std::optional<std::size_t> TableColumns::find(std::initializer_list<const char*> names) const {
  for (const char* name : names) {
    const auto found = std::find(header_.begin(), header_.end(), name);
    if (found != header_.end()) return static_cast<std::size_t>(found - header_.begin());
  }
  return std::nullopt;
}

std::string TableColumns::text(std::size_t row, std::optional<std::size_t> column) const {
  return column ? std::string(trim(table_.table.rows[row][*column])) : std::string();
}

std::string TableColumns::part_text(std::size_t row) const {
  return split_ ? to_lower(text(row, split_)) : table_.parts[row];
}

Part TableColumns::part(std::size_t row) const {
  const std::string word = part_text(row);
  if (const auto known = part_of_word(word)) return *known;
  throw DataError(fmt::format("{}, line {}: '{}' is none of train, validation, test",
                              table_.files[row], table_.table.lines[row], word));
}

std::int64_t TableColumns::order(std::size_t row, std::optional<std::size_t> column) const {
  if (!column || !numbered_.contains(*column)) return static_cast<std::int64_t>(row);
  const std::string field = text(row, column);
  if (const auto number = whole_number_of(field)) return *number;
  throw DataError(fmt::format(
      "{}, line {}: {} '{}' is not an integer; it orders the dialogue, so correct it, or remove "
      "the column where the rows are in order",
      table_.files[row], table_.table.lines[row], table_.table.header[*column], field));
}

bool TableColumns::has_numbers(std::size_t column) const {
  return std::any_of(table_.table.rows.begin(), table_.table.rows.end(), [&](const auto& row) {
    return whole_number_of(trim(row[column])).has_value();
  });
}

TableRecord TableColumns::scene_record(std::size_t row) const {
  const std::string utterance = text(row, utterance_);
  const std::string part = part_text(row);
  const std::string front = part.empty() ? "" : part + "_";
  TableRecord made;
  if (scene_) {
    made.record.dialogue = fmt::format("{}s{}_e{}_c{}", front, text(row, season_),
                                       text(row, episode_), text(row, scene_));
    made.record.id = fmt::format("{}_u{}", made.record.dialogue, utterance);
    made.names = {made.record.id};
  } else {
    const std::string name = fmt::format("dia{}_utt{}", text(row, dialogue_), utterance);
    made.record.dialogue = fmt::format("{}dia{}", front, text(row, dialogue_));
    made.record.id = front + name;
    made.names = {made.record.id};
    // Releases use "dev" or "val"; both are searched.
    if (part == "dev") made.names.push_back("val_" + name);
    if (part != "dev") made.names.push_back(made.record.id);
  }
  made.record.order = order(row, utterance_);
  return made;
}

TableRecord TableColumns::clip_record(std::size_t row) const {
  const std::string video = text(row, video_);
  const std::string clip = text(row, clip_);
  TableRecord made;
  made.record.dialogue = video;
  made.record.id = fmt::format("{}_{}", video, clip);
  made.record.order = order(row, clip_);
  made.names = {made.record.id, fmt::format("{}$_${}", video, clip)};
  return made;
}

TableRecord TableColumns::record(std::size_t row) const {
  TableRecord made;
  if (id_) {
    made.record.id = text(row, id_);
    made.record.dialogue = dialogue_ ? text(row, dialogue_) : text(row, video_);
    if (made.record.dialogue.empty()) made.record.dialogue = made.record.id;
    made.record.order = order(row, utterance_);
    made.names = {made.record.id};
  } else if (utterance_ && (dialogue_ || scene_)) {
    made = scene_record(row);
  } else {
    made = clip_record(row);
  }
  made.record.part = part(row);
  made.record.speaker = text(row, speaker_);
  made.record.group = text(row, group_);
  made.record.transcript = text(row, transcript_);
  return made;
}

std::vector<std::string> TableColumns::label_names() const {
  std::vector<std::string> names;
  for (const char* name : kLabelNames) {
    if (find({name})) names.emplace_back(name);
  }
  if (!names.empty()) return names;
  throw DataError(fmt::format("{}: no column holds labels ({}); there are {}", source_,
                              fmt::join(kLabelNames, ", "), fmt::join(table_.table.header, ", ")));
}

TableLabels TableColumns::label(const std::string& name, const PlainSettings& settings) const {
  const std::size_t place = find({name.c_str()}).value();
  TableColumn column;
  column.file = source_;
  column.lines = table_.table.lines;
  for (const auto& row : table_.table.rows) column.texts.push_back(trim(row[place]));
  return read_label_column(column, settings);
}

void TableColumns::add_findings(CorpusAssembler& assembler) const {
  const std::set<std::optional<std::size_t>> read = {id_,     dialogue_, utterance_, scene_,
                                                     season_, episode_,  video_,     clip_,
                                                     split_,  speaker_,  group_,     transcript_};
  std::vector<std::string> unread;
  for (std::size_t column = 0; column < header_.size(); ++column) {
    const bool is_label =
        std::find(kLabelNames.begin(), kLabelNames.end(), header_[column]) != kLabelNames.end();
    if (!read.contains(column) && !is_label) unread.push_back(table_.table.header[column]);
  }
  if (unread.empty()) return;
  assembler.add_finding({Severity::kNote, "unknown-column", source_,
                         fmt::format("columns that are not read: {}", fmt::join(unread, ", ")),
                         "docs/formats.md lists the names that are; rename a column that should "
                         "be read"});
}

std::string TableColumns::title() const {
  if (id_) return "label table beside features";
  if (scene_) return "EmoryNLP label tables beside features";
  if (dialogue_) return "MELD label tables beside features";
  return "CH-SIMS label table beside features";
}

}  // namespace hardy
