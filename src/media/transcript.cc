#include "media/transcript.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <system_error>

#include <fmt/format.h>

#include "base/files.h"
#include "formats/text.h"
#include "hardy/errors.h"
#include "media/transcript_forms.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestTranscript = std::size_t{256} << 20;
constexpr std::size_t kLongestSpeaker = 40;
constexpr const char* kEndings[] = {".srt",  ".vtt", ".TextGrid", ".textgrid", ".eaf",
                                    ".json", ".ctm", ".tsv",      ".csv",      ".txt"};

std::string lower(std::string text) {
  for (char& letter : text) {
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return text;
}

std::string ending_of(std::string_view name) { return lower(fs::path(name).extension().string()); }

bool is_name_letter(char letter) {
  const auto code = static_cast<unsigned char>(letter);
  return std::isalnum(code) != 0 || code >= 0x80 || letter == ' ' || letter == '_' ||
         letter == '-' || letter == '.' || letter == '\'' || letter == '#';
}

/// "MARY" in "MARY: hello"; empty if the text does not start with a possible speaker.
std::string_view prefix_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > kLongestSpeaker) return {};
  const auto name = text.substr(0, colon);
  const auto code = static_cast<unsigned char>(name.front());
  if (std::isupper(code) == 0 && code < 0x80) return {};
  if (std::count(name.begin(), name.end(), ' ') > 2) return {};
  if (colon + 1 < text.size() && text[colon + 1] != ' ') return {};  // "10:30", "http:"
  return std::all_of(name.begin(), name.end(), is_name_letter) ? name : std::string_view{};
}

/// Whether a prefix is certainly a speaker: all capitals, or "Speaker 1".
bool is_certain(std::string_view prefix) {
  if (starts_with_ignoring_case(prefix, "speaker")) return true;
  return std::none_of(prefix.begin(), prefix.end(), [](char letter) {
    return std::islower(static_cast<unsigned char>(letter)) != 0;
  });
}

/// Moves "SPEAKER: " from texts to speakers. A prefix in lower case ("Mary: ") counts if it occurs
/// at least twice: a single one may be speech ("Listen: ...").
void split_speakers(std::vector<Cue>& cues) {
  std::map<std::string, int, std::less<>> uses;
  for (const auto& cue : cues) {
    if (cue.speaker.empty()) ++uses[std::string(prefix_of(cue.text))];
  }
  for (auto& cue : cues) {
    if (!cue.speaker.empty()) continue;
    const auto prefix = prefix_of(cue.text);
    if (prefix.empty() || (!is_certain(prefix) && uses.find(prefix)->second < 2)) continue;
    cue.speaker = trim(prefix);
    cue.text = trim(std::string_view(cue.text).substr(prefix.size() + 1));
  }
}

Transcript read_form(std::string_view text, std::string_view name,
                     const TranscriptOptions& options) {
  const std::string ending = ending_of(name);
  const auto start = trim(text.substr(0, std::min<std::size_t>(text.size(), 4096)));
  if (start.starts_with("WEBVTT")) return {"WebVTT", parse_webvtt(text, name), {}};
  if (start.starts_with("File type = \"ooTextFile") || ending == ".textgrid") {
    return {"TextGrid", parse_text_grid(text, name, options.tier), {}};
  }
  if (start.find("<ANNOTATION_DOCUMENT") != std::string_view::npos || ending == ".eaf") {
    return {"ELAN", parse_elan(text, name, options.tier), {}};
  }
  if (ending == ".json" || (ending.empty() && start.starts_with('{'))) {
    return {"Whisper JSON", parse_whisper(text, name), {}};
  }
  if (ending == ".srt") return {"SubRip", parse_subrip(text, name), {}};
  if (ending == ".vtt") return {"WebVTT", parse_webvtt(text, name), {}};
  if (ending == ".ctm") return {"CTM", parse_ctm(text, name), {}};
  if (ending == ".csv" || ending == ".tsv") return {"table", parse_cue_table(text, name), {}};
  if (is_mosei(text)) return {"CMU-MOSEI", parse_mosei(text, name), {}};
  if (is_iemocap(text)) return {"IEMOCAP", parse_iemocap(text, name), {}};
  if (start.find("-->") != std::string_view::npos) return {"SubRip", parse_subrip(text, name), {}};
  Cue whole;
  whole.text = text;
  return {"text", {whole}, {}};
}

