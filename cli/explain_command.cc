#include "cli/explain_command.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "cli/media_commands.h"
#include "cli/output.h"
#include "cli/predict_command.h"
#include "cli/prediction_source.h"
#include "hardy/errors.h"
#include "inference/explanation_json.h"

namespace hardy {
namespace {

struct ExplainCommand {
  std::string model;
  SourceOptions source;
  MediaOptions media;
  std::vector<std::string> command_line;
  std::string utterance;
  int similar = 5;
  bool is_json = false;
};

std::string answer_text(const PatternOutcome& outcome, const BundleInfo& info) {
  const char* mark = outcome.is_calibrated ? "" : " (not calibrated)";
  if (info.is_classification()) {
    const auto label = static_cast<std::size_t>(outcome.label);
    return fmt::format("{:<16} {:.3f}{}", printable(info.class_names[label]), outcome.confidence,
                       mark);
  }
  if (!outcome.is_calibrated) return fmt::format("{:<16.4f}{}", outcome.outputs[0], mark);
  return fmt::format("{:<16.4f} +- {:.3f}", outcome.outputs[0], outcome.confidence);
}

std::string names_of(Pattern pattern, const BundleInfo& info) {
  std::vector<std::string> names;
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    if (pattern.has(static_cast<int>(m))) names.push_back(printable(info.modalities[m].name));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string contributions_text(const Explanation& explanation, const BundleInfo& info) {
  if (explanation.contributions.empty()) {
    return fmt::format("contributions   not computed beyond {} modalities\n",
                       Explainer::kMostExact);
  }
  const auto label = static_cast<std::size_t>(explanation.outcome.label);
  std::string text =
      info.is_classification()
          ? fmt::format("contributions to the probability of {}, {:.3f}",
                        printable(info.class_names[label]), explanation.outcome.outputs[label])
          : fmt::format("contributions to the value, {:.3f}", explanation.outcome.outputs[0]);
  text += fmt::format(" (Shapley; {:.3f} without the utterance)\n", explanation.baseline);
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    if (!explanation.used.has(static_cast<int>(m))) continue;
    text += fmt::format("  {:<24} {:+.3f}\n", printable(info.modalities[m].name),
                        explanation.contributions[m]);
  }
  return text;
}

std::string similar_text(const Explanation& explanation, const BundleInfo& info) {
  if (explanation.similar.empty()) {
    return "similar         the model was stored without its training utterances; add them with\n"
           "                `hardy bundle add-training`\n";
  }
  std::string text = "similar training utterances (distance, label, hardness)\n";
  for (const auto& similar : explanation.similar) {
    const auto label = static_cast<std::size_t>(similar.label);
    const auto name = !info.is_classification()         ? fmt::format("{:.3f}", similar.label)
                      : label < info.class_names.size() ? printable(info.class_names[label])
                                                        : "?";
    text += fmt::format("  {:<24} {:>8.3f}  {:<12} {:>6}  {}\n", printable(similar.id),
                        similar.distance, name,
                        similar.hardness ? fmt::format("{:.3f}", similar.hardness->score) : "-",
                        printable(similar.transcript));
  }
  return text;
}

std::string hardness_text(const Explanation& explanation) {
  if (!explanation.hardness) return "";
  return fmt::format("hardness        {:.3f} (direct {:.3f}, indirect {:.3f}), {}\n",
                     explanation.hardness->score, explanation.hardness->direct,
                     explanation.hardness->indirect,
                     explanation.is_training_utterance ? "measured in training"
                                                       : "mean of the similar utterances");
}

std::string attention_text(const Explanation& explanation, const std::vector<std::string>& ids,
                           const BundleInfo& info) {
  std::string text = "attention over the dialogue (largest first)\n";
  for (const auto& attention : explanation.attention) {
    std::vector<std::pair<float, std::int64_t>> ranked;
    for (std::size_t i = 0; i < attention.turns.size(); ++i) {
      ranked.emplace_back(-attention.weights[i], attention.turns[i]);
    }
    std::sort(ranked.begin(), ranked.end());
    std::string list;
    for (std::size_t i = 0; i < std::min<std::size_t>(5, ranked.size()); ++i) {
      const auto& id = ids[static_cast<std::size_t>(ranked[i].second)];
      list += fmt::format("  {} {:.3f}",
                          id.empty() ? fmt::format("turn {}", ranked[i].second + 1) : printable(id),
                          -ranked[i].first);
    }
    text += fmt::format(
        "  {:<14}{}\n",
        printable(info.modalities[static_cast<std::size_t>(attention.modality)].name), list);
  }
  return text;
}

std::string explanation_text(const Explanation& explanation, const std::string& id,
                             const std::vector<std::string>& ids, const BundleInfo& info) {
  std::string text =
      fmt::format("utterance       {}\nprediction      {}\nused            {}\n", printable(id),
                  answer_text(explanation.outcome, info), names_of(explanation.used, info));
  text += contributions_text(explanation, info);
  text += "with each subset of its modalities\n";
  for (const auto& outcome : explanation.patterns) {
    text +=
        fmt::format("  {:<34} {}\n", names_of(outcome.pattern, info), answer_text(outcome, info));
  }
  text += hardness_text(explanation);
  text += similar_text(explanation, info);
  return text + attention_text(explanation, ids, info);
}

void run_explain_media(const ExplainCommand& command) {
  if (!command.source.path.empty() || !command.source.features.empty() ||
      !command.source.labels.empty() || command.source.is_one_dialogue) {
    throw ConfigError("--media goes without INPUT, --features, --labels and --dialogue");
  }
  MediaCommand media;
  media.name = "explain";
  media.media = command.media;
  media.model = command.model;
  media.utterance = command.utterance;
  media.similar = command.similar;
  media.is_json = command.is_json;
  media.is_quiet = true;
  media.command_line = command.command_line;
  carry_out(media);
}

void run_explain(const ExplainCommand& command) {
  if (!command.media.inputs.empty()) return run_explain_media(command);
  const Explainer explainer(Recogniser::load(find_bundle(command.model)));
  const BundleInfo& info = explainer.recogniser().info();
  Workspace workspace;
  bool was_found = false;
  read_dialogues(command.source, info, [&](const SourceDialogue& dialogue) {
    for (std::size_t i = 0; i < dialogue.ids.size(); ++i) {
      if (was_found || (!command.utterance.empty() && dialogue.ids[i] != command.utterance))
        continue;
      was_found = true;
      const auto explanation =
          explainer.explain(dialogue.input.utterances(), static_cast<std::int64_t>(i), workspace,
                            static_cast<std::size_t>(command.similar));
      print_explanation({explanation,
                         dialogue.ids[i],
                         dialogue.ids,
                         {{"id", dialogue.ids[i]}, {"dialogue", dialogue.id}}},
                        info, command.is_json);
    }
  });
  if (!was_found) {
    throw DataError(command.utterance.empty()
                        ? "the input holds no utterance"
                        : fmt::format("the input holds no utterance '{}'", command.utterance));
  }
}

}  // namespace

void print_explanation(const ExplainedUtterance& explained, const BundleInfo& info, bool is_json) {
  if (!is_json) {
    print(explanation_text(explained.explanation, explained.id, explained.ids, info));
    return;
  }
  nlohmann::ordered_json json = {{"format", 1}};
  json.update(explained.head);
  json.update(explanation_json(explained.explanation, info));
  print(json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void add_explain_command(CLI::App& app, const std::vector<std::string>& command_line) {
  auto command = std::make_shared<ExplainCommand>();
  command->command_line = command_line;
  CLI::App* explain = app.add_subcommand("explain", "Say why a model labels an utterance so");
  explain
      ->add_option("MODEL", command->model,
                   "A model file, or a run folder: its unified model of the first fold and seed")
      ->required();
  explain->add_option("INPUT", command->source.path,
                      "As for `hardy predict`; - or nothing = JSON lines on standard input");
  explain->add_option("--utterance", command->utterance,
                      "Which one, by id (row number of arrays); default the first");
  explain
      ->add_option("--features", command->source.features, "One modality's array; may be repeated")
      ->type_name("MODALITY=FILE.npy")
      ->allow_extra_args(false);
  explain->add_flag("--dialogue", command->source.is_one_dialogue,
                    "The rows of the arrays are the turns of one dialogue");
  explain->add_option("--labels", command->source.labels, "Label pickle of a tree")
      ->type_name("FILE");
  explain->add_option("--similar", command->similar, "How many similar training utterances")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  explain->add_flag("--json", command->is_json, "Print the explanation as JSON");
  explain
      ->add_option("--media", command->media.inputs,
                   "Recordings instead of INPUT: features are extracted first; may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);
  add_media_options(*explain, command->media);
  explain->footer(
      "Predictions with every subset of the utterance's modalities (its dialogue unchanged), "
      "exact\n"
      "Shapley values up to six of them, hardness and similar training utterances when the model\n"
      "file holds them (`hardy bundle add-training`), and who was attended to.\n\n"
      "Examples:\n"
      "  hardy explain model.safetensors corpus --utterance u7\n"
      "  hardy explain model.safetensors --media clip.mp4 --transcript clip.srt\n");
  explain->callback([command] { run_explain(*command); });
}

}  // namespace hardy
