#include "cli/predict_command.h"

#include <map>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "cli/media_commands.h"
#include "cli/output.h"
#include "cli/prediction_source.h"
#include "hardy/errors.h"
#include "hardy/stream.h"
#include "inference/request.h"
#include "pipeline/run_folder.h"

namespace hardy {
namespace {

struct PredictCommand {
  std::string model;
  SourceOptions source;
  std::string available;
  bool is_stream = false;
  bool reconstructs = false;
  bool is_json = false;
  bool is_webvtt = false;
  MediaOptions media;
  std::vector<std::string> command_line;
};

/// Writes predictions, line by line.
class Printer {
 public:
  Printer(const BundleInfo& info, bool is_json) : info_(info), is_json_(is_json) {}

  void write(const std::string& dialogue, const std::string& id, const Predictions& predictions,
             std::int64_t i) {
    if (is_json_) {
      nlohmann::ordered_json line = nlohmann::ordered_json::object();
      if (!id.empty()) line["id"] = id;
      if (!dialogue.empty()) line["dialogue"] = dialogue;
      line.update(answer_json(info_, predictions, i));
      print(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
      return;
    }
    if (!has_header_) {
      has_header_ = true;
      print(fmt::format("{:<24} {:<16} {:>10}  {}\n", "utterance",
                        info_.is_classification() ? "label" : "value",
                        info_.is_classification() ? "confidence" : "error", "used"));
    }
    const auto row = static_cast<std::size_t>(i);
    const auto used = pattern_label(predictions.used[row], info_.modality_names());
    const bool is_calibrated = predictions.calibrated[row] != 0;
    const auto believed =
        info_.is_classification() || is_calibrated
            ? fmt::format("{:.3f}{}", predictions.confidence[row], is_calibrated ? "" : "?")
            : "?";
    const auto answer =
        info_.is_classification()
            ? printable(info_.class_names[static_cast<std::size_t>(predictions.labels[row])])
            : fmt::format("{:.4f}", predictions.row(i)[0]);
    print(fmt::format("{:<24} {:<16} {:>10}  {}\n", printable(id.empty() ? "-" : id), answer,
                      believed, used));
  }

 private:
  const BundleInfo& info_;
  bool is_json_;
  bool has_header_ = false;
};

PredictOptions predict_options(const PredictCommand& command, const BundleInfo& info) {
  PredictOptions options;
  options.reconstructs = command.reconstructs;
  if (!command.available.empty()) {
    options.available = parse_pattern(command.available, info.modality_names());
  }
  return options;
}

/// Nothing must be predicted from nothing.
void check_used(const Predictions& predictions, const std::vector<std::string>& ids,
                const PredictCommand& command) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!predictions.used[i].empty()) continue;
    throw DataError(fmt::format("utterance '{}' has none of the modalities of --available {}",
                                ids[i], command.available));
  }
}

void predict_all(const PredictCommand& command, const Recogniser& recogniser, Printer& printer) {
  const PredictOptions options = predict_options(command, recogniser.info());
  Workspace workspace;
  read_dialogues(command.source, recogniser.info(), [&](const SourceDialogue& dialogue) {
    const auto predictions = recogniser.predict(dialogue.input.utterances(), workspace, options);
    check_used(predictions, dialogue.ids, command);
    for (std::int64_t i = 0; i < predictions.count; ++i) {
      printer.write(dialogue.id, dialogue.ids[static_cast<std::size_t>(i)], predictions, i);
    }
  });
}

/// Every line is answered at once from the turns of its dialogue so far.
void predict_stream(const PredictCommand& command, const Recogniser& recogniser, Printer& printer) {
  if (!command.source.features.empty()) {
    throw ConfigError("--stream reads JSON lines; --features gives whole arrays");
  }
  const PredictOptions options = predict_options(command, recogniser.info());

  struct Open {
    DialogueStream stream;
    std::vector<std::string> speakers;
  };

  std::map<std::string, Open> open;
  Workspace workspace;
  DialogueInput input(recogniser.info());
  read_lines(command.source.path, [&](const std::string& line, const std::string& place) {
    try {
      const auto request = read_utterance(parse_request(line), "", recogniser.info());
      if (request.dialogue.empty()) open.erase("");  // it stands alone
      auto& dialogue =
          open.try_emplace(request.dialogue, Open{DialogueStream(recogniser), {}}).first->second;
      input.clear();
      request.add_to(input);
      UtteranceView turn = input.utterances()[0];
      turn.speaker = -1;
      if (!request.speaker.empty()) {
        auto& speakers = dialogue.speakers;
        const auto known = std::find(speakers.begin(), speakers.end(), request.speaker);
        turn.speaker = known - speakers.begin();
        if (known == speakers.end()) speakers.push_back(request.speaker);
      }
      const auto predictions = dialogue.stream.add_turn(turn, workspace, options);
      check_used(predictions, {request.id}, command);
      printer.write(request.dialogue, request.id, predictions, 0);
      if (request.ends_dialogue) open.erase(request.dialogue);
    } catch (const Error& error) {
      throw DataError(fmt::format("{}: {}", place, error.what()));
    }
  });
}

