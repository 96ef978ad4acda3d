// Decoding for the list of segments, and the user's speech recogniser.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hardy/extract.h"
#include "media/segment_list.h"

namespace hardy {

/// Splits a command at blanks; single and double quotes keep blanks. No shell is involved. Throws
/// ConfigError for an unclosed quote.
std::vector<std::string> split_command(const std::string& command);

/// Owns a temporary folder for the sound files and transcripts of a recogniser; removed at the end.
class SegmentPreparation {
 public:
  /// `asr`: the command with {wav} and {out}, or empty. Throws ConfigError when a placeholder is
  /// missing.
  SegmentPreparation(const std::string& asr, const ExtractOptions& options);

  SegmentPreparation(const SegmentPreparation&) = delete;
  SegmentPreparation& operator=(const SegmentPreparation&) = delete;
  ~SegmentPreparation();

  /// Valid as long as this object.
  [[nodiscard]] SegmentServices services();

 private:
  std::vector<std::vector<std::pair<double, double>>> cut(
      const std::vector<std::filesystem::path>& recordings, CutMode mode) const;
  std::filesystem::path transcribe(const std::filesystem::path& recording, std::string& note);

  std::vector<std::string> command_;
  const ExtractOptions& options_;
  std::filesystem::path folder_;
  int count_ = 0;
};

}  // namespace hardy
