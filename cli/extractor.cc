// hardy-extractor: execution of the commands on recordings.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/environment.h"
#include "cli/exec_program.h"
#include "cli/extractor.h"
#include "cli/interrupts.h"
#include "cli/media_commands.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "hardy/errors.h"
#include "media/compare_features.h"
#include "media/extraction_folder.h"
#include "media/segment_services.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

CutMode cut_mode(const std::string& word) {
  return word == "pauses" ? CutMode::kPauses : word == "whole" ? CutMode::kWhole : CutMode::kAuto;
}

SegmentOptions segment_options(const MediaOptions& media) {
  SegmentOptions options;
  options.inputs = media.inputs;
  options.transcripts = media.transcripts;
  options.tier = media.tier;
  options.asr = media.asr;
  options.cut = cut_mode(media.cut);
  options.limit = media.limit;
  if (media.labels.empty()) return options;
  // The table lists the wanted recordings below the folder.
  options.table = media.labels;
  options.inputs.clear();
  std::error_code ignored;
  if (media.inputs.size() != 1 || !fs::is_directory(media.inputs[0], ignored)) {
    throw ConfigError("--labels goes with one folder of recordings");
  }
  options.media_folder = media.inputs[0];
  return options;
}

void print_list(const SegmentList& list) {
  for (const auto& segment : list.segments) {
    const auto end =
        std::isfinite(segment.end_s) ? fmt::format("{:.2f}", segment.end_s) : std::string("end");
    print(fmt::format("{:<28} {:>9.2f} {:>9}  {}  {}\n", printable(segment.id), segment.start_s,
                      end, printable(segment.media.string()), printable(segment.text)));
  }
  print(fmt::format("{} utterances\n", list.segments.size()));
}

/// Number of requested modalities that utterances lack.
std::int64_t count_absent(const std::vector<ExtractedSegment>& extracted,
                          const ExtractOptions& options) {
  std::int64_t absent = 0;
  for (const auto& each : extracted) {
    for (std::size_t m = 0; m < each.modalities.size(); ++m) {
      absent += options.wanted[m] && each.modalities[m].values.empty() ? 1 : 0;
    }
  }
  return absent;
}

/// The most frequent reasons of absence, one line each.
std::string absent_text(const Json& absent) {
  constexpr std::size_t kMostReasons = 6;
  std::vector<std::pair<std::int64_t, std::string>> reasons;
  for (const auto& [reason, count] : absent.items()) reasons.emplace_back(count, reason);
  std::stable_sort(reasons.begin(), reasons.end(),
                   [](const auto& x, const auto& y) { return x.first > y.first; });
  std::string text;
  std::int64_t others = 0;
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    const auto& [count, reason] = reasons[i];
    if (i >= kMostReasons) {
      others += count;
    } else {
      text += fmt::format("             {:>6} absent: {}\n", count, printable(reason));
    }
  }
  if (others > 0) {
    text += fmt::format("             {:>6} absent: other reasons, see extract.json\n", others);
  }
  return text;
}

std::string summary_text(const Json& json, const std::string& out) {
  std::string text =
      fmt::format("{}: {} utterances\n", printable(out), json["utterances"].get<std::int64_t>());
  for (const auto& [name, modality] : json["modalities"].items()) {
    text += fmt::format(
        "  {:<10} {:>6} present  ({}, {} wide)\n", name, modality["present"].get<std::int64_t>(),
        modality["maker"].get<std::string>(), modality["width"].get<std::int64_t>());
    text += absent_text(modality["absent"]);
  }
  const auto without = json["without_any_modality"].get<std::int64_t>();
  if (without > 0) text += fmt::format("  {} have no modality and are left out\n", without);
  return text;
}