void run_predict_media(const PredictCommand& command) {
  if (!command.source.path.empty() || !command.source.features.empty() || command.is_stream ||
      command.reconstructs) {
    throw ConfigError("--media goes without INPUT, --features, --stream and --reconstruct");
  }
  MediaCommand media;
  media.name = "predict";
  media.media = command.media;
  media.model = command.model;
  media.available = command.available;
  media.is_json = command.is_json;
  media.is_webvtt = command.is_webvtt;
  media.is_quiet = true;
  media.command_line = command.command_line;
  carry_out(media);
}

void run_predict(const PredictCommand& command) {
  if (!command.media.inputs.empty()) return run_predict_media(command);
  if (command.is_webvtt) throw ConfigError("--webvtt needs times; it goes with --media");
  if (command.reconstructs && !command.is_json) {
    throw ConfigError("--reconstruct writes whole feature vectors; add --json");
  }
  if (command.reconstructs && command.is_stream) {
    throw ConfigError("--reconstruct does not go with --stream");
  }
  const auto recogniser = Recogniser::load(find_bundle(command.model));
  Printer printer(recogniser.info(), command.is_json || command.is_stream);
  command.is_stream ? predict_stream(command, recogniser, printer)
                    : predict_all(command, recogniser, printer);
}

}  // namespace

std::filesystem::path find_bundle(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return path;
  const auto models = RunFolder::open(path).models();
  if (models.size() == 1) return models.front();
  std::vector<std::string> names;
  for (const auto& model : models) {
    if (names.size() == 5) {
      names.emplace_back("..");
      break;
    }
    names.push_back(model.filename().string());
  }
  throw ArtifactError(
      fmt::format("{}: holds {} models; name the file: {}", path, models.size(),
                  models.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

void add_predict_command(CLI::App& app, const std::vector<std::string>& command_line) {
  auto command = std::make_shared<PredictCommand>();
  command->command_line = command_line;
  CLI::App* predict = app.add_subcommand("predict", "Label utterances with a trained model");
  predict->add_option("MODEL", command->model, "A model file, or a run folder that holds one model")
      ->required();
  predict->add_option("INPUT", command->source.path,
                      "A corpus folder (labels are not needed), a folder of MODALITY.npy, or JSON "
                      "lines; - or nothing = standard input");
  predict
      ->add_option("--features", command->source.features,
                   "One modality's array, [width] or [utterances, width]; may be repeated")
      ->type_name("MODALITY=FILE.npy")
      ->allow_extra_args(false);
  predict->add_flag("--dialogue", command->source.is_one_dialogue,
                    "The rows of the arrays are the turns of one dialogue");
  predict
      ->add_option("--labels", command->source.labels, "Label pickle of a tree, for its dialogues")
      ->type_name("FILE");
  predict
      ->add_option("--available", command->available,
                   "Use only these modalities, e.g. \"acoustic,textual\"")
      ->type_name("LIST");
  predict->add_flag("--stream", command->is_stream,
                    "Answer every line at once, from the turns of its dialogue so far");
  predict->add_flag("--reconstruct", command->reconstructs,
                    "Also estimate the features of absent modalities (with --json)");
  predict->add_flag("--json", command->is_json, "One JSON object per utterance");
  predict
      ->add_option("--media", command->media.inputs,
                   "Recordings (also folders, patterns, tables) instead of INPUT: features are "
                   "extracted first; may be repeated (docs/recordings.md)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  predict->add_flag("--webvtt", command->is_webvtt, "With --media: subtitles with emotions");
  add_media_options(*predict, command->media);
  predict->footer(
      "A line of input: {\"id\": \"u1\", \"dialogue\": \"d1\", \"speaker\": \"A\", \"features\":\n"
      "{\"acoustic\": [0.1, ..], \"textual\": [..]}}. Lines of one dialogue follow each other; a "
      "line\n"
      "without dialogue stands alone. Confidence is calibrated on validation utterances with the\n"
      "same modalities; '?' = there were none.\n\n"
      "Examples:\n"
      "  hardy predict model.safetensors data/CMUMOSI --json\n"
      "  hardy predict model.safetensors --features acoustic=a.npy --features textual=t.npy\n"
      "  my_extractor | hardy predict model.safetensors --stream\n"
      "  hardy predict model.safetensors --media clip.mp4 --transcript clip.srt --webvtt\n");
  predict->callback([command] { run_predict(*command); });
}

}  // namespace hardy
