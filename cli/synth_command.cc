#include "cli/synth_command.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/choice.h"
#include "cli/output.h"
#include "corpus/plain_form.h"
#include "corpus/synth/demo_corpus.h"
#include "corpus/tree.h"
#include "corpus/tree_writer.h"
#include "formats/text.h"
#include "hardy/errors.h"
#include "hardy/load.h"

namespace hardy {
namespace {

/// Command line arguments.
struct SynthArguments {
  std::string out;
  std::string labels;
  std::string format = "auto";
  std::string modalities;
  std::string widths;
  std::string strengths;
  std::optional<std::int64_t> sessions;
  std::optional<std::int64_t> dialogues;
  std::uint64_t seed = 1;
  double missing_rate = 0;
};

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> words;
  std::size_t first = 0;
  while (first <= text.size()) {
    const std::size_t comma = std::min(text.find(',', first), text.size());
    words.emplace_back(trim(std::string_view(text).substr(first, comma - first)));
    first = comma + 1;
  }
  return words;
}

/// `--modalities`: a number, or names; names in `defaults` keep their width and strength.
std::vector<DemoModality> choose_modalities(const std::string& text,
                                            const std::vector<DemoModality>& defaults) {
  if (text.empty()) return defaults;
  if (const auto count = to_integer(text)) {
    if (*count == static_cast<std::int64_t>(defaults.size())) return defaults;
    return spread_modalities(static_cast<int>(std::clamp<std::int64_t>(*count, -1, 1000)));
  }
  const auto names = split_commas(text);
  auto modalities = spread_modalities(static_cast<int>(names.size()));
  for (std::size_t m = 0; m < names.size(); ++m) {
    modalities[m].name = names[m];
    for (const auto& known : defaults) {
      if (known.name == names[m]) modalities[m] = known;
    }
  }
  return modalities;
}

/// "acoustic=512,textual=1024": calls `assign(modality, value)` for each pair.
template <typename Assign>
void assign_by_name(const char* flag, const std::string& text,
                    std::vector<DemoModality>& modalities, const Assign& assign) {
  if (text.empty()) return;
  for (const auto& word : split_commas(text)) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    const auto found = std::find_if(modalities.begin(), modalities.end(),
                                    [&](const DemoModality& m) { return m.name == name; });
    if (found == modalities.end()) {
      std::string known;
      for (const auto& modality : modalities) known += (known.empty() ? "" : ", ") + modality.name;
      throw ConfigError(
          fmt::format("{} {}: no modality is named '{}'; there are {}", flag, text, name, known));
    }
    if (!assign(*found, value)) {
      throw ConfigError(
          fmt::format("{} {}: '{}' is no number for '{}'; write name=number pairs "
                      "joined by commas",
                      flag, text, value, name));
    }
  }
}

DrawOptions draw_options(const SynthArguments& arguments, std::vector<DemoModality> defaults) {
  DrawOptions options;
  options.modalities = choose_modalities(arguments.modalities, defaults);
  assign_by_name("--widths", arguments.widths, options.modalities,
                 [](DemoModality& modality, const std::string& value) {
                   const auto width = to_integer(value);
                   modality.width = width.value_or(0);
                   return width.has_value();
                 });
  assign_by_name("--strengths", arguments.strengths, options.modalities,
                 [](DemoModality& modality, const std::string& value) {
                   const auto strength = to_real(value);
                   modality.strength = strength.value_or(0);
                   return strength.has_value();
                 });
  options.seed = arguments.seed;
  options.missing_rate = arguments.missing_rate;
  return options;
}

/// From this size on features are written as they are drawn.
constexpr double kLargestInMemory = 256.0 * 1024 * 1024;

/// Labels, how features are drawn for them, and what the corpus is then called.
struct DrawPlan {
  Corpus labels;
  DrawOptions options;
  bool is_demo = false;

  [[nodiscard]] bool is_large() const {
    double numbers = 0;
    for (const auto& modality : options.modalities) {
      numbers += static_cast<double>(labels.size()) * static_cast<double>(modality.width);
    }
    return numbers * sizeof(float) >= kLargestInMemory;
  }

  void name(Corpus& corpus) const {
    if (is_demo) name_demo_corpus(corpus, options.seed);
  }
};

DrawPlan plan_corpus(const SynthArguments& arguments) {
  if (!arguments.labels.empty()) {
    if (arguments.sessions || arguments.dialogues) {
      throw ConfigError(
          "--sessions and --dialogues shape the demonstration corpus; with --labels "
          "the dialogues are those of the label file: leave them out");
    }
    return {load_tree_label_corpus(arguments.labels),
            draw_options(arguments, published_modalities()), false};
  }
  DemoOptions options;
  options.features = draw_options(arguments, demo_modalities());
  if (arguments.sessions) options.sessions = *arguments.sessions;
  if (arguments.dialogues) options.dialogues_per_session = *arguments.dialogues;
  return {make_demo_labels(options), options.features, true};
}

