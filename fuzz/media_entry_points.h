// Entry points of the fuzzers of transcripts and segment tables, shared with
// tests/media/fuzz_regression_test.cc.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "hardy/errors.h"
#include "media/segment_list.h"
#include "media/transcript.h"

namespace hardy::fuzz {

/// The first byte selects the ending of the name, by which some forms are recognised.
inline void run_transcript(std::span<const std::byte> bytes) {
  constexpr const char* kNames[] = {"a.srt", "a.vtt", "a.TextGrid", "a.eaf", "a.json",
                                    "a.ctm", "a.tsv", "a.csv",      "a.txt", "a"};
  if (bytes.empty()) return;
  const auto choice = std::to_integer<std::size_t>(bytes[0]) % std::size(kNames);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 1, bytes.size() - 1);
  try {
    const Transcript read = parse_transcript(text, kNames[choice]);
    for (const auto& cue : read.cues) {
      check(!cue.text.empty(), "a cue without text");
      check(std::isnan(cue.start_s) == std::isnan(cue.end_s), "a cue with one time");
      check(std::isnan(cue.start_s) || cue.start_s < cue.end_s, "a cue that ends before it starts");
    }
    static_cast<void>(cues_of(read, "folder/a.mp4"));
  } catch (const DataError&) {
  }
}

inline void run_segment_table(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  try {
    for (const auto& segment : parse_segment_table(text, "a.csv")) {
      check(segment.start_s >= 0 && segment.start_s < segment.end_s, "times of a segment");
    }
  } catch (const DataError&) {
  }
}

}  // namespace hardy::fuzz
