#include "hardy/load.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/foreign.h"
#include "corpus/embedded/embedded.h"
#include "corpus/label_column.h"
#include "corpus/layouts.h"
#include "corpus/plain_form.h"
#include "corpus/sequence.h"
#include "corpus/synth/demo_corpus.h"
#include "corpus/tree.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

void require_known(const std::string& value, std::initializer_list<const char*> known,
                   const char* field) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  throw ConfigError(
      fmt::format("{} is '{}'; possible are {}", field, value, fmt::join(known, ", ")));
}

/// The first corpus among the subfolders, by name; empty if there is none.
std::string corpus_inside(const std::filesystem::path& folder) {
  std::string first;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (!entry.is_directory(ignored) || is_side_file(entry.path().filename().string())) continue;
    const std::string path = entry.path().string();
    const bool is_corpus = is_plain_form(path) || is_tree(path);
    if (is_corpus && (first.empty() || path < first)) first = path;
  }
  return first;
}

void require_known_format(const std::string& format) {
  const auto& known = corpus_formats();
  if (format == "auto" || std::find(known.begin(), known.end(), format) != known.end()) return;
  throw ConfigError(
      fmt::format("data.format is '{}'; possible are auto, {}", format, fmt::join(known, ", ")));
}

/// One of corpus_formats().
std::string find_form(const DataConfig& config) {
  require_known_format(config.format);
  const std::string embedded = embedded_name(config.path);
  if (!embedded.empty()) {
    if (config.format == "auto" || config.format == embedded) return embedded;
    throw ConfigError(fmt::format("data.format '{}' does not go with the embedded corpus '{}'",
                                  config.format, embedded));
  }
  if (config.format == "demo" || config.path.empty()) {
    const bool is_demo = config.format == "demo" || config.format == "auto";
    if (!is_demo || !config.path.empty()) {
      throw ConfigError(fmt::format("data.format '{}' does not go with data.path '{}'",
                                    config.format, config.path));
    }
    return "demo";
  }
  if (config.format != "auto") return config.format;
  std::error_code ignored;
  if (!std::filesystem::exists(config.path, ignored)) {
    throw DataError(fmt::format("{}: no such folder", config.path));
  }
  if (is_plain_form(config.path)) return "plain";
  const std::string layout = find_layout(config.path);
  const bool names_pickle = !config.labels.empty() && layout != "table";
  if (!layout.empty() && !names_pickle) return layout;
  if (!config.labels.empty() || is_tree(config.path)) return "tree";
  const std::string inside = corpus_inside(config.path);
  if (!inside.empty()) {
    throw DataError(fmt::format("{}: holds no corpus itself, but {} does: name that folder",
                                config.path, inside));
  }
  throw DataError(
      fmt::format("{}: holds no corpus: neither {} (the plain form) nor features/ with a label "
                  "pickle beside it (the GCNet layout); docs/formats.md describes both",
                  config.path, kPlainTable));
}

PlainOptions plain_options(const DataConfig& config, const std::string& task, bool only_outlines) {
  PlainOptions options;
  options.folder = config.path;
  options.modalities = config.modalities;
  options.task = task;
  options.unlabelled = unlabelled_marks(config.unlabelled);
  options.not_finite = config.not_finite;
  options.has_ids_by_part = config.ids == "by-part";
  options.only_outlines = only_outlines;
  return options;
}

Reading read_form(const DataConfig& config, int jobs, const std::string& form, bool only_outlines) {
  if (form == kDemoName) return {make_demo_corpus(), {}};
  if (form == kCremaName) return {make_crema_d(), {}};
  if (form != "tree" && form != "plain") return read_layout(form, config, std::max(1, jobs));
  if (form == "tree") {
    require_mean(config);
    return read_tree({config.path, config.labels, config.modalities, std::max(1, jobs), config.task,
                      unlabelled_marks(config.unlabelled), config.not_finite});
  }
  if (!config.labels.empty()) {
    throw ConfigError(
        "data.labels names the label pickle of a tree; the plain form has its labels "
        "in utterances.csv");
  }
  // Binary labels are derived from values.
  const std::string task = config.task == "binary" ? "regression" : config.task;
  return read_plain(plain_options(config, task, only_outlines));
}

