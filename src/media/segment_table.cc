// A table of utterances -> segments.
#include <cmath>

#include <fmt/format.h>

#include "formats/text.h"
#include "hardy/errors.h"
#include "media/delimited.h"
#include "media/segment_list.h"
#include "media/transcript_forms.h"

namespace hardy {
namespace {

/// Indices of the known columns of a table.
struct Columns {
  explicit Columns(const DelimitedTable& table)
      : media(table.column({"media", "file", "path"})),
        id(table.column({"id", "name"})),
        start(table.column({"start", "start_s"})),
        end(table.column({"end", "end_s"})),
        speaker(table.column({"speaker"})),
        text(table.column({"text", "sentence", "transcript"})),
        dialogue(table.column({"dialogue"})),
        label(table.column({"label", "emotion"})),
        group(table.column({"group"})),
        split(table.column({"split"})) {}

  std::optional<std::size_t> media, id, start, end, speaker, text, dialogue, label, group, split;
};

[[noreturn]] void refuse(const DelimitedTable& table, std::size_t row, const std::string& what) {
  throw DataError(fmt::format("{}, line {}: {}", table.name, table.lines[row], what));
}

double time_of(const DelimitedTable& table, std::size_t row, std::optional<std::size_t> column,
               double otherwise) {
  if (!column || trim(table.rows[row][*column]).empty()) return otherwise;
  const auto& field = table.rows[row][*column];
  const auto time = parse_time(field);
  if (!time || *time < 0) refuse(table, row, fmt::format("'{}' is no time in seconds", field));
  return *time;
}

}  // namespace

std::vector<Segment> parse_segment_table(std::string_view text, std::string_view name) {
  const DelimitedTable table = parse_delimited(decode_transcript(text), name);
  const Columns columns(table);
  if (!columns.media && !columns.id) {
    throw DataError(fmt::format("{}: neither a column 'media' nor one 'id'", name));
  }
  std::vector<Segment> segments;
  std::size_t labelled = 0;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto field = [&](std::optional<std::size_t> column) {
      return column ? std::string(trim(table.rows[row][*column])) : std::string();
    };
    Segment segment;
    segment.media = field(columns.media.has_value() ? columns.media : columns.id);
    if (segment.media.empty()) refuse(table, row, "no recording is named");
    segment.id = field(columns.id);
    segment.start_s = time_of(table, row, columns.start, 0);
    segment.end_s = time_of(table, row, columns.end, segment.end_s);
    if (segment.end_s <= segment.start_s) {
      refuse(
          table, row,
          fmt::format("it ends at {} s, before it starts at {} s", segment.end_s, segment.start_s));
    }
    segment.speaker = field(columns.speaker);
    segment.text = clean_cue_text(field(columns.text));
    segment.dialogue = field(columns.dialogue);
    segment.label = field(columns.label);
    segment.group = field(columns.group);
    segment.split = field(columns.split);
    labelled += segment.label.empty() ? 0U : 1U;
    if (labelled != 0 && labelled != row + 1) {
      refuse(table, row, "some rows have a label and others none; give all of them one, or none");
    }
    segments.push_back(std::move(segment));
  }
  return segments;
}

}  // namespace hardy