void check_features(const MediaCommand& command) {
  Json list = Json::array();
  std::string text = fmt::format("{:<12} {:>9} {:>12} {:>12}  least alike\n", "modality",
                                 "compared", "mean cosine", "least");
  for (const auto& each : compare_features(command.check, command.against)) {
    list.push_back({{"modality", each.modality},
                    {"compared", each.compared},
                    {"only_ours", each.only_ours},
                    {"only_against", each.only_other},
                    {"mean_cosine", each.mean_cosine},
                    {"least_cosine", each.least_cosine},
                    {"least_id", each.least_id},
                    {"width", each.width_note}});
    if (!each.width_note.empty()) {
      text += fmt::format("{:<12} widths differ: {}\n", printable(each.modality),
                          printable(each.width_note));
      continue;
    }
    text +=
        fmt::format("{:<12} {:>9} {:>12.6f} {:>12.6f}  {}\n", printable(each.modality),
                    each.compared, each.mean_cosine, each.least_cosine, printable(each.least_id));
    if (each.only_ours + each.only_other > 0) {
      text += fmt::format("{:<12} {} only in {}, {} only in {}\n", "", each.only_ours,
                          command.check, each.only_other, command.against);
    }
  }
  const Json json = {{"format", 1}, {"modalities", list}};
  print(command.is_json ? json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n" : text);
}

/// Extracts into command.out and prints a summary.
void extract_corpus(const MediaCommand& command) {
  const Extracted extracted = extract_media(command);
  if (command.is_dry_run) {
    print_list(extracted.list);
    return;
  }
  write_extraction(extracted.results, extracted.options, extracted.list.notes, command.out);
  Json json = extraction_json(extracted.results, extracted.options, extracted.list.notes);
  json.erase("list");
  print(command.is_json ? json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                        : summary_text(json, command.out));
  const auto absent = count_absent(extracted.results, extracted.options);
  if (command.is_strict && absent > 0) {
    throw DataError(
        fmt::format("--strict: {} modalities of {} utterances are absent; extract.json "
                    "has the reasons",
                    absent, extracted.results.size()));
  }
}

/// The command line of `hardy run` without its recording options, on the extracted corpus.
std::vector<std::string> training_line(const MediaCommand& command) {
  constexpr const char* kOptions[] = {
      "--media",       "--labels",      "--transcripts", "--transcript",   "--tier",
      "--asr",         "--cut",         "--only",        "--picture-step", "--max-seconds",
      "--cascade",     "--memory",      "--stall",       "--limit",        "--media-cache",
      "--audio",       "--text",        "--video",       "--backbones",    "--like",
      "--manet-order", "--audio-model", "--text-model",  "--video-model",  "--layers"};
  constexpr const char* kFlags[] = {"--no-media-cache", "--redo", "--trust-programs"};
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < command.command_line.size(); ++i) {
    const std::string& word = command.command_line[i];
    const std::string name = word.substr(0, word.find('='));
    if (std::find(std::begin(kFlags), std::end(kFlags), word) != std::end(kFlags)) continue;
    if (std::find(std::begin(kOptions), std::end(kOptions), name) != std::end(kOptions)) {
      if (name == word) ++i;  // skips its value
      continue;
    }
    kept.push_back(word);
  }
  const auto run = std::find(kept.begin(), kept.end(), "run");
  check(run != kept.end(), "a command line of `run` without the word");
  kept.insert(run + 1, command.out);
  return kept;
}

/// Reads "FIRST..LAST" or one number, all negative.
void read_layers(const std::string& text, BackboneFiles& files) {
  const auto dots = text.find("..");
  const auto number = [&](const std::string& part) {
    int value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || value >= 0) {
      throw ConfigError(fmt::format(
          "--layers {}: write -4..-1, or one number below zero; -1 is the last state", text));
    }
    return value;
  };
  files.first_state = number(text.substr(0, dots));
  files.last_state = dots == std::string::npos ? files.first_state : number(text.substr(dots + 2));
  if (files.first_state > files.last_state) {
    throw ConfigError(fmt::format("--layers {}: the first is behind the last", text));
  }
  if (files.text.empty() && files.sound.empty()) {
    throw ConfigError("--layers goes with --audio or --text");
  }
}

}  // namespace

