// Transcripts of corpora and speech recognisers: CMU-MOSEI, IEMOCAP, CTM, Whisper's JSON, tables.
#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/text.h"
#include "hardy/errors.h"
#include "media/delimited.h"
#include "media/transcript_forms.h"

namespace hardy {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kMoseiMark = "___";

std::vector<std::string_view> split_mosei(std::string_view line) {
  std::vector<std::string_view> fields;
  for (int i = 0; i < 4; ++i) {
    const auto mark = line.find(kMoseiMark);
    if (mark == std::string_view::npos) return {};
    fields.push_back(line.substr(0, mark));
    line.remove_prefix(mark + kMoseiMark.size());
  }
  fields.push_back(line);
  return fields;
}

std::optional<Cue> mosei_cue(std::string_view line) {
  const auto fields = split_mosei(line);
  if (fields.empty()) return std::nullopt;
  const auto start = parse_time(fields[2]);
  const auto end = parse_time(fields[3]);
  if (!start || !end) return std::nullopt;
  Cue cue;
  cue.recording = trim(fields[0]);
  cue.id = fmt::format("{}_{}", cue.recording, trim(fields[1]));
  cue.start_s = *start;
  cue.end_s = *end;
  cue.text = fields[4];
  return cue;
}

/// "Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me."
std::optional<Cue> iemocap_cue(std::string_view line) {
  const auto open = line.find(" [");
  const auto close = line.find("]:", open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
  const auto times = line.substr(open + 2, close - open - 2);
  const auto dash = times.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto start = parse_time(times.substr(0, dash));
  const auto end = parse_time(times.substr(dash + 1));
  if (!start || !end) return std::nullopt;
  Cue cue;
  cue.id = trim(line.substr(0, open));
  const auto mark = cue.id.rfind('_');
  if (mark != std::string::npos && mark + 1 < cue.id.size()) {
    cue.recording = cue.id.substr(0, mark);
    // The session and the letter of its speaker: another person in every session.
    if (cue.id.starts_with("Ses") && mark >= 5) {
      cue.speaker = fmt::format("{}_{}", cue.id.substr(0, 5), cue.id[mark + 1]);
    }
  }
  cue.start_s = *start;
  cue.end_s = *end;
  cue.text = line.substr(close + 2);
  return cue;
}

std::string_view first_line(std::string_view text) {
  for (const auto line : lines_of(text.substr(0, std::min<std::size_t>(text.size(), 65536)))) {
    if (!trim(line).empty()) return line;
  }
  return {};
}

template <typename Parse>
std::vector<Cue> parse_lines(std::string_view text, std::string_view name, const char* form,
                             const Parse& parse) {
  std::vector<Cue> cues;
  std::size_t number = 0;
  for (const auto line : lines_of(text)) {
    ++number;
    if (trim(line).empty()) continue;
    auto cue = parse(line);
    if (!cue) throw DataError(fmt::format("{}, line {}: expected {}", name, number, form));
    cues.push_back(std::move(*cue));
  }
  return cues;
}

std::string text_field(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() && found->is_string() ? found->get<std::string>() : "";
}

/// A time in seconds.
double seconds_field(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() && found->is_number() ? found->get<double>() : std::nan("");
}

Cue whisper_cue(const Json& entry) {
  Cue cue;
  cue.text = text_field(entry, "text");
  cue.speaker = text_field(entry, "speaker");
  cue.start_s = seconds_field(entry, "start");
  cue.end_s = seconds_field(entry, "end");
  const auto offsets = entry.find("offsets");  // whisper.cpp: milliseconds
  if (offsets != entry.end() && offsets->is_object()) {
    cue.start_s = seconds_field(*offsets, "from") / 1000;
    cue.end_s = seconds_field(*offsets, "to") / 1000;
  }
  return cue;
}

/// A time of a table; nothing for an empty field.
double table_time(const DelimitedTable& table, std::size_t row, std::optional<std::size_t> column) {
  if (!column) return std::nan("");
  const auto& field = table.rows[row][*column];
  if (trim(field).empty()) return std::nan("");
  const auto time = parse_time(field);
  if (time) return *time;
  throw DataError(fmt::format("{}, line {}: '{}' is no time", table.name, table.lines[row], field));
}

}  // namespace

bool is_mosei(std::string_view text) { return mosei_cue(first_line(text)).has_value(); }

bool is_iemocap(std::string_view text) { return iemocap_cue(first_line(text)).has_value(); }

std::vector<Cue> parse_mosei(std::string_view text, std::string_view name) {
  return parse_lines(text, name, "ID___NUMBER___START___END___TEXT", mosei_cue);
}

std::vector<Cue> parse_iemocap(std::string_view text, std::string_view name) {
  std::vector<Cue> cues;
  std::size_t number = 0;
  for (const auto line : lines_of(text)) {
    ++number;
    if (trim(line).empty()) continue;
    auto cue = iemocap_cue(line);
    if (cue) {
      cues.push_back(std::move(*cue));
    } else if (line.find(':') == std::string_view::npos) {  // "M: [BREATHING]" has no times
      throw DataError(fmt::format("{}, line {}: expected ID [START-END]: TEXT", name, number));
    }
  }
  return cues;
}

std::vector<Cue> parse_ctm(std::string_view text, std::string_view name) {
  std::vector<Cue> words;
  std::size_t number = 0;
  for (const auto line : lines_of(text)) {
    ++number;
    if (trim(line).empty() || line.starts_with(";;")) continue;
    std::vector<std::string_view> fields;
    for (auto rest = trim(line); !rest.empty();) {
      const auto end = rest.find_first_of(" \t");
      fields.push_back(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view{} : trim(rest.substr(end));
    }
    const auto start = fields.size() < 5 ? std::nullopt : parse_time(fields[2]);
    const auto length = fields.size() < 5 ? std::nullopt : parse_time(fields[3]);
    if (!start || !length) {
      throw DataError(
          fmt::format("{}, line {}: expected RECORDING CHANNEL START LENGTH WORD", name, number));
    }
    Cue word;
    word.recording = fields[0];
    word.start_s = *start;
    word.end_s = *start + *length;
    word.text = fields[4];
    words.push_back(std::move(word));
  }
  return join_words(words);
}

std::vector<Cue> parse_whisper(std::string_view text, std::string_view name) {
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::exception& error) {
    throw DataError(fmt::format("{}: no JSON: {}", name, error.what()));
  }
  const Json* list = json.is_array() ? &json : nullptr;
  for (const char* key : {"segments", "transcription", "chunks"}) {
    if (list != nullptr || !json.is_object()) break;
    const auto found = json.find(key);
    if (found != json.end() && found->is_array()) list = &*found;
  }
  std::vector<Cue> cues;
  if (list == nullptr) {
    Cue whole;
    whole.text = json.is_object() ? text_field(json, "text") : "";
    if (whole.text.empty()) {
      throw DataError(
          fmt::format("{}: neither 'segments' nor 'transcription' nor 'text' is there", name));
    }
    return {whole};
  }
  for (const auto& entry : *list) {
    if (!entry.is_object()) throw DataError(fmt::format("{}: a segment is no object", name));
    Cue cue = whisper_cue(entry);
    if (std::isnan(cue.start_s) != std::isnan(cue.end_s)) cue.end_s = cue.start_s;  // left out
    cues.push_back(std::move(cue));
  }
  return cues;
}

std::vector<Cue> parse_cue_table(std::string_view text, std::string_view name) {
  const DelimitedTable table = parse_delimited(text, name);
  const auto words = table.column({"sentence", "text", "transcript", "utterance", "transcription"});
  if (!words) {
    throw DataError(fmt::format("{}: no column with the text (sentence or text)", name));
  }
  const auto start = table.column({"start", "start_s", "begin", "from", "starttime"});
  const auto end = table.column({"end", "end_s", "stop", "to", "endtime"});
  const auto speaker = table.column({"speaker"});
  const auto recording = table.column({"recording", "media", "file", "video", "video_id"});
  const auto clip = table.column({"clip_id"});
  const auto id = table.column({"name", "id"});
  std::vector<Cue> cues;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto field = [&](std::optional<std::size_t> column) {
      return column ? std::string(trim(table.rows[row][*column])) : std::string();
    };
    Cue cue;
    cue.text = field(words);
    cue.speaker = field(speaker);
    cue.start_s = table_time(table, row, start);
    cue.end_s = table_time(table, row, end);
    cue.id = field(id);
    cue.recording = field(recording);
    // MMSA names clips by video and number, GCNet by the stem of the clip's file.
    if (clip && !cue.recording.empty()) cue.recording += "_" + field(clip);
    if (cue.recording.empty() && !cue.has_times()) cue.recording = cue.id;
    cues.push_back(std::move(cue));
  }
  return cues;
}

}  // namespace hardy
