// A corpus in the terms of a stored model: modalities and classes are matched by their names.
#pragma once

#include <string>
#include <vector>

#include "hardy/bundle.h"
#include "hardy/corpus.h"

namespace hardy {

/// Gives the corpus the model's modalities in the model's order. Of those that the corpus lacks
/// every utterance lacks the feature; those that the model does not know are dropped, which `notes`
/// says. Throws DataError when a width or the maker differs, when no modality is known, and when an
/// unknown name is likely meant for one that is absent ("Acoustic", "audio"): the message names it.
void match_modalities(Corpus& corpus, const BundleInfo& info, std::vector<std::string>& notes);

/// Gives the labels the model's classes (or several labels) in the model's order. Throws DataError
/// when the corpus has values and the model classes or the other way round, when one names classes
/// and the other numbers them, and when a label is none of the model's classes: the message names
/// all such classes. A declared class that no label names does not matter.
void match_labels(Corpus& corpus, const BundleInfo& info);

}  // namespace hardy