void add_note(Transcript& transcript, std::size_t count, const char* what) {
  if (count > 0) transcript.notes.push_back(fmt::format("{} {}", count, what));
}

/// Removes cues that cannot be utterances, and sorts the rest.
void clean(Transcript& transcript) {
  std::size_t empty = 0;
  std::size_t backwards = 0;
  std::size_t overlapping = 0;
  std::vector<Cue> kept;
  for (auto& cue : transcript.cues) {
    const bool is_timed = std::isfinite(cue.start_s) && std::isfinite(cue.end_s);
    const bool is_untimed = std::isnan(cue.start_s) && std::isnan(cue.end_s);
    if (cue.text.empty()) {
      ++empty;
    } else if (!is_untimed && (!is_timed || cue.start_s < 0 || cue.end_s <= cue.start_s)) {
      ++backwards;
    } else {
      kept.push_back(std::move(cue));
    }
  }
  std::stable_sort(kept.begin(), kept.end(), [](const Cue& x, const Cue& y) {
    return x.has_times() && y.has_times() && x.start_s < y.start_s;
  });
  for (std::size_t i = 1; i < kept.size(); ++i) {
    if (kept[i].recording == kept[i - 1].recording && kept[i].start_s < kept[i - 1].end_s) {
      ++overlapping;
    }
  }
  transcript.cues = std::move(kept);
  add_note(transcript, empty, "cues without spoken text were left out");
  add_note(transcript, backwards, "cues were left out: they end before they start");
  add_note(transcript, overlapping, "cues overlap the one before; both are kept");
}

}  // namespace

Transcript parse_transcript(std::string_view bytes, std::string_view name,
                            const TranscriptOptions& options) {
  const std::string text = decode_transcript(bytes);
  if (trim(text).empty()) throw DataError(fmt::format("{}: the transcript is empty", name));
  Transcript transcript = read_form(text, name, options);
  for (auto& cue : transcript.cues) {
    cue.text = clean_cue_text(cue.text);
    cue.speaker = clean_cue_text(cue.speaker);
  }
  split_speakers(transcript.cues);
  clean(transcript);
  return transcript;
}

Transcript load_transcript(const fs::path& file, const TranscriptOptions& options) {
  return parse_transcript(read_text_file(file, kLargestTranscript), file.string(), options);
}

std::vector<Cue> cues_of(const Transcript& transcript, const fs::path& recording) {
  const std::string stem = recording.stem().string();
  const std::string parent = recording.parent_path().filename().string();
  bool names_any = false;
  std::vector<Cue> found;
  for (const auto& cue : transcript.cues) {
    names_any = names_any || !cue.recording.empty();
    const auto& named = cue.recording;
    const bool is_same = named == stem || named == recording.filename().string() ||
                         named == parent + "/" + stem || named == parent + "_" + stem ||
                         named == parent + "$_$" + stem;
    if (is_same) found.push_back(cue);
  }
  return names_any ? found : transcript.cues;
}

fs::path find_transcript(const fs::path& recording, const fs::path& folder) {
  std::error_code ignored;
  const fs::path base = (folder.empty() ? recording.parent_path() : folder) / recording.stem();
  for (const char* ending : kEndings) {
    fs::path candidate = base;
    candidate += ending;
    if (fs::is_regular_file(candidate, ignored)) return candidate;
  }
  return {};
}

}  // namespace hardy
