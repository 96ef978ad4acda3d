// Names that the forms of other programs can hold.
#pragma once

#include <string>

#include "hardy/corpus.h"

namespace hardy {

/// Whether a name can be that of a file which readers do not skip.
bool is_written_file_name(const std::string& name);

/// Whether MMSA's ids can be the corpus's own: DIALOGUE$_$NUMBER in the order of the dialogue, or
/// the dialogue's id where it has one utterance.
bool has_mmsa_ids(const Corpus& corpus);

/// The key of a modality in MMSA's dicts: "audio" for "acoustic"; empty when its name means
/// something else there.
std::string mmsa_key(const std::string& modality);

/// Whether the classes are those that the tree numbers, in that order.
bool has_tree_classes(const Corpus& corpus);

/// Whether dialogues, speakers and groups are called as IEMOCAP's.
bool has_tree_speakers(const Corpus& corpus);

}  // namespace hardy
