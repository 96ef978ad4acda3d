#include "cli/media_commands.h"

#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "hardy/errors.h"
#include "hardy/extract.h"

namespace hardy {
namespace {

void add_output_options(CLI::App& command, MediaCommand& typed) {
  command.add_option("-o,--out", typed.out, "Folder of the corpus that is written")
      ->type_name("DIR");
  command.add_flag("--dry-run", typed.is_dry_run, "List the utterances and stop");
  command.add_flag("--strict", typed.is_strict,
                   "Exit code 3 when any utterance lacks any modality that was asked for");
  auto* check = command.add_option("--check", typed.check,
                                   "Compare these features instead of extracting any");
  auto* against = command.add_option("--against", typed.against,
                                     "with those: a corpus in the plain form, or a folder of "
                                     "MODALITY/UTTERANCE.npy");
  check->type_name("DIR")->needs(against);
  against->type_name("DIR")->needs(check);
  command.add_option("--log", typed.log, "Progress on standard error as JSON lines")
      ->type_name("json")
      ->check(CLI::IsMember({"json"}));
  command.add_flag("--json", typed.is_json, "Print the summary as JSON");
  command.add_flag("--quiet", typed.is_quiet, "No progress on standard error");
}

void check_command(const MediaCommand& command) {
  if (!command.check.empty()) return;
  if (command.media.inputs.empty()) {
    throw ConfigError("name recordings, folders, patterns or a table of segments");
  }
  if (command.out.empty() && !command.is_dry_run) {
    throw ConfigError("--out DIR is needed: where the corpus is written");
  }
}

}  // namespace

std::int64_t parse_bytes(const std::string& text) {
  std::size_t end = 0;
  double value = 0;
  try {
    value = std::stod(text, &end);
  } catch (const std::logic_error&) {
    end = 0;
  }
  const std::string unit = text.substr(end);
  const double factor = unit.empty()  ? 1
                        : unit == "K" ? 1024.0
                        : unit == "M" ? 1048576.0
                        : unit == "G" ? 1073741824.0
                                      : 0;
  if (end == 0 || factor == 0 || !(value > 0) || value * factor > 1e15) {
    throw ConfigError(fmt::format("'{}' is no amount of memory; write 512M or 4G", text));
  }
  return static_cast<std::int64_t>(value * factor);
}

void add_network_options(CLI::App& command, MediaOptions& options) {
  command
      .add_option("--audio,--audio-model", options.sound_network,
                  "wav2vec of fairseq (.pt), or a folder with wav2vec2, hubert or wavlm")
      ->type_name("PATH");
  command
      .add_option("--text,--text-model", options.text_network,
                  "A folder with deberta (the first version), bert or roberta")
      ->type_name("DIR");
  command.add_option("--video,--video-model", options.picture_network, "MA-Net (.pth)")
      ->type_name("FILE");
  command
      .add_option("--backbones", options.backbones,
                  "Folder in which these networks are found by their contents; for a model, those "
                  "that made its features, pooled alike (default $HARDY_BACKBONES)")
      ->type_name("DIR");
  command
      .add_option("--like", options.like,
                  "Pool the networks' outputs as these scripts do; default: mean of tokens, "
                  "frames, faces")
      ->type_name("SCRIPT")
      ->check(CLI::IsMember({"gcnet", "merbench"}));
  command
      .add_option("--layers", options.layers,
                  "States of text and speech networks that are summed, -1 = the last one (default "
                  "-4..-1)")
      ->type_name("FIRST..LAST");
  command
      .add_option("--manet-order", options.manet_order,
                  "How MA-Net's second chain runs; files of before April 2023 need the first")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"before-2023", "since-2023"}))
      ->capture_default_str();
  command.add_flag("--trust-programs", options.trusts_programs,
                   "Run networks that are TorchScript files (.pt), which can do whatever you can");
}

const char* extractor_program(const MediaOptions& options) {
  return options.trusts_programs ? "hardy-extractor-torch" : "hardy-extractor";
}

const char* extractor_option(const MediaOptions& options) {
  return options.trusts_programs ? "HARDY_TRAINING" : "HARDY_MEDIA";
}