/// Draws the corpus into a new folder, and returns what then lies there.
Corpus write_drawn(const DrawPlan& plan, const std::filesystem::path& out,
                   const std::string& tree_labels) {
  if (tree_labels.empty() && plan.is_large()) {
    const int jobs = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 16);
    draw_features_to(
        plan.labels, plan.options, jobs, [&](Corpus& corpus) { plan.name(corpus); }, out);
    DataConfig written;
    written.path = out.string();
    return load_corpus(written, jobs);
  }
  Corpus corpus = draw_features(plan.labels, plan.options);
  plan.name(corpus);
  tree_labels.empty() ? write_plain(corpus, out) : write_tree(corpus, out, tree_labels);
  return corpus;
}

std::string summary(const Corpus& corpus, const std::string& out) {
  std::string modalities;
  for (const auto& modality : corpus.modalities) {
    modalities +=
        fmt::format("{}{} {}", modalities.empty() ? "" : ", ", modality.name, modality.width);
  }
  return fmt::format("{}: {}, {} utterances in {} dialogues, {} checksum {}", out, corpus.name,
                     corpus.size(), corpus.dialogues.size(), modalities,
                     corpus.checksum.substr(0, 12));
}

void run_synth(const SynthArguments& arguments) {
  const bool has_labels = !arguments.labels.empty();
  const bool is_tree = arguments.format == "tree" || (arguments.format == "auto" && has_labels);
  if (is_tree && !has_labels) {
    throw ConfigError(
        "--format tree needs --labels FILE.pkl: the public layout carries its labels "
        "in such a file; use --format plain for the demonstration corpus");
  }
  std::error_code ignored;
  const std::filesystem::path out = arguments.out;
  if (std::filesystem::exists(out, ignored) && !std::filesystem::is_empty(out, ignored)) {
    throw ConfigError(
        fmt::format("{}: exists and is not empty; nothing was written, choose a new "
                    "folder",
                    arguments.out));
  }
  const Corpus corpus =
      write_drawn(plan_corpus(arguments), out, is_tree ? arguments.labels : std::string());
  const auto folder = is_tree ? out / data_set_of(arguments.labels) : out;
  print(printable(summary(corpus, folder.string())) + "\n");
}

constexpr const char* kFooter = R"(Examples:
  hardy data synth demo                                  the demonstration corpus
  hardy data synth demo6 --modalities 6 --missing-rate 0.1
  hardy data synth tree --labels IEMOCAP_features_raw_4way.pkl
  hardy data synth small --labels IEMOCAP_features_raw_6way.pkl \
      --widths acoustic=64,textual=128,visual=64 --format plain

The same options give the same bytes. Features are drawn, not extracted: every place that shows the
corpus says synthetic, and results on it say nothing about real speech (docs/demo_corpus.md).)";

}  // namespace

void add_synth_command(CLI::App& data_app) {
  auto* app = data_app.add_subcommand(
      "synth", "Draw a synthetic corpus: the demonstration corpus, or features for real labels");
  app->footer(kFooter);
  auto arguments = std::make_shared<SynthArguments>();
  app->add_option("OUT", arguments->out, "Folder to create; it must not exist or be empty")
      ->required();
  app->add_option("--labels", arguments->labels,
                  "Label pickle (IEMOCAP, CMU-MOSI, CMU-MOSEI): keep its dialogues, speakers and "
                  "labels, draw features only");
  app->add_option(
      "--modalities", arguments->modalities,
      "Number (2 to 16) or names joined by commas; acoustic,textual,visual if not given");
  app->add_option("--widths", arguments->widths,
                  "name=width pairs joined by commas; acoustic=48,textual=64,visual=32 if not "
                  "given, with --labels 512, 1024, 1024");
  app->add_option("--strengths", arguments->strengths,
                  "name=accuracy pairs: what a linear classifier of that modality alone reaches; "
                  "acoustic=.70,textual=.77,visual=.57 if not given");
  app->add_option("--sessions", arguments->sessions, "Sessions of two speakers each (5)");
  app->add_option("--dialogues", arguments->dialogues, "Dialogues of each session (8)");
  app->add_option("--seed", arguments->seed, "Seed of every draw")->capture_default_str();
  app->add_option("--missing-rate", arguments->missing_rate,
                  "Share of features that are really missing, 0 to below 1")
      ->capture_default_str();
  app->add_option("--format", arguments->format,
                  "plain (hardy's own form), tree (the public layout, needs --labels); auto = tree "
                  "with --labels, else plain")
      ->check(one_of({"auto", "plain", "tree"}))
      ->capture_default_str();
  app->callback([arguments] { run_synth(*arguments); });
}

}  // namespace hardy
