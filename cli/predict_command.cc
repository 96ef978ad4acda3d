#include "cli/predict_command.h"

#include <algorithm>
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
  double set_aside_rate = 0;
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
      nlohmann::ordered_json line = {{"format", 1}};
      if (!id.empty()) line["id"] = id;
      if (!dialogue.empty()) line["dialogue"] = dialogue;
      if (predictions.used[static_cast<std::size_t>(i)].empty()) {
        line[info_.is_classification() ? "label" : "value"] = nullptr;
        line["used"] = nlohmann::ordered_json::array();
      } else {
        line.update(answer_json(info_, predictions, i));
      }
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
    auto used = pattern_label(predictions.used[row], info_.modality_names());
    if (!predictions.suspected.empty() && !predictions.suspected[row].empty()) {
      used += "  suspected: " + pattern_label(predictions.suspected[row], info_.modality_names());
    }
    if (predictions.used[row].empty()) {
      print(fmt::format("{:<24} {:<16} {:>10}  {}\n", printable(id.empty() ? "-" : id), "-", "-",
                        "-"));
      return;
    }
    const bool is_calibrated = predictions.calibrated[row] != 0;
    const auto believed =
        info_.is_classification() || is_calibrated
            ? fmt::format("{:.3f}{}", predictions.confidence[row], is_calibrated ? "" : "?")
            : "?";
    const auto answer =
        info_.is_classification()
            ? printable(info_.class_names[static_cast<std::size_t>(predictions.labels[row])])
        : info_.target_names.empty() ? fmt::format("{:.4f}", predictions.row(i)[0])
                                     : targets_text(predictions.row(i));
    print(fmt::format("{:<24} {:<16} {:>10}  {}\n", printable(id.empty() ? "-" : id), answer,
                      believed, used));
  }

 private:
  /// "joy,fear", "-" for none; of several values each one with its name.
  [[nodiscard]] std::string targets_text(std::span<const float> outputs) const {
    std::string text;
    for (std::size_t t = 0; t < outputs.size(); ++t) {
      const std::string name = printable(info_.target_names[t]);
      const std::string comma = text.empty() ? "" : ",";
      if (info_.label_kind == "values") {
        text += fmt::format("{}{}={:.3f}", comma, name, outputs[t]);
      } else if (outputs[t] > 0.5F) {
        text += comma + name;
      }
    }
    return text.empty() ? "-" : text;
  }

  const BundleInfo& info_;
  bool is_json_;
  bool has_header_ = false;
};

PredictOptions predict_options(const PredictCommand& command, const BundleInfo& info) {
  PredictOptions options;
  options.reconstructs = command.reconstructs;
  options.set_aside_rate = command.set_aside_rate;
  if (!command.available.empty()) {
    options.available = parse_pattern(command.available, info.modality_names());
  }
  return options;
}

/// Utterances without an available modality get no prediction; they are listed and counted.
class UnreadCount {
 public:
  void add(const Predictions& predictions) {
    all_ += predictions.count;
    for (const auto used : predictions.used) unread_ += used.empty() ? 1 : 0;
  }

  /// Throws DataError when no utterance has a prediction.
  void report(const PredictCommand& command) const {
    if (unread_ == 0) return;
    const auto which = command.available.empty() ? "" : " of --available " + command.available;
    if (unread_ == all_) {
      throw DataError(fmt::format(
          "none of the {} utterances has any of the modalities{}; nothing can be predicted", all_,
          which));
    }
    print_notice(
        fmt::format("hardy: note: {} of {} utterances have none of the modalities{} and get "
                    "no answer",
                    unread_, all_, which));
  }

 private:
  std::int64_t all_ = 0;
  std::int64_t unread_ = 0;
};

void predict_all(const PredictCommand& command, const Recogniser& recogniser, Printer& printer) {
  const PredictOptions options = predict_options(command, recogniser.info());
  Workspace workspace;
  UnreadCount unread;
  read_dialogues(command.source, recogniser.info(), [&](const SourceDialogue& dialogue) {
    const auto predictions = recogniser.predict(dialogue.input.utterances(), workspace, options);
    unread.add(predictions);
    for (std::int64_t i = 0; i < predictions.count; ++i) {
      printer.write(dialogue.id, dialogue.ids[static_cast<std::size_t>(i)], predictions, i);
    }
  });
  unread.report(command);
}

/// Predicts every line at once from the turns of its dialogue so far.
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
  UnreadCount unread;
  read_lines(command.source.path, [&](const std::string& line, const std::string& place) {
    try {
      const auto request = read_line(line, recogniser.info());
      if (request.only_ends()) {
        open.erase(request.dialogue);
        return;
      }
      if (request.dialogue.empty()) open.erase("");  // an utterance without dialogue
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
      unread.add(predictions);
      printer.write(request.dialogue, request.id, predictions, 0);
      if (request.ends_dialogue) open.erase(request.dialogue);
    } catch (const Error& error) {
      throw DataError(fmt::format("{}: {}", place, error.what()));
    }
  });
  unread.report(command);
}

void run_predict_media(const PredictCommand& command) {
  require_no_source(command.source);
  if (command.is_stream || command.reconstructs || command.set_aside_rate != 0) {
    throw ConfigError("--media goes without --stream, --reconstruct and --set-aside");
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
  const RunFolder run = RunFolder::open(path);
  const auto models = run.models();
  if (models.size() == 1) return models.front();
  const RunManifest& manifest = run.manifest();
  const auto complete = Pattern::complete(static_cast<int>(manifest.modality_names.size()));
  auto seeds = manifest.config.run.seeds;
  std::sort(seeds.begin(), seeds.end());
  for (const char* track : {"unified", "specialist"}) {
    for (int fold = 0; fold < static_cast<int>(manifest.folds.size()); ++fold) {
      for (const auto seed : seeds) {
        const auto file = run.model_file({track, complete, fold, seed});
        if (!std::filesystem::exists(file, ignored)) continue;
        print_notice(
            fmt::format("hardy: note: {} holds {} models; this is {}, of the first fold "
                        "and smallest seed; name a file for another",
                        path, models.size(), file.filename().string()));
        return file;
      }
    }
  }
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
  predict
      ->add_option("MODEL", command->model,
                   "A model file, or a run folder: its unified model of the first fold and seed")
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
      ->add_option("--reduce", command->source.reduce,
                   "What becomes of sequences of frames, as it was in training: mean or mean-std")
      ->check(CLI::IsMember({"mean", "mean-std"}));
  predict
      ->add_option("--available", command->available,
                   "Use only these modalities, e.g. \"acoustic,textual\"")
      ->type_name("LIST");
  predict
      ->add_option("--set-aside", command->set_aside_rate,
                   "Leave out features that look damaged; RATE: share of good ones suspected")
      ->type_name("RATE")
      ->check(CLI::Range(0.0, 1.0));
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
