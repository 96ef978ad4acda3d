#include "methods/hardymer/settings.h"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "config/fields.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

std::optional<std::string> metric_problem(std::string_view text) {
  if (text == "auto" || text == "l2" || text == "cosine") return std::nullopt;
  if (text.empty()) return "is empty";
  if (auto problem = assignments_problem(text)) return problem;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto item = text.substr(0, comma);
    const auto metric = item.substr(item.find('=') + 1);
    if (metric != "l2" && metric != "cosine") {
      return fmt::format("asks for the metric '{}', which is neither l2 nor cosine", metric);
    }
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return std::nullopt;
}

void describe_tuning(FieldTable table, TuningConfig& tuning) {
  table.add("epochs", &tuning.epochs, IntegerRange{0, kMaxEpochs},
            {"Most epochs of feature tuning (paper 3.3.1).",
             "0 leaves the adapter untrained; use `retrieval.database = \"plain\"` instead."});
  table.add("batch", &tuning.batch, IntegerRange{1, 65'536},
            {"Utterances per step.", "Larger: faster epochs, fewer steps."});
  table.add("learning_rate", &tuning.learning_rate, NumberRange{0, 1, true, false},
            {"Step size of Adam.", "Larger: faster but less steady learning."});
  table.add("weight_decay", &tuning.weight_decay, NumberRange{0, 1},
            {"L2 penalty, added to the gradient (coupled).", "Larger: smaller weights."});
  table.add("patience", &tuning.patience, IntegerRange{0, kMaxEpochs},
            {"Epochs without a better validation value before tuning stops; 0 = never.",
             "Small: a short tuning with less overfitting."});
}

void describe_hardness(FieldTable table, HardnessConfig& hardness) {
  table.add("complete_epochs", &hardness.complete_epochs, IntegerRange{0, kMaxEpochs},
            {"Epochs of stage 1: complete data, one head per modality (paper 3.2.3).",
             "More: better single encoders, a longer run."});
  table.add("pattern_epochs", &hardness.pattern_epochs, IntegerRange{0, kMaxEpochs},
            {"Epochs of stage 2: patterns, joint head and reconstruction.",
             "More: sharper reconstruction errors, a longer run."});
  table.add("patience", &hardness.patience, IntegerRange{0, kMaxEpochs},
            {"Epochs without a better validation value before a stage stops; 0 = never.",
             "Small: shorter training; the best epoch is kept."});
  table.add("mi_weight", &hardness.mi_weight, NumberRange{0, 1000},
            {"Weight of the pseudo mutual information in stage 1 (Eq. 13).",
             "Larger: pulls the modalities' representations together."});
  table.add("reconstruction_weight", &hardness.reconstruction_weight, NumberRange{0, 1000},
            {"Weight of the reconstruction error in stage 2 (Eq. 16).",
             "0 leaves the decoder untrained: direct hardness then says nothing."});
  table.add("alpha1", &hardness.alpha1, NumberRange{0, 1},
            {"Weight of direct hardness in the unified score (Eq. 10).",
             "Larger: hardness follows the reconstruction error."});
  table.add("alpha2", &hardness.alpha2, NumberRange{0, 1},
            {"Weight of indirect hardness in the unified score (Eq. 10).",
             "Larger: hardness follows the pseudo mutual information."});
  table.add("beta", &hardness.beta, NumberRange{0, 1000, true, false},
            {"Steepness of the unified score (Eq. 10).",
             "Larger: scores are pushed to the ends of their range."});
  table.add("indirect_sign", &hardness.indirect_sign,
            {"`paper`: a large pseudo mutual information is hard (Eq. 9-10); `consistency`: weak "
             "agreement between modalities is hard (the paper's prose).",
             "Turns the ranking by indirect hardness round."});
  table.add("centre", &hardness.centre,
            {"`paper`: Eq. 10 as printed, every score is at least 0.5; `middle`: centred, scores "
             "span 0..1.",
             "`middle` gives easy utterances few supports."});
  table.add("components", &hardness.components,
            {"Which parts enter the score; `none` gives every utterance all K supports.",
             "For ablations."});
  describe_encoder(table.inner("encoder"), hardness.encoder);
  describe_optimiser(table.inner("optimiser"), hardness.optimiser);
}

void describe_retrieval(FieldTable table, RetrievalConfig& retrieval) {
  table.add("k", &retrieval.k, IntegerRange{1, 1000},
            {"Neighbours per utterance and pattern, K; at most what the database holds is used.",
             "Larger: more supports for hard utterances, longer epochs."});
  table.add("database", &retrieval.database,
            {"Features that are searched: tuned ones (paper 3.3.1) or the plain ones.",
             "`plain` needs no feature tuning."});
  table.add("metric", &retrieval.metric,
            FreeText{"auto | l2 | cosine | name=metric,name=metric,...", metric_problem},
            {"How features are compared; `auto` = cosine for modalities named text.., word.., "
             "transcript.., language.. or ..bert.., L2 for others.",
             "Changes which neighbours are found."});
  table.add("index", &retrieval.index,
            {"How neighbours are searched: all pairs, or inverted lists, which grow almost in step "
             "with the corpus and find at least 99 % of them (measured: retrieval.csv).",
             "`lists` pays from about 100 000 training utterances; `exact` takes hours there."});
  table.add(
      "supports", &retrieval.supports,
      {"How supports enter training: mixed into the utterance they support, as more visits of "
       "the supporting utterance, as one pass per rank in which they replace it, or not at "
       "all.",
       "`slots` costs K + 1 passes per epoch, the others one."});
  table.add(
      "mix_rate", &retrieval.mix_rate, NumberRange{0, 1},
      {"How often an utterance with all K supports is mixed with one of them; with n of K, n / "
       "K as often.",
       "Larger: fewer utterances are practised as they are. Read by `supports = \"mix\"`."});
  table.add("mix_share", &retrieval.mix_share, NumberRange{0, 1, true, false},
            {"Largest share of a support in a mixture; the share is drawn from 0 up to it.",
             "Larger: stronger smoothing between neighbours. Read by `supports = \"mix\"`."});
  table.add("support_label", &retrieval.support_label,
            {"Label that a support is trained with: its own, or that of the utterance it supports.",
             "`query` is what the published code does; it turns other classes into label noise."});
}

void describe_recogniser(FieldTable table, RecogniserConfig& recogniser) {
  table.add("input", &recogniser.input,
            {"Features that the recogniser reads.",
             "`tuned`: each model file holds its tuning nets too, 2 d (d + 1) numbers per modality "
             "of width d."});
  table.add("complete_epochs", &recogniser.complete_epochs, IntegerRange{0, kMaxEpochs},
            {"Epochs of stage 1: complete data, one head per modality (paper 3.3.3).",
             "More: better single encoders, a longer run."});
  table.add("pattern_epochs", &recogniser.pattern_epochs, IntegerRange{0, kMaxEpochs},
            {"Epochs of stage 2: patterns, supports and reconstruction.", "More: a longer run."});
  table.add("patience", &recogniser.patience, IntegerRange{0, kMaxEpochs},
            {"Epochs without a better validation value before a stage stops; 0 = never.",
             "Small: shorter training; the best epoch is kept."});
  table.add("reconstruction_weight", &recogniser.reconstruction_weight, NumberRange{0, 1000},
            {"Weight of the reconstruction of missing modalities in stage 2.",
             "0 trains on labels alone."});
  table.add("pattern_unit", &recogniser.pattern_unit,
            {"What draws a pattern of its own when the unified model trains.",
             "`dialogue` resembles a sensor that is off for a whole conversation."});
  describe_encoder(table.inner("encoder"), recogniser.encoder);
  describe_optimiser(table.inner("optimiser"), recogniser.optimiser);
}

EncoderConfig published_encoder() {
  EncoderConfig encoder;
  encoder.hidden = 256;
  encoder.depth = 4;
  encoder.heads = 2;
  encoder.dropout = 0.5;
  encoder.norm = Norm::kNone;
  encoder.position = Position::kNone;
  encoder.speaker = SpeakerBias::kNone;
  encoder.decoder = Decoder::kTwoLayer;
  encoder.decoder_width = 1024;
  return encoder;
}

OptimiserConfig published_optimiser() {
  OptimiserConfig optimiser;
  optimiser.batch = 16;
  optimiser.learning_rate = 1e-4;
  optimiser.weight_decay = 1e-5;
  optimiser.schedule = Schedule::kConstant;
  optimiser.clip = 0;
  return optimiser;
}

/// The hyper-parameters of the paper and its code. Every field that affects a fit is set
/// explicitly, so that a change of the defaults never changes this preset. Defects of the published
/// code (e.g. supports with the query's label) are not hyper-parameters and stay off.
void use_published(HardyMerSettings& config) {
  config.tuning.epochs = 30;
  config.tuning.batch = 16;
  config.tuning.learning_rate = 1e-4;
  config.tuning.weight_decay = 1e-5;
  config.tuning.patience = 0;

  HardnessConfig& hardness = config.hardness;
  hardness.encoder = published_encoder();
  hardness.optimiser = published_optimiser();
  hardness.complete_epochs = 100;
  hardness.pattern_epochs = 100;
  hardness.patience = 0;
  hardness.mi_weight = 0.001;
  hardness.reconstruction_weight = 1.0;
  hardness.alpha1 = 0.6;
  hardness.alpha2 = 0.4;
  hardness.beta = 4.0;
  hardness.indirect_sign = IndirectSign::kPaper;
  hardness.centre = ScoreCentre::kPaper;
  hardness.components = HardnessTerms::kBoth;

  config.retrieval.k = 5;
  config.retrieval.database = FeatureKind::kTuned;
  config.retrieval.metric = "auto";
  config.retrieval.supports = SupportUse::kSlots;
  config.retrieval.support_label = SupportLabel::kOwn;

  RecogniserConfig& recogniser = config.recogniser;
  recogniser.encoder = published_encoder();
  recogniser.optimiser = published_optimiser();
  recogniser.input = FeatureKind::kPlain;
  recogniser.complete_epochs = 25;
  recogniser.pattern_epochs = 25;
  recogniser.patience = 0;
  recogniser.reconstruction_weight = 1.0;
  recogniser.pattern_unit = PatternUnit::kUtterance;
}

void make_small(EncoderConfig& encoder) {
  encoder.hidden = 64;
  encoder.depth = 2;
  encoder.heads = 2;
  encoder.dropout = 0.3;
  encoder.decoder = Decoder::kLinear;
}

/// Small enough for a first look and for smoke tests; its numbers say little about the method.
void use_quick(HardyMerSettings& config) {
  config.tuning.epochs = 5;
  config.tuning.patience = 5;
  config.tuning.batch = 64;
  config.tuning.learning_rate = 1e-3;
  make_small(config.hardness.encoder);
  make_small(config.recogniser.encoder);
  config.hardness.optimiser.batch = 16;
  config.recogniser.optimiser.batch = 16;
  config.hardness.optimiser.learning_rate = 1e-3;
  config.recogniser.optimiser.learning_rate = 1e-3;
  config.hardness.patience = 0;
  config.recogniser.patience = 0;
  config.hardness.complete_epochs = 5;
  config.hardness.pattern_epochs = 5;
  config.recogniser.complete_epochs = 5;
  config.recogniser.pattern_epochs = 10;
  config.retrieval.k = 3;
  config.retrieval.supports = SupportUse::kMix;
}

}  // namespace

