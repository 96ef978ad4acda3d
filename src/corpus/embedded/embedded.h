// Embedded corpora, found by name unless a folder of that name exists.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hardy/corpus.h"

namespace hardy {

/// Names of the embedded corpora: "crema-d" (real) and "demo" (synthetic).
inline constexpr const char* kCremaName = "crema-d";
inline constexpr const char* kDemoName = "demo";

/// The embedded corpus of a data path; "" for other paths, or if such a folder exists.
std::string embedded_name(const std::string& path);

/// CREMA-D's ratings: modalities "voice" and "face" of width 12: shares of the votes of raters with
/// only the voice or only the face for anger, disgust, fear, happy, neutral, sad, then each share
/// times the mean rated intensity (0 to 1). Every clip is a dialogue of its own; the label is the
/// emotion that the actor was told to show; groups are five folds of different actors. Not
/// validated, without a checksum.
Corpus make_crema_d();

/// The same from a table (src/corpus/embedded/crema_d/README.md). Throws DataError naming the line.
Corpus parse_crema_d(std::string_view table);

}  // namespace hardy
