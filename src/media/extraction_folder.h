// Extracted utterances -> a corpus in the plain form, with extract.json beside it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "hardy/extract.h"

namespace hardy {

/// Description of an extraction: versions, settings, makers, per modality the number of utterances
/// and the reasons of absences, per utterance its position, hash, durations, face rate and reasons.
nlohmann::ordered_json extraction_json(const std::vector<ExtractedSegment>& extracted,
                                       const ExtractOptions& options,
                                       const std::vector<std::string>& notes);

/// Writes utterances.csv, NAME.npy of each wanted modality, corpus.toml and extract.json into
/// `folder`, which appears whole or not at all; an earlier extraction there is replaced, any other
/// contents are refused. Utterances without any modality are in extract.json only. A modality
/// without utterances gets no array. Throws DataError when no utterance has any modality,
/// ConfigError, IoError.
void write_extraction(const std::vector<ExtractedSegment>& extracted, const ExtractOptions& options,
                      const std::vector<std::string>& notes, const std::filesystem::path& folder);

}  // namespace hardy