void HardyMerSettings::describe(FieldTable& table) {
  describe_tuning(table.inner("tuning"), tuning);
  describe_hardness(table.inner("hardness"), hardness);
  describe_retrieval(table.inner("retrieval"), retrieval);
  describe_recogniser(table.inner("recogniser"), recogniser);
  table.mark_basic({"retrieval.k", "retrieval.supports", "recogniser.complete_epochs",
                    "recogniser.pattern_epochs", "recogniser.patience",
                    "recogniser.optimiser.batch", "recogniser.optimiser.learning_rate"});
}

void HardyMerSettings::apply_preset(const std::string& preset) {
  if (preset == "published") use_published(*this);
  if (preset == "quick") use_quick(*this);
}

void HardyMerSettings::validate(const std::string& section) const {
  check_heads(section + ".hardness.encoder", hardness.encoder.hidden, hardness.encoder.heads);
  check_heads(section + ".recogniser.encoder", recogniser.encoder.hidden, recogniser.encoder.heads);
  if (hardness.components == HardnessTerms::kBoth && hardness.alpha1 + hardness.alpha2 <= 0) {
    throw ConfigError(
        fmt::format("{0}.hardness.alpha1 and {0}.hardness.alpha2 are both 0, so that every "
                    "utterance would be equally hard",
                    section),
        fmt::format("raise one, or say so with {}.hardness.components = \"none\"", section));
  }
  if (recogniser.complete_epochs + recogniser.pattern_epochs == 0) {
    throw ConfigError(
        fmt::format("{0}.recogniser.complete_epochs and {0}.recogniser.pattern_epochs are both 0: "
                    "nothing would be trained",
                    section),
        "raise one");
  }
}

