// Input of `hardy predict` and `hardy explain`: a corpus folder, .npy files, JSON lines.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hardy/recogniser.h"
#include "inference/request.h"

namespace hardy {

/// A dialogue to predict.
struct SourceDialogue {
  std::string id;                ///< empty = utterances without dialogue
  std::vector<std::string> ids;  ///< ids of its utterances
  DialogueInput input;
};

/// Input options, as typed.
struct SourceOptions {
  std::string path;                   ///< folder or .jsonl file; "-" or empty = standard input
  std::vector<std::string> features;  ///< MODALITY=FILE.npy
  bool is_one_dialogue = false;       ///< rows of the .npy files are the turns of one dialogue
  std::string labels;                 ///< label pickle of a tree
  std::string reduce = "mean";        ///< mean | mean-std: reduction of sequences
};

/// Reads the source dialogue by dialogue and passes each one on. Throws DataError naming file, line
/// or utterance, and the remedy.
void read_dialogues(const SourceOptions& options, const BundleInfo& info,
                    const std::function<void(const SourceDialogue&)>& consume);

/// Recordings take the place of every other input. Throws ConfigError when one is given as well.
void require_no_source(const SourceOptions& options);

/// One JSON line: an utterance, or the end of a dialogue. Throws RequestError.
UtteranceRequest read_line(const std::string& line, const BundleInfo& info);

/// Calls `consume` for every non-empty line of a file or standard input, with its name for messages
/// ("standard input, line 7").
void read_lines(
    const std::string& path,
    const std::function<void(const std::string& line, const std::string& place)>& consume);

}  // namespace hardy
