// Matches a corpus to a stored model: modalities and classes by name.
#pragma once

#include <string>
#include <vector>

#include "corpus/class_map.h"
#include "hardy/bundle.h"
#include "hardy/corpus.h"

namespace hardy {

/// Gives the corpus the model's modalities in the model's order. Modalities that the corpus lacks
/// are absent in every utterance; modalities unknown to the model are dropped, with a note. Throws
/// DataError when a width or the maker differs, when no modality is known, and when an unknown name
/// probably means an absent one ("Acoustic", "audio").
void match_modalities(Corpus& corpus, const BundleInfo& info, std::vector<std::string>& notes);

/// Gives the labels the model's classes (or several labels) in the model's order. Throws DataError
/// when the corpus has values and the model classes or vice versa, when one has class names and the
/// other numbers, and when labels are not among the model's classes, naming all of them. A declared
/// class without labels is ignored.
void match_labels(Corpus& corpus, const BundleInfo& info);

/// The same with a map of classes: utterances of a class that it leaves out lose their label, so
/// that they are context only. The corpus gets the scored classes; the model's outputs become those
/// by MatchedClasses::merge. `notes` receive what was counted as what and what was left out, with
/// numbers of utterances. Throws ConfigError too, when the map names a class that the corpus or the
/// model does not have, or the labels are no classes.
MatchedClasses match_labels(Corpus& corpus, const BundleInfo& info, const ClassMap& map,
                            std::vector<std::string>& notes);

}  // namespace hardy
