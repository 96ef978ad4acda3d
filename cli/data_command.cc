#include "cli/data_command.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/wording.h"
#include "cli/data_convert.h"
#include "cli/output.h"
#include "corpus/plain_form.h"
#include "hardy/errors.h"
#include "hardy/load.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

struct DataOptions {
  DataConfig config;
  std::string destination;
  std::vector<std::string> assignments;  ///< --set
  ProtocolConfig protocol;
  int jobs = 0;  ///< 0 = one per core
  bool is_json = false;
  ConvertTarget target;
  bool has_checksum = false;
};

int worker_count(const DataOptions& options) {
  if (options.jobs > 0) return options.jobs;
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 16);
}

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string corpus_text(const Json& json) {
  Json formatted = {{"format", 1}};
  formatted.update(json);
  // Texts come from files and may hold any byte.
  return formatted.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// Several labels or values per utterance: the frequency of each label, or the mean of each value.
Json describe_targets(const Corpus& corpus) {
  const std::size_t width = corpus.target_names.size();
  Json list = Json::array();
  for (std::size_t t = 0; t < width; ++t) {
    double sum = 0;
    std::int64_t labelled = 0;
    for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
      if (!corpus.utterances[i].is_labelled()) continue;
      ++labelled;
      sum += static_cast<double>(corpus.targets[i * width + t]);
    }
    list.push_back({{"name", corpus.target_names[t]},
                    {"mean", labelled == 0 ? 0 : sum / static_cast<double>(labelled)}});
  }
  return {{"kind", label_kind_name(corpus.label_kind)}, {"targets", list}};
}

Json describe_labels(const Corpus& corpus) {
  if (corpus.label_kind == LabelKind::kClass) {
    std::vector<std::int64_t> members(corpus.class_names.size(), 0);
    for (const auto& utterance : corpus.utterances) {
      if (utterance.is_labelled()) ++members[static_cast<std::size_t>(utterance.label)];
    }
    Json classes = Json::array();
    for (std::size_t c = 0; c < members.size(); ++c) {
      classes.push_back({{"name", corpus.class_names[c]},
                         {"utterances", members[c]},
                         {"share", share(members[c], corpus.size())}});
    }
    return {{"kind", corpus.shares.empty() ? "class" : "shares"}, {"classes", classes}};
  }
  if (!corpus.target_names.empty()) return describe_targets(corpus);
  double sum = 0;
  std::int64_t labelled = 0;
  std::int64_t zeros = 0;
  std::int64_t positive = 0;
  float smallest = corpus.utterances[0].label;
  float largest = smallest;
  for (const auto& utterance : corpus.utterances) {
    if (!utterance.is_labelled()) continue;
    if (std::isnan(smallest)) smallest = largest = utterance.label;
    ++labelled;
    smallest = std::min(smallest, utterance.label);
    largest = std::max(largest, utterance.label);
    sum += static_cast<double>(utterance.label);
    zeros += utterance.label == 0 ? 1 : 0;
    positive += utterance.label > 0 ? 1 : 0;
  }
  return {{"kind", "value"},
          {"smallest", smallest},
          {"largest", largest},
          {"mean", sum / static_cast<double>(labelled)},
          {"positive", positive},
          {"zero", zeros},
          {"negative", labelled - zeros - positive}};
}

Json describe_modalities(const Corpus& corpus) {
  Json list = Json::array();
  for (const auto& modality : corpus.modalities) {
    const auto present = std::count(modality.present.begin(), modality.present.end(), 1);
    list.push_back({{"name", modality.name},
                    {"width", modality.width},
                    {"present", present},
                    {"share", share(present, corpus.size())}});
  }
  return list;
}

/// Utterances and dialogues of the named parts; parts without a name are left out.
template <typename Key>
Json describe_dialogues(const Corpus& corpus, Key key_of) {
  std::map<std::pair<int, std::string>, std::pair<std::int64_t, std::int64_t>> counts;
  for (const auto& dialogue : corpus.dialogues) {
    auto& [dialogues, utterances] = counts[key_of(dialogue)];
    ++dialogues;
    utterances += dialogue.count;
  }
  Json list = Json::array();
  for (const auto& [key, count] : counts) {
    if (key.second.empty()) continue;
    list.push_back(
        {{"name", key.second}, {"dialogues", count.first}, {"utterances", count.second}});
  }
  return list;
}

