/// @file
/// Run settings. Meaning, range and effect of each are declared once, in src/config and in the
/// methods' settings.cc, from which the TOML reader, --set, `hardy config` and docs/config.md take
/// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardy/method_settings.h"

namespace hardy {

/// The words of an enum in TOML files, models and results, in the order of its values: specialised
/// beside each enum as a std::array of std::string_view.
template <typename Enum>
inline constexpr int kWords = 0;

/// The word of a value, e.g. "unified". Requires: `value` is an enumerator.
template <typename Enum>
constexpr std::string_view word_of(Enum value) {
  return kWords<Enum>[static_cast<std::size_t>(value)];
}

/// The value of a word; std::nullopt for an unknown word.
template <typename Enum>
constexpr std::optional<Enum> value_of_word(std::string_view word) {
  for (std::size_t i = 0; i < kWords<Enum>.size(); ++i) {
    if (kWords<Enum>[i] == word) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

/// Source and reading of the corpus (hardy/corpus.h).
struct DataConfig {
  std::string path;             ///< folder or file; empty = the embedded demonstration corpus
  std::string format = "auto";  ///< auto | one of corpus_formats()
  std::string labels;  ///< label file of a tree or table; empty = found beside the features
  std::string label;   ///< which of several labels; empty = the layout's own choice
  std::string reduce = "mean";  ///< mean | mean-std: reduction of sequences of frames
  std::string modalities;       ///< "acoustic=wav2vec-large-c-UTT,textual=..."; empty = all found
  std::string task = "auto";    ///< auto | class | regression | binary | labels | values | shares
  std::string unlabelled;       ///< label texts that mean "not labelled": "empty,-1"
  std::string not_finite =
      "refuse";                  ///< refuse | skip-frames | missing: NaN, infinity, huge values
  std::string ids = "as-given";  ///< as-given | by-part: ids start again in each part
};

/// Trained models: one per condition (specialist), one for all conditions (unified), or both.
enum class Tracks { kSpecialist, kUnified, kBoth };
template <>
inline constexpr std::array<std::string_view, 3> kWords<Tracks> = {"specialist", "unified", "both"};

/// Validation criterion between epochs: loss, weighted or unweighted accuracy.
enum class Selection { kLoss, kWa, kUa };
template <>
inline constexpr std::array<std::string_view, 3> kWords<Selection> = {"loss", "wa", "ua"};

/// Split of the data, patterns to train and to report.
struct ProtocolConfig {
  std::string method = "hardymer";  ///< a declared method's name
  std::string split = "auto";       ///< auto | official | group | kfold
  std::int64_t folds = 5;           ///< folds of the kfold split, 2..1000
  std::string validation = "auto";  ///< auto | official | group | dialogue
  double validation_share = 0.15;   ///< of training utterances, for "dialogue"; in (0, 0.9]
  std::int64_t split_seed = 1;      ///< seed of the split, >= 0; independent of training seeds
  Tracks tracks = Tracks::kBoth;    ///< models to train
  std::string conditions =
      "table";  ///< table (the proper patterns and the complete one) | all | list
  Selection selection = Selection::kLoss;  ///< criterion of the best epoch
};

/// Normalisation before each attention unit; the published code has none.
enum class Norm { kNone, kLayer };
template <>
inline constexpr std::array<std::string_view, 2> kWords<Norm> = {"none", "layer"};

/// Whether attention knows the distance between two utterances.
enum class Position { kNone, kRelative };
template <>
inline constexpr std::array<std::string_view, 2> kWords<Position> = {"none", "relative"};

/// Whether attention knows that two utterances have the same speaker.
enum class SpeakerBias { kNone, kRelation };
template <>
inline constexpr std::array<std::string_view, 2> kWords<SpeakerBias> = {"none", "relation"};

/// Reconstruction of features: one linear map (paper Eq. 1) or the published code's two layers.
enum class Decoder { kLinear, kTwoLayer };
template <>
inline constexpr std::array<std::string_view, 2> kWords<Decoder> = {"linear", "two-layer"};

/// Shape of attention encoders and of the decoder behind them.
struct EncoderConfig {
  std::int64_t hidden = 128;                 ///< width D, 2..16384; a multiple of `heads`
  std::int64_t depth = 2;                    ///< attention units per modality, 1..64
  std::int64_t heads = 2;                    ///< attention heads per unit, 1..256
  double dropout = 0.5;                      ///< share of activations dropped, in [0, 1)
  Norm norm = Norm::kNone;                   ///< normalisation of each unit's input
  Position position = Position::kNone;       ///< bias by distance
  SpeakerBias speaker = SpeakerBias::kNone;  ///< bias by equal speakers
  Decoder decoder = Decoder::kLinear;        ///< form of the reconstruction
  std::int64_t decoder_width = 1024;         ///< 1..16384; read by Decoder::kTwoLayer only
};

/// Learning rate over a stage's epochs: constant, or falling to 0 along a half cosine.
enum class Schedule { kConstant, kCosine };
template <>
inline constexpr std::array<std::string_view, 2> kWords<Schedule> = {"constant", "cosine"};

/// Settings of the optimiser (Adam) of a stage.
struct OptimiserConfig {
  std::int64_t batch = 4;                   ///< dialogues per step, 1..65536
  double learning_rate = 3e-4;              ///< in (0, 1]
  double weight_decay = 1e-5;               ///< L2 penalty added to the gradient, in [0, 1]
  Schedule schedule = Schedule::kConstant;  ///< of the learning rate
  double clip = 0;                          ///< largest gradient norm; 0 = no clipping
};

/// Trained models that a run folder keeps.
enum class KeptModels { kAll, kUnified, kNone };
template <>
inline constexpr std::array<std::string_view, 3> kWords<KeptModels> = {"all", "unified", "none"};

/// Repetition, resources and kept models. None of these settings changes a number of a fit.
struct RunConfig {
  std::vector<std::int64_t> seeds = {1};  ///< training seeds; everything is repeated for each
  std::int64_t jobs = 0;                  ///< parallel workers; 0 = one per core
  std::string device = "cpu";             ///< cpu | cuda
  KeptModels models = KeptModels::kAll;   ///< models written to the run folder
};

/// All settings of a run.
struct Config {
  std::string preset = "default";  ///< default | published | quick: origin of the other fields
  DataConfig data;                 ///< section `data`
  ProtocolConfig protocol;         ///< section `protocol`
  MethodSections methods;          ///< a section for every method that has settings
  RunConfig run;                   ///< section `run`
};

/// Meaning of one field, for help texts and documentation.
struct FieldInfo {
  std::string key;            ///< "run.seeds"
  std::string type;           ///< "integer" | "number" | "text" | "boolean" | "integers"
  std::string default_value;  ///< as TOML, under the default preset
  std::string range;          ///< "0..1" or "auto | l2 | cosine"
  std::string meaning;        ///< one sentence
  std::string effect;         ///< consequence of changing it; may be empty
  bool is_advanced = true;    ///< false = among the twenty settings to know first
};

/// Values of DataConfig::format beside "auto": the layouts that hardy reads (docs/formats.md).
const std::vector<std::string>& corpus_formats();

/// Every field, in the order of the TOML file.
std::vector<FieldInfo> config_fields();

/// The settings of a preset: "default", "published", "quick". Throws ConfigError naming the known
/// presets.
Config make_preset(const std::string& name);

/// Reads TOML text over `base` (a top-level `preset = "..."` replaces the base by that preset).
/// Table names from before 0.2.0 keep their meaning. Throws ConfigError with file, line and column;
/// for an unknown key it suggests the nearest known one.
Config parse_config(const std::string& toml_text, const std::string& file_name, const Config& base);

/// The same for a file. Throws ConfigError also when it is missing, IoError when it is unreadable.
Config load_config(const std::filesystem::path& file, const Config& base);

/// Sets one field by "key=value", e.g. "run.jobs=2". Throws ConfigError for an unknown key or a
/// value of another type.
void set_config_field(Config& config, const std::string& assignment);

/// Checks the range of every field and their combinations. Throws ConfigError.
void validate_config(const Config& config);

/// The settings as TOML, fields in a fixed order: equal settings give equal text. Sections that
/// `protocol.method` does not read are left out, because they have no effect.
std::string config_toml(const Config& config);

/// The same fields as key and TOML value.
std::vector<std::pair<std::string, std::string>> config_values(const Config& config);

/// The TOML of some sections only ("momke", "hardymer.recogniser.encoder"): the settings part of a
/// stage's cache key.
std::string config_section_toml(const Config& config, const std::vector<std::string>& sections);

}  // namespace hardy