const HardyMerSettings& hardymer_settings(const Config& config) {
  return config.methods.of<HardyMerSettings>("hardymer");
}

HardyMerSettings& hardymer_settings(Config& config) {
  return config.methods.of<HardyMerSettings>("hardymer");
}

std::string estimator_settings(Config config) {
  const HardnessConfig defaults;
  HardnessConfig& hardness = hardymer_settings(config).hardness;
  hardness.alpha1 = defaults.alpha1;
  hardness.alpha2 = defaults.alpha2;
  hardness.beta = defaults.beta;
  hardness.indirect_sign = defaults.indirect_sign;
  hardness.centre = defaults.centre;
  hardness.components = defaults.components;
  return config_section_toml(config, {"hardymer.hardness"});
}

std::string complete_stage_settings(Config config) {
  const RecogniserConfig defaults;
  RecogniserConfig& recogniser = hardymer_settings(config).recogniser;
  recogniser.pattern_epochs = defaults.pattern_epochs;
  recogniser.reconstruction_weight = defaults.reconstruction_weight;
  recogniser.pattern_unit = defaults.pattern_unit;
  return config_section_toml(config, {"hardymer.recogniser"});
}

MethodDeclaration declare_hardymer() {
  return {.name = "hardymer",
          .title = "HARDY-MER",
          .summary = "Hardness-aware curriculum with retrieved supports (arXiv 2508.06800).",
          .settings = std::make_shared<HardyMerSettings>(),
          .epochs = {{"hardymer.tuning.epochs"},
                     {"hardymer.hardness.complete_epochs"},
                     {"hardymer.hardness.pattern_epochs"},
                     {"hardymer.recogniser.complete_epochs"},
                     {"hardymer.recogniser.pattern_epochs"}},
          .patience = {"hardymer.tuning.patience", "hardymer.hardness.patience",
                       "hardymer.recogniser.patience"},
          .search = {"hardymer.recogniser.optimiser.learning_rate=log:1e-4..2e-3",
                     "hardymer.recogniser.encoder.dropout=0.2..0.6",
                     "hardymer.recogniser.optimiser.weight_decay=log:1e-6..1e-3",
                     "hardymer.retrieval.k=1,3,5,7", "hardymer.hardness.alpha1=0.2,0.4,0.6,0.8"},
          .renamed = {{"tuning", "hardymer.tuning"},
                      {"hardness", "hardymer.hardness"},
                      {"retrieval", "hardymer.retrieval"},
                      {"recogniser", "hardymer.recogniser"}},
          .caveats = [](const Config& config) -> std::vector<std::string> {
            const RetrievalConfig& retrieval = hardymer_settings(config).retrieval;
            const bool is_noisy = retrieval.support_label == SupportLabel::kQuery &&
                                  retrieval.supports == SupportUse::kSlots;
            if (!is_noisy) return {};
            return {"H11 (supports under the label of the query)"};
          }};
}

}  // namespace hardy
