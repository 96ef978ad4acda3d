// Extracted utterances -> a corpus in the plain form, with extract.json beside it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "hardy/extract.h"

namespace hardy {

/// Everything that is known of an extraction: versions, settings, makers, per modality how many
/// utterances have it and the reasons of the others, per utterance its place, hash, durations, face
/// rate and reasons.
nlohmann::ordered_json extraction_json(const std::vector<ExtractedSegment>& extracted,
                                       const ExtractOptions& options,
                                       const std::vector<std::string>& notes);

/// Writes utterances.csv, NAME.npy of each wanted modality, corpus.toml and extract.json into
/// `folder`, which appears whole or not at all; an earlier extraction there is replaced, anything
/// else is refused. Utterances without any modality stand in extract.json alone. A modality that no
/// utterance has gets no array. Throws DataError when no utterance has any modality, ConfigError,
/// IoError.
void write_extraction(const std::vector<ExtractedSegment>& extracted, const ExtractOptions& options,
                      const std::vector<std::string>& notes, const std::filesystem::path& folder);

}  // namespace hardy
