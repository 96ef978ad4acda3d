#include "cli/predict_command.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "cli/media_commands.h"
#include "cli/output.h"
#include "cli/prediction_lines.h"
#include "cli/prediction_source.h"
#include "hardy/errors.h"
#include "hardy/stream.h"
#include "inference/request.h"
#include "pipeline/check_run.h"
#include "pipeline/run_folder.h"

namespace hardy {
namespace {

struct PredictCommand {
  std::string model;
  SourceOptions source;
  std::string available;
  double set_aside_rate = 0;
  bool is_stream = false;
  std::optional<double> coverage;
  bool reconstructs = false;
  bool is_json = false;
  bool is_webvtt = false;
  MediaOptions media;
  std::vector<std::string> command_line;
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

/// Dialogues that are predicted together: the layers of a network then read their weights once for
/// all of them. An utterance gets the same bytes alone and among others.
class DialogueBatch {
 public:
  /// Fewer utterances than this are worth another dialogue.
  static constexpr std::size_t kEnough = 512;

  void add(const SourceDialogue& dialogue) {
    dialogues_.push_back(dialogue);
    rows_ += dialogue.ids.size();
  }

  [[nodiscard]] bool is_full() const { return rows_ >= kEnough; }

  /// Calls `predict` with all dialogues and empties the batch. If that fails, calls it with one
  /// dialogue after the other, so that those before the faulty one are answered.
  template <typename Predict>
  void give_to(const Predict& predict) {
    const auto dialogues = std::exchange(dialogues_, {});
    rows_ = 0;
    if (dialogues.empty()) return;
    try {
      return predict(std::span(dialogues));
    } catch (const DataError&) {
      if (dialogues.size() == 1) throw;
    }
    for (const auto& dialogue : dialogues) predict(std::span(&dialogue, 1));
  }

 private:
  std::vector<SourceDialogue> dialogues_;
  std::size_t rows_ = 0;
};

void predict_all(const PredictCommand& command, const Recogniser& recogniser,
                 const PredictionSets* sets, PredictionLines& lines) {
  const PredictOptions options = predict_options(command, recogniser.info());
  Workspace workspace;
  UnreadCount unread;
  UnpromisedCount unpromised(recogniser.info(), sets);
  DialogueBatch batch;
  const auto predict = [&](std::span<const SourceDialogue> dialogues) {
    std::vector<UtteranceView> views;
    std::vector<std::int64_t> offsets = {0};
    for (const auto& dialogue : dialogues) {
      const auto own = dialogue.input.utterances();
      views.insert(views.end(), own.begin(), own.end());
      offsets.push_back(static_cast<std::int64_t>(views.size()));
    }
    const auto predictions = recogniser.predict(views, offsets, workspace, options);
    unread.add(predictions);
    unpromised.add(predictions, dialogues.size());
    std::int64_t row = 0;
    for (const auto& dialogue : dialogues) {
      for (const auto& id : dialogue.ids) lines.write(dialogue.id, id, predictions, row++);
    }
  };
  // Whoever feeds standard input or a pipe may wait for each answer.
  std::error_code ignored;
  const std::filesystem::path path = command.source.path;
  const bool waits = command.source.features.empty() &&
                     !std::filesystem::is_regular_file(path, ignored) &&
                     !std::filesystem::is_directory(path, ignored);
  try {
    read_dialogues(command.source, recogniser.info(), [&](const SourceDialogue& dialogue) {
      batch.add(dialogue);
      if (waits || batch.is_full()) batch.give_to(predict);
    });
  } catch (const DataError&) {
    batch.give_to(predict);  // what stands before the fault is answered
    throw;
  }
  batch.give_to(predict);
  unread.report(command.available);
  unpromised.report();
}

/// Predicts every line at once from the turns of its dialogue so far.
void predict_stream(const PredictCommand& command, const Recogniser& recogniser,
                    PredictionLines& lines) {
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
      lines.write(request.dialogue, request.id, predictions, 0);
      if (request.ends_dialogue) open.erase(request.dialogue);
    } catch (const Error& error) {
      throw DataError(fmt::format("{}: {}", place, error.what()));
    }
  });
  unread.report(command.available);
}

void run_predict_media(const PredictCommand& command) {
  require_no_source(command.source);
  if (command.is_stream || command.reconstructs || command.coverage ||
      command.set_aside_rate != 0) {
    throw ConfigError("--media goes without --stream, --reconstruct, --coverage and --set-aside");
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
  if (command.coverage && command.is_stream) {
    throw ConfigError(
        "--coverage was measured on whole dialogues and does not hold for the turns so far, so it "
        "does not go with --stream");
  }
  const auto recogniser = Recogniser::load(find_bundle(command.model));
  std::optional<PredictionSets> sets;
  if (command.coverage) sets.emplace(recogniser.info(), *command.coverage);
  const PredictionSets* const given = sets ? &*sets : nullptr;
  PredictionLines lines(recogniser.info(), command.is_json || command.is_stream, given);
  command.is_stream ? predict_stream(command, recogniser, lines)
                    : predict_all(command, recogniser, given, lines);
}

/// Options about how far an answer and its input can be trusted.
void add_trust_options(CLI::App& predict, PredictCommand& command) {
  predict
      .add_option("--set-aside", command.set_aside_rate,
                  "Leave out features that look damaged; RATE: share of good ones suspected")
      ->type_name("RATE")
      ->check(CLI::Range(0.0, 1.0));
  predict
      .add_option("--coverage", command.coverage,
                  "Also the set of classes, or the interval, that holds the truth of this share "
                  "of utterances, e.g. 0.9 (docs/confidence.md)")
      ->type_name("SHARE");
}

}  // namespace

std::filesystem::path find_bundle(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return path;
  const RunFolder run = RunFolder::open(path);
  const auto models = run.models();
  if (models.size() == 1) {
    verify_model(run, models.front());
    return models.front();
  }
  const RunManifest& manifest = run.manifest();
  const auto complete = Pattern::complete(static_cast<int>(manifest.modality_names.size()));
  auto seeds = manifest.config.run.seeds;
  std::sort(seeds.begin(), seeds.end());
  for (const char* track : {"unified", "specialist"}) {
    for (int fold = 0; fold < static_cast<int>(manifest.folds.size()); ++fold) {
      for (const auto seed : seeds) {
        const auto file = run.model_file({track, complete, fold, seed});
        if (!std::filesystem::exists(file, ignored)) continue;
        verify_model(run, file);
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
  add_trust_options(*predict, *command);
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
