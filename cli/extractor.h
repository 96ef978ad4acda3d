// Parts of hardy-extractor.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "cli/media_commands.h"
#include "hardy/extract.h"
#include "hardy/recogniser.h"
#include "media/segment_list.h"

namespace hardy {

/// Result of extracting a command's recordings.
struct Extracted {
  SegmentList list;
  ExtractOptions options;
  std::vector<ExtractedSegment> results;  ///< in list order; empty for a dry run
};

/// Reads "audio,text" (also acoustic, textual, visual); empty = all. Throws ConfigError. Shapes:
/// index as in kMediaModalities.
std::array<bool, 3> wanted_modalities(const std::string& only);

/// The options as typed; opens the frozen networks that they name. Throws ConfigError,
/// ArtifactError.
ExtractOptions extract_options(const MediaOptions& media);

/// Plans and extracts, with progress on standard error.
Extracted extract_media(const MediaCommand& command);

/// The same with options that were made from the command before: networks are opened once.
Extracted extract_media(const MediaCommand& command, const ExtractOptions& options);

/// Recordings extracted for a model.
struct ExtractedForModel {
  Extracted extracted;
  PredictOptions options;  ///< the modalities of --available
};

/// Extracts what a model reads, after checking that its makers are the extractors. Throws as
/// check_media_makers and extract_media.
ExtractedForModel extract_for_model(const MediaCommand& command, const BundleInfo& info);

/// `hardy predict MODEL --media`: extracts and predicts, utterance by utterance.
void predict_media(const MediaCommand& command);

/// `hardy explain MODEL --media`: extracts and explains one utterance.
void explain_media(const MediaCommand& command);

/// Answers a service's questions until it closes its socket, each in a process of its own.
void answer_recordings(const MediaCommand& command);

}  // namespace hardy