Json describe_corpus(const Corpus& corpus) {
  std::set<std::string> speakers;
  for (const auto& utterance : corpus.utterances) {
    if (!utterance.speaker.empty()) speakers.insert(utterance.speaker);
  }
  std::int64_t longest = 0;
  for (const auto& dialogue : corpus.dialogues) longest = std::max(longest, dialogue.count);
  return {{"name", corpus.name},
          {"synthetic", corpus.is_synthetic},
          {"source", corpus.source},
          {"layout", corpus.layout},
          {"utterances", corpus.size()},
          {"labelled", std::count_if(corpus.utterances.begin(), corpus.utterances.end(),
                                     [](const Utterance& u) { return u.is_labelled(); })},
          {"dialogues", corpus.dialogues.size()},
          {"longest_dialogue", longest},
          {"speakers", speakers.size()},
          {"labels", describe_labels(corpus)},
          {"modalities", describe_modalities(corpus)},
          {"groups",
           describe_dialogues(corpus, [](const Dialogue& d) { return std::pair(0, d.group); })},
          {"split", describe_dialogues(corpus,
                                       [](const Dialogue& d) {
                                         return std::pair(static_cast<int>(d.part),
                                                          std::string(part_name(d.part)));
                                       })},
          {"checksum", corpus.checksum.empty() ? Json() : Json(corpus.checksum)}};
}

std::string labels_text(const Json& labels) {
  if (labels.contains("targets")) {
    const bool is_share = labels["kind"] == "labels";
    std::string text = fmt::format("labels      {} per utterance\n", labels["targets"].size());
    for (const auto& entry : labels["targets"]) {
      const auto mean = entry["mean"].get<double>();
      text += fmt::format(
          "  {:<18} {}\n", printable(entry["name"].get<std::string>()),
          is_share ? fmt::format("in {:.1f} %", 100 * mean) : fmt::format("mean {:.3f}", mean));
    }
    return text;
  }
  if (labels["kind"] == "value") {
    return fmt::format(
        "labels      values from {:.4g} to {:.4g}, mean {:.3f}: {} positive, {} zero, "
        "{} negative\n",
        labels["smallest"].get<double>(), labels["largest"].get<double>(),
        labels["mean"].get<double>(), labels["positive"].get<std::int64_t>(),
        labels["zero"].get<std::int64_t>(), labels["negative"].get<std::int64_t>());
  }
  std::string text = fmt::format("classes     {}\n", labels["classes"].size());
  for (const auto& entry : labels["classes"]) {
    text +=
        fmt::format("  {:<18} {:>6}  {:>5.1f} %\n", printable(entry["name"].get<std::string>()),
                    entry["utterances"].get<std::int64_t>(), 100 * entry["share"].get<double>());
  }
  return text;
}

std::string dialogues_text(const Json& list, const char* title) {
  std::string text;
  for (const auto& entry : list) {
    text += fmt::format(
        "  {:<18} {:>6}  in {} dialogues\n", printable(entry["name"].get<std::string>()),
        entry["utterances"].get<std::int64_t>(), entry["dialogues"].get<std::int64_t>());
  }
  if (text.empty()) return fmt::format("{:<12}none\n", title);
  return fmt::format("{:<12}{}\n{}", title, list.size(), text);
}

std::string info_text(const Json& info) {
  const bool is_unmarked = info["synthetic"].get<bool>() &&
                           info["name"].get<std::string>().find("synthetic") == std::string::npos;
  std::string text =
      fmt::format("{}{}\nutterances  {} in {} dialogues, the longest of {}\nspeakers    {}\n",
                  printable(info["name"].get<std::string>()), is_unmarked ? " (synthetic)" : "",
                  info["utterances"].get<std::int64_t>(), info["dialogues"].get<std::int64_t>(),
                  info["longest_dialogue"].get<std::int64_t>(),
                  info["speakers"] == 0 ? "not recorded"
                                        : fmt::format("{}", info["speakers"].get<std::int64_t>()));
  if (info["layout"] != "") {
    text += fmt::format("layout      {}\n", printable(info["layout"].get<std::string>()));
  }
  text += labels_text(info["labels"]);
  text += fmt::format("modalities  {}\n", info["modalities"].size());
  for (const auto& entry : info["modalities"]) {
    text += fmt::format("  {:<18} {:>6}  wide, present in {:.1f} %\n",
                        printable(entry["name"].get<std::string>()),
                        entry["width"].get<std::int64_t>(), 100 * entry["share"].get<double>());
  }
  text += dialogues_text(info["groups"], "groups");
  text += dialogues_text(info["split"], "split");
  return text + fmt::format("checksum    {}\n",
                            info["checksum"].is_null()
                                ? "not computed, for it reads every feature: --checksum"
                                : info["checksum"].get<std::string>());
}

void run_info(const DataOptions& options) {
  const int jobs = worker_count(options);
  const Json info = describe_corpus(options.has_checksum ? load_corpus(options.config, jobs)
                                                         : load_outline(options.config, jobs));
  print(options.is_json ? corpus_text(info) : info_text(info));
}

/// Applies --set to the data settings and to the protocol of a check.
void apply_assignments(DataOptions& options) {
  Config config;
  config.data = options.config;
  for (const auto& assignment : options.assignments) {
    if (!assignment.starts_with("data.") && !assignment.starts_with("protocol.")) {
      throw ConfigError(
          fmt::format("--set {}: only data.* and protocol.* matter here", assignment));
    }
    set_config_field(config, assignment);
  }
  options.config = config.data;
  options.protocol = config.protocol;
}

