// Everything a run can be told. Each field's meaning, default, range and effect is written once, in
// config.cc (`describe`): the TOML reader, --set, `hardy config` and docs/config.md all read it
// there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "hardy/method_settings.h"

namespace hardy {

/// Where the corpus comes from (include/hardy/load.h).
struct DataConfig {
  std::string path;             ///< folder; empty = the embedded demonstration corpus
  std::string format = "auto";  ///< auto | tree | plain | demo
  std::string labels;           ///< label pickle of a tree; empty = found beside the features
  std::string modalities;       ///< "acoustic=wav2vec-large-c-UTT,textual=..."; empty = all found
  std::string task = "auto";    ///< auto | class | regression | binary
};

/// How data is divided and which patterns are trained and reported.
struct ProtocolConfig {
  std::string method = "hardymer";  ///< a declared method's name
  std::string split = "auto";       ///< auto | official | group | kfold
  std::int64_t folds = 5;
  std::string validation = "auto";  ///< auto | official | group | dialogue
  double validation_share = 0.15;
  std::int64_t split_seed = 1;
  std::string tracks = "both";  ///< specialist | unified | both
  std::string conditions =
      "table";  ///< table (the proper patterns and the complete one) | all | list
  std::string selection = "loss";  ///< loss | wa | ua: what validation compares
};

/// Feature tuning, paper 3.3.1.
struct TuningConfig {
  std::int64_t epochs = 15;
  std::int64_t batch = 64;  ///< utterances
  double learning_rate = 3e-4;
  double weight_decay = 1e-5;
  std::int64_t patience = 3;
};

/// Shape of the encoders; the hardness module and the recogniser each have one.
struct EncoderConfig {
  std::int64_t hidden = 128;
  std::int64_t depth = 2;
  std::int64_t heads = 2;
  double dropout = 0.5;
  std::string norm = "none";       ///< none | layer
  std::string position = "none";   ///< none | relative
  std::string speaker = "none";    ///< none | relation
  std::string decoder = "linear";  ///< linear | two-layer
  std::int64_t decoder_width = 1024;
};

/// How a stage is optimised.
struct OptimiserConfig {
  std::int64_t batch = 4;  ///< dialogues
  double learning_rate = 3e-4;
  double weight_decay = 1e-5;
  std::string schedule = "constant";  ///< constant | cosine
  double clip = 0;                    ///< largest gradient norm; 0 = no clipping
};

/// The hardness module (paper 3.2) and the unified score (Eq. 10).
struct HardnessConfig {
  EncoderConfig encoder;
  OptimiserConfig optimiser;
  std::int64_t complete_epochs = 10;  ///< stage 1
  std::int64_t pattern_epochs = 15;   ///< stage 2
  std::int64_t patience = 5;          ///< 0 = no early stop
  double mi_weight = 0.001;
  double reconstruction_weight = 1.0;
  double alpha1 = 0.6;
  double alpha2 = 0.4;
  double beta = 4.0;
  std::string indirect_sign = "paper";  ///< paper (+1) | consistency (-1)
  std::string centre = "middle";        ///< paper (0) | middle ((alpha1 + alpha2) / 2)
  std::string components = "both";      ///< both | direct | indirect | none
};

/// Retrieval (paper 3.3.2) and curriculum (Eq. 18).
struct RetrievalConfig {
  std::int64_t k = 5;
  std::string database = "tuned";     ///< tuned | plain
  std::string metric = "auto";        ///< auto | l2 | cosine | "acoustic=l2,textual=cosine"
  std::string index = "exact";        ///< exact | lists
  std::string supports = "mix";       ///< mix | weights | slots | none
  double mix_rate = 1.0;              ///< how often an utterance with K supports is mixed
  double mix_share = 0.3;             ///< largest share of a support in a mixture
  std::string support_label = "own";  ///< own | query
};

/// The recogniser (paper 3.3.3).
struct RecogniserConfig {
  EncoderConfig encoder;
  OptimiserConfig optimiser;
  std::string input = "plain";        ///< plain | tuned
  std::int64_t complete_epochs = 20;  ///< stage 1
  std::int64_t pattern_epochs = 40;   ///< stage 2
  std::int64_t patience = 8;          ///< 0 = no early stop
  double reconstruction_weight = 1.0;
  std::string pattern_unit = "utterance";  ///< utterance | dialogue: what draws a pattern (unified)
};

/// Defects of the published code, to be measured and never to be reported as results: the
/// `published` protocol is all of them (src/config/defects.h, docs/audit.md). All off = `strict`.
struct PublishedConfig {
  bool h1_test_epoch = false;
  bool h1b_complete_epochs = false;
  bool h2_shared_tuning = false;
  bool h4_masked_target = false;
  bool h5b_batch_scaling = false;
  bool h7_first_modality = false;
  bool h9_dropped_attention = false;
  bool h10_swapped_hardness = false;
  bool h12_kept_gradients = false;
  bool h14_swapped_mask = false;
  bool h16_filled_supports = false;
};

/// What is repeated and kept. Nothing here changes a single number of a fit.
struct RunConfig {
  std::vector<std::int64_t> seeds = {1};
  std::int64_t jobs = 0;       ///< parallel workers; 0 = one per core
  std::string device = "cpu";  ///< cpu | cuda
  std::string models = "all";  ///< all | unified | none: which trained models are kept
};

struct Config {
  std::string preset = "default";  ///< default | published | quick: where the other fields started
  DataConfig data;
  ProtocolConfig protocol;
  TuningConfig tuning;
  HardnessConfig hardness;
  RetrievalConfig retrieval;
  RecogniserConfig recogniser;
  PublishedConfig published;
  MethodSections methods;  ///< a section for every other method that has settings
  RunConfig run;
};

/// Meaning of one field, for help texts and documentation.
struct FieldInfo {
  std::string key;            ///< "hardness.alpha1"
  std::string type;           ///< "integer" | "number" | "text" | "boolean" | "integers"
  std::string default_value;  ///< as TOML, under the default preset
  std::string range;          ///< "0..1" or "auto | l2 | cosine"
  std::string meaning;
  std::string effect;
};

/// Every field, in the order of the TOML file.
std::vector<FieldInfo> config_fields();

/// A preset's config. Throws ConfigError naming the known presets.
Config make_preset(const std::string& name);

/// Reads TOML text over `base` (a top-level `preset = "..."` replaces the base by that preset).
/// Throws ConfigError with file, line and column; unknown keys get the nearest known one.
Config parse_config(const std::string& toml_text, const std::string& file_name, const Config& base);
Config load_config(const std::filesystem::path& file, const Config& base);

/// Sets one field from the command line: "hardness.alpha1=0.5". Throws ConfigError.
void set_config_field(Config& config, const std::string& assignment);

/// Range checks of single fields and of their combinations. Throws ConfigError.
void validate_config(const Config& config);

/// The config as TOML, fields in a fixed order: equal configs give equal text. Sections that
/// `protocol.method` does not read are left out, because they change nothing.
std::string config_toml(const Config& config);

/// The same fields as key and TOML value.
std::vector<std::pair<std::string, std::string>> config_values(const Config& config);

/// The TOML of some sections only ("hardness", "recogniser.encoder"): the part of a cache key that
/// says on which settings a stage depends.
std::string config_section_toml(const Config& config, const std::vector<std::string>& sections);

}  // namespace hardy
