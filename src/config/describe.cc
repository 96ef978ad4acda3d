// What each config field means: the one place where keys, ranges and explanations are written.
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "config/fields.h"

namespace hardy {
namespace {

/// "name=value,name=value" with unique non-empty names.
std::optional<std::string> assignments_problem(std::string_view text) {
  std::vector<std::string_view> names;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto item = text.substr(0, comma);
    const auto equals = item.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == item.size()) {
      return fmt::format("has the part '{}', which is not name=value", item);
    }
    const auto name = item.substr(0, equals);
    for (const auto other : names) {
      if (other == name) return fmt::format("names '{}' twice", name);
    }
    names.push_back(name);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return std::nullopt;
}

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

std::optional<std::string> empty_problem(std::string_view text) {
  if (text.find_first_not_of(" ;,") == std::string_view::npos) return "names nothing";
  return std::nullopt;
}

void describe_data(std::vector<Field>& fields, DataConfig& data) {
  FieldTable table(fields, "data.");
  table.add("path", &data.path, FreeText{"a folder, or empty"},
            {"Folder of the corpus; empty = the embedded demonstration corpus.",
             "Relative paths start at the folder the program is called from. The positional DATA "
             "of the command line replaces it."});
  table.add("format", &data.format, Choices{{"auto", "tree", "plain", "demo"}},
            {"How the folder is laid out: `tree` = the public layout with a label pickle, `plain` "
             "= hardy's own plain form, `demo` = the embedded corpus.",
             "`auto` looks at what the folder holds."});
  table.add(
      "labels", &data.labels, FreeText{"a file, or empty"},
      {"Label pickle of a `tree`; empty = found beside the features.",
       "Needed only when a folder holds several label files (IEMOCAP with 4 and 6 classes)."});
  table.add("modalities", &data.modalities,
            FreeText{"name=folder,name=folder,... or empty", assignments_problem},
            {"Which feature folders are read as which modality, in this order; empty = all found.",
             "Leaving a modality out trains and evaluates without it."});
  table.add("task", &data.task, Choices{{"auto", "class", "regression", "binary"}},
            {"What is learned from the labels: classes, real values, or the sign of real values.",
             "`auto` = classes for class labels, regression for real values."});
}

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const auto& method : declared_methods()) names.push_back(method.name);
  return names;
}

void describe_protocol(std::vector<Field>& fields, ProtocolConfig& protocol) {
  FieldTable table(fields, "protocol.");
  table.add("method", &protocol.method, Choices{method_names()},
            {"What is trained and evaluated; `hardy config --methods` says what each is.",
             "Sections of other methods are not read."});
  table.add("split", &protocol.split, Choices{{"auto", "official", "group", "kfold"}},
            {"What is held out as test: the official test part, one group (session) per fold, or "
             "dialogues dealt at random to `folds` parts.",
             "`auto` = official if the corpus has test marks, else group, else kfold."});
  table.add("folds", &protocol.folds, IntegerRange{2, 1000},
            {"Number of folds of the `kfold` split.",
             "More folds: more training data in each, and a longer run."});
  table.add("validation", &protocol.validation, Choices{{"auto", "official", "group", "dialogue"}},
            {"How the validation part is taken from the training side: the official part, one "
             "group, or whole dialogues.",
             "Epochs are chosen on it; the test part is read once. `auto` = official, else group, "
             "else dialogue."});
  table.add("validation_share", &protocol.validation_share, NumberRange{0, 0.9, true, false},
            {"Share of the training utterances that validate, for `validation = \"dialogue\"`.",
             "Larger: a steadier choice of epoch, less to train on."});
  table.add("split_seed", &protocol.split_seed, IntegerRange{0, std::int64_t{1} << 53},
            {"Seed of every random choice of the split.",
             "Independent of the training seeds, so that all seeds share the same folds."});
  table.add("tracks", &protocol.tracks, Choices{{"specialist", "unified", "both"}},
            {"Specialist = one model per condition, as published; unified = one model for all.",
             "A specialist track costs one training per condition; a deployment needs `unified`."});
  table.add(
      "conditions", &protocol.conditions,
      FreeText{"table | all | a list such as \"a; t; a,t\"", empty_problem},
      {"Which sets of available modalities are trained (specialist) and evaluated: `table` = "
       "all of up to three modalities, of more those with one modality, those that lack one "
       "and the complete one; `all` = every non-empty one; or a list separated by semicolons, "
       "modalities by name or unique prefix.",
       "Fewer conditions: a shorter run; the unified model always trains on all patterns."});
  table.add("selection", &protocol.selection, Choices{{"loss", "wa", "ua"}},
            {"What validation compares between epochs: loss, weighted or unweighted accuracy.",
             "Read only where a stage's `patience` is above 0 or a best epoch is kept; for real "
             "values `wa` and `ua` mean the accuracy of the sign."});
}

