#include "media/segment_list.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <fnmatch.h>

#include <fmt/format.h>

#include "base/files.h"
#include "hardy/errors.h"
#include "media/transcript.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecordingEndings[] = {
    ".mp4", ".m4v",  ".mov", ".mkv", ".webm", ".avi",  ".mpg",  ".mpeg", ".ts",  ".m2ts",
    ".3gp", ".flv",  ".wmv", ".dv",  ".ogv",  ".wav",  ".flac", ".mp3",  ".m4a", ".ogg",
    ".oga", ".opus", ".aac", ".wma", ".aif",  ".aiff", ".au",   ".amr",  ".sph", ".mka"};

std::string lower_ending(const fs::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return ending;
}

bool is_table_name(const fs::path& file) {
  const std::string ending = lower_ending(file);
  return ending == ".csv" || ending == ".tsv";
}

bool is_hidden(const fs::path& file) { return file.filename().string().starts_with('.'); }

/// All recordings below a folder, in order of their paths.
std::vector<fs::path> recordings_below(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(
           folder, fs::directory_options::skip_permission_denied, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (is_hidden(entry->path()) || !entry->is_regular_file(ignored)) continue;
    if (is_recording_name(entry->path())) found.push_back(entry->path());
  }
  if (error) throw IoError(fmt::format("{}: {}", folder.string(), error.message()));
  std::sort(found.begin(), found.end());
  return found;
}