/// Writes the mended copy if every error can be mended with certainty; otherwise reports the
/// others.
std::string write_mended(const CheckReport& report, const DataOptions& options) {
  std::set<std::string> others;
  std::int64_t mended = 0;
  for (const auto& finding : report.findings) {
    if (finding.severity != Severity::kError) continue;
    if (!finding.is_mended) others.insert(finding.kind);
    mended += finding.is_mended ? 1 : 0;
  }
  if (!others.empty()) {
    throw DataError(fmt::format("{}: no mended copy is written: nobody can tell how to mend {}",
                                report.source, fmt::join(others, ", ")));
  }
  write_plain(report.corpus, options.destination);
  return fmt::format("{}: a mended copy of {} utterances in the plain form, {} corrected\n",
                     options.destination, report.utterances, counted(mended, "error"));
}

void run_check(const DataOptions& options) {
  const CheckReport report = check_corpus(options.config, worker_count(options), options.protocol);
  print(options.is_json ? check_json(report) : check_text(report));
  if (!options.destination.empty()) {
    print_notice(write_mended(report, options));
    return;
  }
  if (!report.is_sound()) {
    throw DataError(fmt::format("{}: {}, see the report", report.source,
                                counted(report.count(Severity::kError), "error")));
  }
}

void run_convert(const DataOptions& options) {
  const Corpus corpus = load_corpus(options.config, worker_count(options));
  convert_corpus(corpus, options.target, options.destination, options.is_json);
}

/// The data options shared by all sub-commands.
void add_source_options(CLI::App& command, DataOptions& options) {
  command
      .add_option("--format", options.config.format,
                  fmt::format("auto or {}", fmt::join(corpus_formats(), ", ")))
      ->type_name("NAME");
  command
      .add_option("--label", options.config.label,
                  "which label is read where a corpus has several, e.g. happy")
      ->type_name("NAME");
  command
      .add_option("--reduce", options.config.reduce,
                  "what becomes of sequences of frames: mean or mean-std (mean and standard "
                  "deviation)")
      ->check(CLI::IsMember({"mean", "mean-std"}))
      ->type_name("NAME");
  command
      .add_option("--features", options.config.modalities,
                  "which folders or arrays become which modalities, e.g. "
                  "acoustic=wav2vec-c-UTT,textual=deberta-4-UTT")
      ->type_name("LIST");
  command.add_option("--labels", options.config.labels, "label pickle of a tree")
      ->type_name("FILE");
  command
      .add_option(
          "--task", options.config.task,
          "auto, class, regression, binary (positive against negative values), or, of several "
          "labels per utterance, labels, values or shares")
      ->type_name("NAME");
  command
      .add_option(
          "--set", options.assignments,
          "A setting of how the corpus is read, e.g. --set data.ids=by-part; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("--jobs", options.jobs, "threads that read; 0 = one per core")
      ->check(CLI::Range(0, 256));
  command.add_flag("--json", options.is_json, "machine-readable output");
}

}  // namespace

void add_data_command(CLI::App& app) {
  auto options = std::make_shared<DataOptions>();
  CLI::App* data = app.add_subcommand("data", "Look at, check, convert and draw corpora");
  data->require_subcommand(1);

  CLI::App* info = data->add_subcommand("info", "Print sizes, classes, modalities and splits");
  info->add_option("DIR", options->config.path,
                   "corpus folder or file; the demonstration corpus if absent");
  info->add_flag("--checksum", options->has_checksum,
                 "Read large features, too, check them and print the checksum");
  add_source_options(*info, *options);
  info->callback([options] {
    apply_assignments(*options);
    run_info(*options);
  });

  CLI::App* check = data->add_subcommand(
      "check",
      "Find every problem of a corpus and say what to do; exit code 3 when it is unusable");
  check->add_option("DIR", options->config.path,
                    "corpus folder or file; the demonstration corpus if absent");
  check
      ->add_option("--fix", options->destination,
                   "Write a mended copy in the plain form, where the mending is certain")
      ->type_name("DST");
  add_source_options(*check, *options);
  check->callback([options] {
    apply_assignments(*options);
    run_check(*options);
  });

  CLI::App* convert =
      data->add_subcommand("convert", "Write a corpus in the plain form or another program's");
  convert->add_option("SRC", options->config.path, "corpus folder or file")->required();
  convert
      ->add_option("DST", options->destination,
                   "folder to create, for mmsa a file; it must not exist or be empty")
      ->required();
  add_target_options(*convert, options->target);
  add_source_options(*convert, *options);
  convert->callback([options] {
    apply_assignments(*options);
    run_convert(*options);
  });
  data->footer(
      "Corpora are read in the layout of GCNet, MoMKE and HARDY-MER (label pickle and folders of\n"
      ".npy files), in the plain form (one table, one array per modality), and as MMSA, "
      "MultiBench,\n"
      "conv-emotion, CMU-MultimodalSDK, MMIN and MERBench have them: docs/formats.md.\n");
}

}  // namespace hardy