void describe_tuning(std::vector<Field>& fields, TuningConfig& tuning) {
  FieldTable table(fields, "tuning.");
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

void describe_hardness(std::vector<Field>& fields, HardnessConfig& hardness) {
  FieldTable table(fields, "hardness.");
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
  table.add("indirect_sign", &hardness.indirect_sign, Choices{{"paper", "consistency"}},
            {"`paper`: a large pseudo mutual information is hard (Eq. 9-10); `consistency`: weak "
             "agreement between modalities is hard (the paper's prose).",
             "Turns the ranking by indirect hardness round."});
  table.add("centre", &hardness.centre, Choices{{"paper", "middle"}},
            {"`paper`: Eq. 10 as printed, every score is at least 0.5; `middle`: centred, scores "
             "span 0..1.",
             "`middle` gives easy utterances few supports."});
  table.add("components", &hardness.components, Choices{{"both", "direct", "indirect", "none"}},
            {"Which parts enter the score; `none` gives every utterance all K supports.",
             "For ablations."});
  describe_encoder(table.inner("encoder"), hardness.encoder);
  describe_optimiser(table.inner("optimiser"), hardness.optimiser);
}

void describe_retrieval(std::vector<Field>& fields, RetrievalConfig& retrieval) {
  FieldTable table(fields, "retrieval.");
  table.add("k", &retrieval.k, IntegerRange{1, 1000},
            {"Neighbours per utterance and pattern, K; at most what the database holds is used.",
             "Larger: more supports for hard utterances, longer epochs."});
  table.add("database", &retrieval.database, Choices{{"tuned", "plain"}},
            {"Features that are searched: tuned ones (paper 3.3.1) or the plain ones.",
             "`plain` needs no feature tuning."});
  table.add("metric", &retrieval.metric,
            FreeText{"auto | l2 | cosine | name=metric,name=metric,...", metric_problem},
            {"How features are compared; `auto` = cosine for text, L2 for the others.",
             "Changes which neighbours are found."});
  table.add("index", &retrieval.index, Choices{{"exact", "lists"}},
            {"How neighbours are searched: all pairs, or inverted lists, which grow almost in step "
             "with the corpus and find at least 99 % of them (measured: retrieval.csv).",
             "`lists` pays from about 100 000 training utterances; `exact` takes hours there."});
  table.add(
      "supports", &retrieval.supports, Choices{{"mix", "weights", "slots", "none"}},
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
  table.add("support_label", &retrieval.support_label, Choices{{"own", "query"}},
            {"Label that a support is trained with: its own, or that of the utterance it supports.",
             "`query` is what the published code does; it turns other classes into label noise."});
}

void describe_recogniser(std::vector<Field>& fields, RecogniserConfig& recogniser) {
  FieldTable table(fields, "recogniser.");
  table.add("input", &recogniser.input, Choices{{"plain", "tuned"}},
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
  table.add("pattern_unit", &recogniser.pattern_unit, Choices{{"utterance", "dialogue"}},
            {"What draws a pattern of its own when the unified model trains.",
             "`dialogue` resembles a sensor that is off for a whole conversation."});
  describe_encoder(table.inner("encoder"), recogniser.encoder);
  describe_optimiser(table.inner("optimiser"), recogniser.optimiser);
}

void describe_run(std::vector<Field>& fields, RunConfig& run) {
  FieldTable table(fields, "run.");
  table.add("seeds", &run.seeds, IntegerRange{0, std::int64_t{1} << 53},
            {"Training seeds; everything is repeated for each.",
             "More seeds: an honest deviation, a proportionally longer run."});
  table.add("jobs", &run.jobs, IntegerRange{0, 1024},
            {"Parallel workers; 0 = one per core.", "Changes time and memory, never a number."});
  table.add("device", &run.device, Choices{{"cpu", "cuda"}},
            {"Where training computes.", "`cuda` needs a libtorch that was built with it."});
  table.add("models", &run.models, Choices{{"all", "unified", "none"}},
            {"Which trained models are kept in the run folder.", "Changes disk space only."});
}

}  // namespace

void describe_encoder(FieldTable table, EncoderConfig& encoder) {
  table.add("hidden", &encoder.hidden, IntegerRange{2, kMaxWidth},
            {"Width D of every representation; a multiple of `heads`.",
             "Larger: more capacity; cost grows with the square."});
  table.add("depth", &encoder.depth, IntegerRange{1, 64},
            {"Attention layers per modality.", "Larger: more context mixing, longer epochs."});
  table.add("heads", &encoder.heads, IntegerRange{1, 256},
            {"Attention heads per layer.", "Splits D into this many independent attentions."});
  table.add("dropout", &encoder.dropout, NumberRange{0, 1, false, true},
            {"Share of activations dropped in training.", "Larger: less overfitting, slower fit."});
  table.add("norm", &encoder.norm, Choices{{"none", "layer"}},
            {"Normalisation before each attention and MLP; the published code has none.",
             "`layer` makes deep stacks train more steadily."});
  table.add("position", &encoder.position, Choices{{"none", "relative"}},
            {"Whether attention knows how far apart two utterances of a dialogue are.",
             "`none` sees a dialogue as a set, as published."});
  table.add("speaker", &encoder.speaker, Choices{{"none", "relation"}},
            {"Whether attention knows if two utterances have the same speaker.",
             "`relation` has no effect where speakers are unknown."});
  table.add("decoder", &encoder.decoder, Choices{{"linear", "two-layer"}},
            {"Reconstruction of the features: one linear map (Eq. 1) or the two layers of the "
             "published code.",
             "`two-layer` costs most of the parameters."});
  table.add("decoder_width", &encoder.decoder_width, IntegerRange{1, kMaxWidth},
            {"Width between the layers of the two-layer decoder.", "Not read by `linear`."});
}

void describe_optimiser(FieldTable table, OptimiserConfig& optimiser) {
  table.add("batch", &optimiser.batch, IntegerRange{1, 65'536},
            {"Dialogues per step.", "Larger: faster epochs, fewer steps."});
  table.add("learning_rate", &optimiser.learning_rate, NumberRange{0, 1, true, false},
            {"Step size of Adam.", "Larger: faster but less steady learning."});
  table.add("weight_decay", &optimiser.weight_decay, NumberRange{0, 1},
            {"L2 penalty, added to the gradient (coupled).", "Larger: smaller weights."});
  table.add("schedule", &optimiser.schedule, Choices{{"constant", "cosine"}},
            {"Step size over a stage's epochs: constant, or falling to 0 along a half cosine.",
             "`cosine` settles in the last epochs, so that no epoch need be chosen."});
  table.add("clip", &optimiser.clip, NumberRange{0, 1e9},
            {"Largest norm of a step's gradient; 0 = no clipping.",
             "Guards against single steps that blow up."});
}

std::vector<Field> describe(Config& config) {
  std::vector<Field> fields;
  FieldTable(fields, "")
      .add("preset", &config.preset, Choices{{"default", "published", "quick"}},
           {"Where the fields that are not given start.",
            "`published` has the published hyper-parameters, `quick` is a small model "
            "for a first look."});
  describe_data(fields, config.data);
  describe_protocol(fields, config.protocol);
  describe_tuning(fields, config.tuning);
  describe_hardness(fields, config.hardness);
  describe_retrieval(fields, config.retrieval);
  describe_recogniser(fields, config.recogniser);
  describe_published(FieldTable(fields, "published."), config.published);
  config.methods.describe(fields);
  describe_run(fields, config.run);
  return fields;
}

}  // namespace hardy