/// Files whose names match a pattern in the last part of a path.
std::vector<fs::path> recordings_like(const fs::path& pattern) {
  const fs::path folder = pattern.has_parent_path() ? pattern.parent_path() : fs::path(".");
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto name = entry.path().filename();
    if (::fnmatch(pattern.filename().c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
    found.push_back(pattern.has_parent_path() ? entry.path() : name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

class Planner {
 public:
  Planner(const SegmentOptions& options, const SegmentServices& services)
      : options_(options), services_(services) {
    std::error_code ignored;
    if (!options.transcripts.empty() && fs::is_regular_file(options.transcripts, ignored)) {
      given_ = read_transcript(options.transcripts);
    } else if (!options.transcripts.empty() && !fs::is_directory(options.transcripts, ignored)) {
      throw ConfigError(
          fmt::format("--transcripts {}: no such file or folder", options.transcripts));
    }
  }

  SegmentList plan() {
    for (const auto& input : options_.inputs) add_input(input);
    if (!options_.table.empty()) add_table(options_.table, options_.media_folder);
    if (recordings_.empty() && rows_.empty()) {
      throw ConfigError("no recording was found; name recordings, folders, or a table of segments");
    }
    std::sort(recordings_.begin(), recordings_.end());
    recordings_.erase(std::unique(recordings_.begin(), recordings_.end()), recordings_.end());
    if (options_.limit > 0 && std::cmp_greater(recordings_.size(), options_.limit)) {
      recordings_.resize(static_cast<std::size_t>(options_.limit));
    }
    for (auto& row : rows_) add_row(std::move(row));
    for (const auto& recording : recordings_) add_recording(recording);
    cut_the_rest();
    make_ids_unique();
    return std::move(list_);
  }

 private:
  void note(const std::string& line) { list_.notes.push_back(line); }

  void add_input(const std::string& input) {
    std::error_code ignored;
    const fs::path path = input;
    if (fs::is_directory(path, ignored)) {
      const auto found = recordings_below(path);
      if (found.empty()) note(fmt::format("{}: no recording in this folder", input));
      recordings_.insert(recordings_.end(), found.begin(), found.end());
    } else if (fs::exists(path, ignored)) {
      is_table_name(path) ? add_table(path, options_.media_folder) : recordings_.push_back(path);
    } else if (input.find_first_of("*?[") != std::string::npos) {
      const auto found = recordings_like(path);
      if (found.empty()) throw ConfigError(fmt::format("{}: no file has such a name", input));
      recordings_.insert(recordings_.end(), found.begin(), found.end());
    } else {
      throw ConfigError(fmt::format("{}: no such file or folder", input));
    }
  }

  void add_table(const fs::path& table, const fs::path& media_folder) {
    const fs::path base = media_folder.empty() ? table.parent_path() : media_folder;
    std::map<std::string, fs::path> by_stem;
    bool has_stems = false;
    for (auto& segment :
         parse_segment_table(read_text_file(table, std::size_t{1} << 30), table.string())) {
      std::error_code ignored;
      const fs::path named = segment.media;
      fs::path file = named.is_absolute() ? named : base / named;
      if (!fs::exists(file, ignored) && fs::exists(table.parent_path() / named, ignored)) {
        file = table.parent_path() / named;
      }
      if (!fs::exists(file, ignored)) {
        if (!has_stems) {
          has_stems = true;
          for (const auto& each : recordings_below(base.empty() ? "." : base)) {
            by_stem.emplace(each.stem().string(), each);
          }
        }
        const auto found = by_stem.find(named.filename().string());
        if (found != by_stem.end()) file = found->second;
      }
      segment.media = file;
      rows_.push_back(std::move(segment));
    }
  }

  Transcript read_transcript(const fs::path& file) {
    Transcript transcript = load_transcript(file, {options_.tier});
    for (const auto& line : transcript.notes) note(fmt::format("{}: {}", file.string(), line));
    return transcript;
  }

  /// The cues of a recording; nothing without a transcript.
  std::optional<std::vector<Cue>> find_cues(const fs::path& recording) {
    if (given_) {
      auto cues = cues_of(*given_, recording);
      if (!cues.empty()) return cues;
      note(fmt::format("{}: --transcripts says nothing of it", recording.string()));
    }
    std::error_code ignored;
    const bool is_folder = fs::is_directory(options_.transcripts, ignored);
    fs::path file = find_transcript(recording, is_folder ? options_.transcripts : "");
    if (!file.empty() && is_table_of_segments(file)) file.clear();
    if (file.empty() && !options_.asr.empty()) {
      std::string line;
      file = services_.transcribe(recording, line);
      if (!line.empty()) note(line);
    }
    if (file.empty()) return std::nullopt;
    try {
      auto cues = cues_of(read_transcript(file), recording);
      if (!cues.empty()) return cues;
      note(fmt::format("{}: holds no utterance of {}", file.string(), recording.string()));
    } catch (const DataError& error) {
      note(error.what());
    }
    return std::nullopt;
  }

  /// An input table must not be used as the transcript of a recording with the same stem.
  [[nodiscard]] bool is_table_of_segments(const fs::path& file) const {
    std::error_code ignored;
    const auto is_same = [&](const std::string& other) {
      return !other.empty() && fs::equivalent(file, other, ignored);
    };
    return is_same(options_.table) ||
           std::any_of(options_.inputs.begin(), options_.inputs.end(), is_same);
  }

  /// A row of a table; without text it gets the text of the transcript within its time.
  void add_row(Segment segment) {
    if (segment.id.empty()) segment.id = segment.media.stem().string();
    if (segment.text.empty()) {
      if (const auto cues = find_cues(segment.media)) {
        for (const auto& cue : *cues) {
          const double middle = (cue.start_s + cue.end_s) / 2;
          const bool is_inside =
              !cue.has_times() || (middle >= segment.start_s && middle < segment.end_s);
          if (!is_inside) continue;
          segment.text += (segment.text.empty() ? "" : " ") + cue.text;
          if (segment.speaker.empty()) segment.speaker = cue.speaker;
        }
      }
    }
    list_.segments.push_back(std::move(segment));
  }

  void add_recording(const fs::path& recording) {
    const auto cues = find_cues(recording);
    if (!cues) {
      to_cut_.push_back(recording);
      return;
    }
    append(segments_of_cues(recording, *cues));
  }

  void append(std::vector<Segment> segments) {
    std::move(segments.begin(), segments.end(), std::back_inserter(list_.segments));
  }

  /// Divides recordings without transcript.
  void cut_the_rest() {
    std::vector<std::vector<std::pair<double, double>>> cuts(to_cut_.size());
    if (options_.cut != CutMode::kWhole && !to_cut_.empty()) {
      cuts = services_.cut(to_cut_, options_.cut);
    }
    for (std::size_t r = 0; r < to_cut_.size(); ++r) {
      append(segments_of_cuts(to_cut_[r], cuts[r]));
    }
  }

  /// Equal stems in different folders get the folder's name as prefix, then a number.
  void make_ids_unique() {
    std::map<std::string, int> uses;
    for (const auto& segment : list_.segments) ++uses[segment.id];
    std::set<std::string> taken;
    for (auto& segment : list_.segments) {
      if (uses[segment.id] > 1) {
        segment.id = segment.media.parent_path().filename().string() + "_" + segment.id;
      }
      std::string id = segment.id;
      for (int n = 2; !taken.insert(id).second; ++n) id = fmt::format("{}_{}", segment.id, n);
      segment.id = id;
    }
  }

  const SegmentOptions& options_;
  const SegmentServices& services_;
  SegmentList list_;
  std::optional<Transcript> given_;
  std::vector<fs::path> recordings_;
  std::vector<fs::path> to_cut_;
  std::vector<Segment> rows_;
};

}  // namespace

bool is_recording_name(const fs::path& file) {
  const std::string ending = lower_ending(file);
  return std::find(std::begin(kRecordingEndings), std::end(kRecordingEndings), ending) !=
         std::end(kRecordingEndings);
}

std::vector<Segment> segments_of_cues(const fs::path& recording, const std::vector<Cue>& cues) {
  const std::string stem = recording.stem().string();
  std::vector<Segment> segments(cues.size());
  for (std::size_t i = 0; i < cues.size(); ++i) {
    Segment& segment = segments[i];
    segment.media = recording;
    segment.id = cues.size() == 1 ? stem : fmt::format("{}_{:03}", stem, i + 1);
    if (cues.size() > 1) segment.dialogue = recording.string();
    segment.text = cues[i].text;
    segment.speaker = cues[i].speaker;
    if (!cues[i].has_times()) continue;
    segment.start_s = cues[i].start_s;
    segment.end_s = cues[i].end_s;
  }
  return segments;
}

std::vector<Segment> segments_of_cuts(const fs::path& recording,
                                      const std::vector<std::pair<double, double>>& cuts) {
  const std::string stem = recording.stem().string();
  Segment whole;
  whole.media = recording;
  whole.id = stem;
  if (cuts.empty()) return {whole};
  whole.dialogue = recording.string();
  std::vector<Segment> segments(cuts.size(), whole);
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    segments[i].id = fmt::format("{}_{:03}", stem, i + 1);
    segments[i].start_s = cuts[i].first;
    segments[i].end_s = cuts[i].second;
  }
  return segments;
}

SegmentList list_segments(const SegmentOptions& options, const SegmentServices& services) {
  return Planner(options, services).plan();
}

}  // namespace hardy