void apply_task(Corpus& corpus, const std::string& task) {
  const bool is_class = corpus.label_kind == LabelKind::kClass;
  const bool has_several = !corpus.target_names.empty() || !corpus.shares.empty();
  const bool wants_several = task == "labels" || task == "values" || task == "shares";
  if (task != "auto" && wants_several != has_several) {
    throw ConfigError(fmt::format("data.task is '{}', but each utterance of {} has {}", task,
                                  corpus.name, has_several ? "several labels" : "one label"));
  }
  if (wants_several) return;
  if (task == "binary") {
    make_binary(corpus);
  } else if (task == "class" && !is_class) {
    throw ConfigError(
        fmt::format("data.task is 'class', but the labels of {} are values; use "
                    "regression or binary",
                    corpus.name));
  } else if (task == "regression" && is_class) {
    throw ConfigError(
        fmt::format("data.task is 'regression', but the labels of {} are classes", corpus.name));
  }
}

Reading read_any(const DataConfig& config, int jobs, bool only_outlines) {
  require_known(config.task,
                {"auto", "class", "regression", "binary", "labels", "values", "shares"},
                "data.task");
  require_known(config.not_finite, {"refuse", "skip-frames", "missing"}, "data.not_finite");
  require_known(config.ids, {"as-given", "by-part"}, "data.ids");
  if (!is_utf8(config.path)) {
    throw DataError(
        fmt::format("{}: the path is not UTF-8, and results are named after it; rename the folder",
                    readable(config.path)));
  }
  require_known(config.reduce, {"mean", "mean-std"}, "data.reduce");
  const std::string form = find_form(config);
  Reading reading = read_form(config, jobs, form, only_outlines);
  if (form == "tree") reading.corpus.layout = "tree of GCNet, MoMKE and HARDY-MER";
  if (form == "plain") reading.corpus.layout = "plain form";
  apply_task(reading.corpus, config.task);
  return reading;
}

}  // namespace

void make_binary(Corpus& corpus) {
  if (corpus.label_kind != LabelKind::kValue) {
    throw ConfigError(fmt::format("data.task is 'binary', but the labels of {} are classes already",
                                  corpus.name));
  }
  corpus.label_kind = LabelKind::kClass;
  corpus.class_names = {"negative", "positive"};
  corpus.values.clear();
  for (Utterance& utterance : corpus.utterances) {
    if (!utterance.is_labelled()) {
      corpus.values.push_back(0);
      continue;
    }
    corpus.values.push_back(utterance.label);
    utterance.label = utterance.label > 0 ? 1.0F : 0.0F;
  }
}

Reading read_corpus(const DataConfig& config, int jobs) { return read_any(config, jobs, false); }

Corpus load_outline(const DataConfig& config, int jobs) {
  Corpus corpus = take_sound_corpus(read_any(config, jobs, true));
  const bool is_unread =
      std::any_of(corpus.modalities.begin(), corpus.modalities.end(),
                  [](const ModalityData& modality) { return modality.features.is_mapped(); });
  if (is_unread) {
    validate_outline(corpus);
    return corpus;
  }
  validate_corpus(corpus);
  corpus.checksum = corpus_checksum(corpus);
  return corpus;
}

Corpus load_corpus(const DataConfig& config, int jobs, std::vector<Finding>* warnings) {
  Reading reading = read_corpus(config, jobs);
  if (warnings != nullptr) {
    std::copy_if(reading.findings.begin(), reading.findings.end(), std::back_inserter(*warnings),
                 [](const Finding& finding) { return finding.severity == Severity::kWarning; });
  }
  Corpus corpus = take_sound_corpus(std::move(reading));
  validate_corpus(corpus);
  corpus.checksum = corpus_checksum(corpus);
  return corpus;
}

}  // namespace hardy
