// SubRip and WebVTT: blocks of lines around "start --> end".
#include <fmt/format.h>

#include "formats/text.h"
#include "hardy/errors.h"
#include "media/transcript_forms.h"

namespace hardy {
namespace {

struct Times {
  double start_s = 0;
  double end_s = 0;
};

std::optional<Times> parse_times(std::string_view line) {
  const auto arrow = line.find("-->");
  if (arrow == std::string_view::npos) return std::nullopt;
  auto end = trim(line.substr(arrow + 3));
  end = end.substr(0, end.find_first_of(" \t"));  // settings or positions follow
  const auto from = parse_time(line.substr(0, arrow));
  const auto to = parse_time(end);
  if (!from || !to) return std::nullopt;
  return Times{*from, *to};
}

/// Voice tags name the speaker: "<v Mary>", "<v.loud Mary>".
std::string voice_of(std::string_view text) {
  const auto tag = text.find("<v");
  if (tag == std::string_view::npos) return {};
  const auto close = text.find('>', tag);
  const auto blank = text.find_first_of(" \t", tag);
  if (close == std::string_view::npos || blank == std::string_view::npos || blank > close) {
    return {};
  }
  if (text[tag + 2] != ' ' && text[tag + 2] != '\t' && text[tag + 2] != '.') return {};
  return std::string(trim(text.substr(blank, close - blank)));
}

/// Calls `consume` with the lines of each block between empty lines.
template <typename Consume>
void each_block(std::string_view text, const Consume& consume) {
  std::vector<std::string_view> block;
  std::size_t number = 0;
  std::size_t first = 1;
  const auto flush = [&] {
    if (!block.empty()) consume(block, first);
    block.clear();
  };
  for (const auto line : lines_of(text)) {
    ++number;
    if (trim(line).empty()) {
      flush();
      continue;
    }
    if (block.empty()) first = number;
    block.push_back(line);
  }
  flush();
}

/// A cue from the lines at `at`, which has the times, to the end of the block.
Cue cue_of(const std::vector<std::string_view>& block, std::size_t at, const Times& times) {
  Cue cue;
  cue.start_s = times.start_s;
  cue.end_s = times.end_s;
  for (std::size_t i = at + 1; i < block.size(); ++i) {
    if (!cue.text.empty()) cue.text += '\n';
    cue.text += block[i];
  }
  return cue;
}

std::size_t line_with_times(const std::vector<std::string_view>& block) {
  std::size_t at = 0;
  while (at < block.size() && block[at].find("-->") == std::string_view::npos) ++at;
  return at;
}

}  // namespace

std::vector<Cue> parse_subrip(std::string_view text, std::string_view name) {
  std::vector<Cue> cues;
  each_block(text, [&](const std::vector<std::string_view>& block, std::size_t line) {
    const auto at = line_with_times(block);
    if (at == block.size()) {
      // An empty line inside a cue splits it.
      if (cues.empty()) {
        throw DataError(
            fmt::format("{}, line {}: no times (00:00:01,000 --> 00:00:02,000)", name, line));
      }
      for (const auto more : block) cues.back().text.append("\n").append(more);
      return;
    }
    const auto times = parse_times(block[at]);
    if (!times) {
      throw DataError(fmt::format("{}, line {}: '{}' are no times", name, line + at, block[at]));
    }
    cues.push_back(cue_of(block, at, *times));
  });
  return cues;
}

std::vector<Cue> parse_webvtt(std::string_view text, std::string_view name) {
  std::vector<Cue> cues;
  each_block(text, [&](const std::vector<std::string_view>& block, std::size_t line) {
    const auto at = line_with_times(block);
    if (at == block.size()) return;  // the header, NOTE, STYLE, REGION
    const auto times = parse_times(block[at]);
    if (!times) {
      throw DataError(fmt::format("{}, line {}: '{}' are no times", name, line + at, block[at]));
    }
    Cue cue = cue_of(block, at, *times);
    cue.speaker = voice_of(cue.text);
    if (at > 0 && !block[at - 1].starts_with("WEBVTT")) cue.id = trim(block[at - 1]);
    cues.push_back(std::move(cue));
  });
  return cues;
}

}  // namespace hardy
