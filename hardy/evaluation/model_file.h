// A trained recogniser on disk: weights, scaling and everything needed to use it, in one tensor
// file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hardy/config/config.h"
#include "hardy/core/modality.h"
#include "hardy/core/tensor_file.h"
#include "hardy/data/corpus.h"
#include "hardy/training/fold_data.h"

namespace hardy {

/// A model file read back. Arrays: "model.<parameter>", "scaling.<modality>.mean" and ".deviation".
/// Recognisers of tuned features are not stored: they would need the tuning nets too.
struct StoredModel {
  TensorFile file;
  Config config;
  std::string track;
  Pattern trained;
  int fold = 0;
  std::int64_t seed = 0;
  std::vector<std::string> modality_names;
  std::vector<std::string> class_names;
  std::string data_checksum;
  std::vector<std::int64_t> test_dialogues;  ///< of the run's own corpus
};

/// Version of the metadata; a newer one is refused.
inline constexpr int kModelFormat = 1;

/// Adds scaling and metadata to a fit's arrays and writes the file.
struct ModelDescription {
  std::string track;
  Pattern trained;
  std::int64_t seed = 0;
};

void save_model(const std::filesystem::path& file, const TensorFile& fit, const FoldData& data,
                const Config& config, const ModelDescription& description);

/// Throws ArtifactError when the file is no model, damaged or newer than this program.
StoredModel load_model(const std::filesystem::path& file);

}  // namespace hardy
