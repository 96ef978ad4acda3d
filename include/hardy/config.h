// Run settings. Meaning, default, range and effect of each are written once, in src/config and in
// the methods' settings.cc: the TOML reader, --set, `hardy config` and docs/config.md read them
// there.
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

/// The words of a setting's enum in TOML files, models and results, in the order of its values:
/// specialised beside each enum as a std::array of std::string_view.
template <typename Enum>
inline constexpr int kWords = 0;

template <typename Enum>
constexpr std::string_view word_of(Enum value) {
  return kWords<Enum>[static_cast<std::size_t>(value)];
}

/// Nothing when no value has the word.
template <typename Enum>
constexpr std::optional<Enum> value_of_word(std::string_view word) {
  for (std::size_t i = 0; i < kWords<Enum>.size(); ++i) {
    if (kWords<Enum>[i] == word) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

/// Where the corpus comes from (include/hardy/corpus.h).
struct DataConfig {
  std::string path;             ///< folder or file; empty = the embedded demonstration corpus
  std::string format = "auto";  ///< auto | one of corpus_formats()
  std::string labels;  ///< label file of a tree or table; empty = found beside the features
  std::string label;   ///< which of several labels; empty = the layout's own choice
  std::string reduce = "mean";  ///< mean | mean-std: what becomes of sequences of frames
  std::string modalities;       ///< "acoustic=wav2vec-large-c-UTT,textual=..."; empty = all found
  std::string task = "auto";    ///< auto | class | regression | binary | labels | values | shares
  std::string unlabelled;       ///< label texts that mean "not labelled": "empty,-1"
  std::string not_finite =
      "refuse";                  ///< refuse | skip-frames | missing: NaN, infinity, huge values
  std::string ids = "as-given";  ///< as-given | by-part: ids start again in each part
};

/// Which models are trained: one per condition, one for all, or both.
enum class Tracks { kSpecialist, kUnified, kBoth };
template <>
inline constexpr std::array<std::string_view, 3> kWords<Tracks> = {"specialist", "unified", "both"};

/// What validation compares between epochs: loss, weighted or unweighted accuracy.
enum class Selection { kLoss, kWa, kUa };
template <>
inline constexpr std::array<std::string_view, 3> kWords<Selection> = {"loss", "wa", "ua"};

/// How data is divided and which patterns are trained and reported.
struct ProtocolConfig {
  std::string method = "hardymer";  ///< a declared method's name
  std::string split = "auto";       ///< auto | official | group | kfold
  std::int64_t folds = 5;
  std::string validation = "auto";  ///< auto | official | group | dialogue
  double validation_share = 0.15;
  std::int64_t split_seed = 1;
  Tracks tracks = Tracks::kBoth;
  std::string conditions =
      "table";  ///< table (the proper patterns and the complete one) | all | list
  Selection selection = Selection::kLoss;
};

enum class Norm { kNone, kLayer };
template <>
inline constexpr std::array<std::string_view, 2> kWords<Norm> = {"none", "layer"};

enum class Position { kNone, kRelative };
template <>
inline constexpr std::array<std::string_view, 2> kWords<Position> = {"none", "relative"};

enum class SpeakerBias { kNone, kRelation };
template <>
inline constexpr std::array<std::string_view, 2> kWords<SpeakerBias> = {"none", "relation"};

enum class Decoder { kLinear, kTwoLayer };
template <>
inline constexpr std::array<std::string_view, 2> kWords<Decoder> = {"linear", "two-layer"};

/// Shape of attention encoders and of the decoder behind them.
struct EncoderConfig {
  std::int64_t hidden = 128;
  std::int64_t depth = 2;
  std::int64_t heads = 2;
  double dropout = 0.5;
  Norm norm = Norm::kNone;
  Position position = Position::kNone;
  SpeakerBias speaker = SpeakerBias::kNone;
  Decoder decoder = Decoder::kLinear;
  std::int64_t decoder_width = 1024;
};

enum class Schedule { kConstant, kCosine };
template <>
inline constexpr std::array<std::string_view, 2> kWords<Schedule> = {"constant", "cosine"};

/// How a stage is optimised.
struct OptimiserConfig {
  std::int64_t batch = 4;  ///< dialogues
  double learning_rate = 3e-4;
  double weight_decay = 1e-5;
  Schedule schedule = Schedule::kConstant;
  double clip = 0;  ///< largest gradient norm; 0 = no clipping
};

/// Which trained models a run folder keeps.
enum class KeptModels { kAll, kUnified, kNone };
template <>
inline constexpr std::array<std::string_view, 3> kWords<KeptModels> = {"all", "unified", "none"};

/// What is repeated and kept. Nothing here changes a single number of a fit.
struct RunConfig {
  std::vector<std::int64_t> seeds = {1};
  std::int64_t jobs = 0;       ///< parallel workers; 0 = one per core
  std::string device = "cpu";  ///< cpu | cuda
  KeptModels models = KeptModels::kAll;
};

struct Config {
  std::string preset = "default";  ///< default | published | quick: where the other fields started
  DataConfig data;
  ProtocolConfig protocol;
  MethodSections methods;  ///< a section for every method that has settings
  RunConfig run;
};

/// Meaning of one field, for help texts and documentation.
struct FieldInfo {
  std::string key;            ///< "run.seeds"
  std::string type;           ///< "integer" | "number" | "text" | "boolean" | "integers"
  std::string default_value;  ///< as TOML, under the default preset
  std::string range;          ///< "0..1" or "auto | l2 | cosine"
  std::string meaning;
  std::string effect;
  bool is_advanced = true;  ///< not among the few to know first
};

/// What DataConfig::format may be beside "auto": the layouts that are read (docs/formats.md).
const std::vector<std::string>& corpus_formats();

/// Every field, in the order of the TOML file.
std::vector<FieldInfo> config_fields();

/// A preset's config. Throws ConfigError naming the known presets.
Config make_preset(const std::string& name);

/// Reads TOML text over `base` (a top-level `preset = "..."` replaces the base by that preset).
/// Tables by their names before 0.2.0 mean what they meant. Throws ConfigError with file, line and
/// column; unknown keys get the nearest known one.
Config parse_config(const std::string& toml_text, const std::string& file_name, const Config& base);
Config load_config(const std::filesystem::path& file, const Config& base);

/// Sets one field from the command line: "run.jobs=2". Throws ConfigError.
void set_config_field(Config& config, const std::string& assignment);

/// Range checks of single fields and of their combinations. Throws ConfigError.
void validate_config(const Config& config);

/// The config as TOML, fields in a fixed order: equal configs give equal text. Sections that
/// `protocol.method` does not read are left out, because they change nothing.
std::string config_toml(const Config& config);

/// The same fields as key and TOML value.
std::vector<std::pair<std::string, std::string>> config_values(const Config& config);

/// The TOML of some sections only ("momke", "hardymer.recogniser.encoder"): the part of a cache key
/// that says on which settings a stage depends.
std::string config_section_toml(const Config& config, const std::vector<std::string>& sections);

}  // namespace hardy
