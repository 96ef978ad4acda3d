// Keys, ranges and explanations of the config fields that belong to no method.
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "config/fields.h"

namespace hardy {

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

namespace {

std::optional<std::string> empty_problem(std::string_view text) {
  if (text.find_first_not_of(" ;,") == std::string_view::npos) return "names nothing";
  return std::nullopt;
}

std::vector<std::string> format_choices() {
  std::vector<std::string> choices = corpus_formats();
  choices.insert(choices.begin(), "auto");
  return choices;
}

void describe_data(std::vector<Field>& fields, DataConfig& data) {
  FieldTable table(fields, "data.");
  table.add("path", &data.path, FreeText{"a folder, a file, or empty"},
            {"Folder or file of the corpus; empty = the embedded demonstration corpus.",
             "Relative paths start at the folder the program is called from. The positional DATA "
             "of the command line replaces it."});
  table.add("format", &data.format, Choices{format_choices()},
            {"How the corpus is laid out: `tree` = the public layout with a label pickle, `plain` "
             "= hardy's own plain form, `demo` = the embedded corpus, the others as "
             "docs/formats.md describes them.",
             "`auto` looks at what the folder or file holds."});
  table.add(
      "labels", &data.labels, FreeText{"a file, or empty"},
      {"Label file of a `tree` or `table`; empty = found beside the features.",
       "Needed only when a folder holds several label files (IEMOCAP with 4 and 6 classes)."});
  table.add("label", &data.label, FreeText{"a name, or empty"},
            {"Which label is learned where a corpus has several, e.g. `happy`, `T` or `sentiment`; "
             "empty = the one that its layout is known for.",
             "An unknown name is refused with those that exist."});
  table.add("reduce", &data.reduce, Choices{{"mean", "mean-std"}},
            {"What becomes of features that are sequences of frames: their mean over time, or mean "
             "and standard deviation one after the other.",
             "`mean-std` doubles the width of sequences; vectors stay as they are."});
  table.add("modalities", &data.modalities,
            FreeText{"name=folder,name=folder,... or empty", assignments_problem},
            {"Which feature folders are read as which modality, in this order; empty = all found.",
             "Leaving a modality out trains and evaluates without it."});
  table.add("task", &data.task,
            Choices{{"auto", "class", "regression", "binary", "labels", "values", "shares"}},
            {"What is learned from the labels: a class, a real value, the sign of a real value; of "
             "several labels per utterance: which are there, their values, or shares of raters.",
             "`auto` = what the labels look like (docs/formats.md)."});
  table.add("unlabelled", &data.unlabelled, FreeText{"text,text,... or empty"},
            {"Labels of the plain form that mean \"not labelled\", `empty` for the empty one, e.g. "
             "`empty,-1`; corpus.toml can say the same.",
             "Such utterances give context and are predicted, but neither trained on nor scored. "
             "Without it a label that looks like one is an error."});
  table.add(
      "not_finite", &data.not_finite, Choices{{"refuse", "skip-frames", "missing"}},
      {"What becomes of features that are NaN, infinite or beyond 1e18: an error; left out of "
       "the mean over frames (a vector counts as missing); or the modality counts as missing "
       "there.",
       "Recovers corpora whose extractors wrote -inf or NaN in single frames; `hardy data "
       "check` counts what was left out."});
  table.add("ids", &data.ids, Choices{{"as-given", "by-part"}},
            {"`by-part` puts the part of the split in front of every utterance and dialogue id of "
             "the plain form.",
             "For tables whose ids start again in each part, such as MELD's."});
  table.mark_basic({"path", "labels", "modalities", "task"});
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
  table.add("tracks", &protocol.tracks,
            {"Specialist = one model per condition, as published; unified = one model for all.",
             "A specialist track costs one training per condition; a deployment needs `unified`."});
  table.add(
      "conditions", &protocol.conditions,
      FreeText{"table | all | a list such as \"a; t; a,t\"", empty_problem},
      {"Which sets of available modalities are trained (specialist) and evaluated: `table` = "
       "all of up to three modalities, of more those with one modality, those that lack one "
       "and the complete one; `all` = every non-empty one; or a list separated by semicolons, "
       "modalities by name or unique prefix; masks of missing data such as `rate=0.3` may join "
       "them (docs/missing_data.md).",
       "Fewer conditions: a shorter run; the unified model always trains on all patterns."});
  table.add("selection", &protocol.selection,
            {"What validation compares between epochs: loss, weighted or unweighted accuracy.",
             "Read only where a stage's `patience` is above 0 or a best epoch is kept; for real "
             "values `wa` and `ua` mean the accuracy of the sign."});
  table.mark_basic({"method", "split", "tracks", "conditions"});
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
  table.add("models", &run.models,
            {"Which trained models are kept in the run folder.", "Changes disk space only."});
  table.mark_basic({"seeds", "jobs", "device", "models"});
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
  table.add("norm", &encoder.norm,
            {"Normalisation before each attention and MLP; the published code has none.",
             "`layer` makes deep stacks train more steadily."});
  table.add("position", &encoder.position,
            {"Whether attention knows how far apart two utterances of a dialogue are.",
             "`none` sees a dialogue as a set, as published."});
  table.add("speaker", &encoder.speaker,
            {"Whether attention knows if two utterances have the same speaker.",
             "`relation` has no effect where speakers are unknown."});
  table.add("decoder", &encoder.decoder,
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
  table.add("schedule", &optimiser.schedule,
            {"Step size over a stage's epochs: constant, or falling to 0 along a half cosine.",
             "`cosine` settles in the last epochs, so that no epoch need be chosen."});
  table.add("clip", &optimiser.clip, NumberRange{0, 1e9},
            {"Largest norm of a step's gradient; 0 = no clipping.",
             "Guards against single steps that blow up."});
}

std::vector<Field> describe(Config& config) {
  std::vector<Field> fields;
  FieldTable top(fields, "");
  top.add("preset", &config.preset, Choices{{"default", "published", "quick"}},
          {"Where the fields that are not given start.",
           "`published` has the published hyper-parameters, `quick` is a small model "
           "for a first look."});
  top.mark_basic({"preset"});
  describe_data(fields, config.data);
  describe_protocol(fields, config.protocol);
  config.methods.describe(fields);
  describe_run(fields, config.run);
  return fields;
}

}  // namespace hardy