std::array<bool, 3> wanted_modalities(const std::string& only) {
  if (only.empty()) return {true, true, true};
  const std::map<std::string, std::size_t> known = {{"audio", 0},   {"acoustic", 0}, {"text", 1},
                                                    {"textual", 1}, {"video", 2},    {"visual", 2}};
  std::array<bool, 3> wanted = {false, false, false};
  std::size_t start = 0;
  while (start <= only.size()) {
    const auto end = std::min(only.find(',', start), only.size());
    const auto found = known.find(only.substr(start, end - start));
    if (found == known.end()) {
      throw ConfigError(fmt::format("--only {}: possible are audio, text and video", only));
    }
    wanted[found->second] = true;
    start = end + 1;
  }
  return wanted;
}

ExtractOptions extract_options(const MediaOptions& media) {
  ExtractOptions options;
  options.wanted = wanted_modalities(media.only);
  options.picture_step_s = media.picture_step_s;
  options.max_seconds = media.max_seconds;
  options.cascade = media.cascade;
  BackboneFiles files;
  files.sound = media.sound_network;
  files.text = media.text_network;
  files.pictures = media.picture_network;
  files.like = media.like;
  files.is_manet_since_2023 = media.manet_order == "since-2023";
  files.cascade = media.cascade;
  files.trusts_programs = media.trusts_programs;
  const bool has_makers = std::any_of(media.makers.begin(), media.makers.end(),
                                      [](const auto& maker) { return is_of_network(maker); });
  const char* usual = has_makers ? std::getenv("HARDY_BACKBONES") : nullptr;
  const fs::path folder = media.backbones.empty() && usual != nullptr ? usual : media.backbones;
  if (!folder.empty()) files = find_backbones(folder, media.makers, std::move(files));
  if (!files.like.empty() && !files.any()) {
    throw ConfigError("--like goes with --audio, --text or --video");
  }
  if (!media.layers.empty()) read_layers(media.layers, files);
  if (files.any()) options.backbones = open_backbones(files);
  options.stall_s = media.stall_s;
  options.memory_bytes = parse_bytes(media.memory);
  options.redo = media.redo;
  options.jobs = media.jobs > 0
                     ? media.jobs
                     : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 16);
  if (!media.has_no_cache) {
    options.cache =
        media.cache.empty() ? default_cache_folder() / "vectors" : fs::path(media.cache);
  }
  return options;
}

Extracted extract_media(const MediaCommand& command) {
  return extract_media(command, extract_options(command.media));
}

Extracted extract_media(const MediaCommand& command, const ExtractOptions& options) {
  Extracted result;
  const std::atomic<bool>& stop = catch_interrupts();
  result.options = options;
  result.options.is_stopped = [&stop] { return stop.load(); };
  ProgressBar bar(stderr_progress(command.is_quiet || !command.log.empty()));
  SegmentPreparation preparation(command.media.asr, result.options);
  result.list = list_segments(segment_options(command.media), preparation.services());
  if (command.is_dry_run) return result;
  for (const auto& line : result.list.notes) bar.note(line);
  bar.start("extracting");
  result.options.progress = [&](double done, double total, const std::string& media) {
    if (!command.log.empty()) {
      const Json line = {{"done", done}, {"total", total}, {"media", media}};
      print_notice(line.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    bar.update(done, total, fs::path(media).filename().string());
  };
  result.results = extract_segments(result.list.segments, result.options);
  result.options.progress = {};
  result.options.is_stopped = {};
  bar.finish();
  return result;
}

void carry_out(const MediaCommand& command) {
  if (!command.check.empty()) return check_features(command);
  if (command.name == "predict") return predict_media(command);
  if (command.name == "explain") return explain_media(command);
  if (command.name == "answer-recordings") return answer_recordings(command);
  extract_corpus(command);
  if (command.name == "run") {
    become_program("hardy-trainer", "run", "HARDY_TRAINING", training_line(command));
  }
}

}  // namespace hardy