void add_media_options(CLI::App& command, MediaOptions& options, bool has_jobs) {
  add_network_options(command, options);
  command
      .add_option("--transcripts,--transcript", options.transcripts,
                  "A transcript, or a folder with transcripts by the recordings' stems; default "
                  "beside them")
      ->type_name("PATH");
  command.add_option("--tier", options.tier, "Tier of a TextGrid or ELAN file")->type_name("NAME");
  command
      .add_option("--asr", options.asr,
                  "Makes missing transcripts, e.g. 'whisper-cli -f {wav} -oj -of {out}'")
      ->type_name("COMMAND");
  command
      .add_option("--cut", options.cut,
                  "Recordings without transcript: auto (at pauses from 15 s on), pauses, whole")
      ->type_name("HOW")
      ->check(CLI::IsMember({"auto", "pauses", "whole"}))
      ->capture_default_str();
  command.add_option("--only", options.only, "Only these: audio, text, video")->type_name("LIST");
  command
      .add_option("--picture-step", options.picture_step_s,
                  "Seconds between two pictures that are looked at")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  command
      .add_option("--max-seconds", options.max_seconds, "Longer utterances are refused, each alone")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command.add_option("--cascade", options.cascade, "Face detector; default opencv-data's")
      ->type_name("FILE");
  if (!has_jobs) {
    command.add_option("--jobs", options.jobs, "Recordings decoded side by side; 0 = one per core")
        ->type_name("N")
        ->check(CLI::Range(0, 256));
  }
  command.add_option("--memory", options.memory, "Address space of each decoding process")
      ->type_name("SIZE")
      ->capture_default_str();
  command
      .add_option("--stall", options.stall_s,
                  "A decoder without progress for so long is ended; its utterance gets a reason")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  command.add_option("--limit", options.limit, "At most so many recordings")->type_name("N");
  command.add_option("--media-cache", options.cache, "Finished vectors; default the user's own")
      ->type_name("DIR");
  command.add_flag("--no-media-cache", options.has_no_cache, "Keep no finished vectors");
  command.add_flag("--redo", options.redo, "Ignore finished vectors");
}

void add_answer_recordings_command(CLI::App& app) {
  auto typed = std::make_shared<MediaCommand>();
  typed->name = "answer-recordings";
  CLI::App* command =
      app.add_subcommand("answer-recordings", "The helper of `hardy serve --media`");
  command->group("");
  command->add_option("--control", typed->control, "Descriptor of a socket")->required();
  command->add_option("--cpu-seconds", typed->cpu_seconds, "Of each process")->required();
  command->add_flag("--confined", typed->is_confined, "Give up all rights but those to decode");
  add_media_options(*command, typed->media);
  for (std::size_t m = 0; m < kMediaModalities.size(); ++m) {
    command->add_option(fmt::format("--{}-maker", kMediaModalities[m]), typed->media.makers[m]);
  }
  command->callback([typed] {
    typed->media.has_no_cache = true;
    carry_out(*typed);
  });
}

void add_extract_command(CLI::App& app, const std::vector<std::string>& command_line) {
  auto typed = std::make_shared<MediaCommand>();
  typed->name = "extract";
  CLI::App* command = app.add_subcommand("extract", "Recordings -> a corpus of features");
  command->add_option("INPUT", typed->media.inputs,
                      "Recordings, folders, patterns in quotes, or tables of segments (media, id, "
                      "start, end, speaker, text, dialogue, label, group, split)");
  add_output_options(*command, *typed);
  add_media_options(*command, typed->media);
  command->footer(
      "Writes the plain form and extract.json, which says for each utterance what it has and why\n"
      "it lacks the rest (docs/recordings.md). Finished vectors are kept: the same command goes "
      "on\n"
      "where it stopped.\n\n"
      "Examples:\n"
      "  hardy extract videos/ -o corpus                    transcripts found by stem\n"
      "  hardy extract clip.mp4 --transcript clip.srt -o corpus\n"
      "  hardy extract segments.csv -o corpus --jobs 4      utterances and labels from a table\n"
      "  hardy extract --check corpus --against published   are these the same features?\n");
  command->callback([typed, command_line] {
    check_command(*typed);
    static_cast<void>(parse_bytes(typed->media.memory));
    typed->command_line = command_line;
    carry_out(*typed);
  });
}

}  // namespace hardy
