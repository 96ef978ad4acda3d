// Readers of the individual transcript forms. Each gives raw cues with markup; transcript.cc cleans
// them. Internal to media/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "media/transcript.h"

namespace hardy {

/// The text of a transcript as UTF-8 with \n line ends and without byte order mark: UTF-8, UTF-16
/// by its byte order mark, otherwise Latin-1.
std::string decode_transcript(std::string_view bytes);

/// Seconds of "01:02:03,450", "02:03.45", "3.45" or "3,45"; nothing for other text.
std::optional<double> parse_time(std::string_view text);

/// Words with shorter pauses between them form one utterance.
inline constexpr double kWordPauseS = 0.5;

/// Joins timed words (texts of cues in order) to utterances at pauses of kWordPauseS and at changes
/// of speaker or recording.
std::vector<Cue> join_words(const std::vector<Cue>& words);

std::vector<Cue> parse_subrip(std::string_view text, std::string_view name);
std::vector<Cue> parse_webvtt(std::string_view text, std::string_view name);
std::vector<Cue> parse_text_grid(std::string_view text, std::string_view name,
                                 const std::string& tier);
std::vector<Cue> parse_elan(std::string_view text, std::string_view name, const std::string& tier);
std::vector<Cue> parse_whisper(std::string_view text, std::string_view name);
std::vector<Cue> parse_mosei(std::string_view text, std::string_view name);
std::vector<Cue> parse_iemocap(std::string_view text, std::string_view name);
std::vector<Cue> parse_ctm(std::string_view text, std::string_view name);
std::vector<Cue> parse_cue_table(std::string_view text, std::string_view name);

/// Whether the first non-empty lines have the form.
bool is_mosei(std::string_view text);
bool is_iemocap(std::string_view text);

/// `text` without tags, override codes, entities and stage directions, blanks collapsed.
std::string clean_cue_text(std::string_view text);

/// The lines of a text, without line ends.
std::vector<std::string_view> lines_of(std::string_view text);

}  // namespace hardy
