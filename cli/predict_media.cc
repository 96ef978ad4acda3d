// Recordings -> predictions with time stamps: a table, JSON lines, or subtitles.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/extractor.h"
#include "cli/output.h"
#include "cli/predict_command.h"
#include "hardy/errors.h"
#include "hardy/recogniser.h"
#include "media/media_answers.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

void print_json(const std::vector<MediaAnswer>& answers, const BundleInfo& info) {
  for (const auto& answer : answers) {
    Json line = {{"format", 1}};
    line.update(media_answer_json(answer, info));
    print(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  }
}

std::string vtt_time(double seconds) {
  const auto ms = std::llround(std::max(0.0, seconds) * 1000);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
                     ms % 1000);
}

/// Text of a cue with its markup characters escaped.
std::string vtt_text(std::string_view text) {
  std::string escaped;
  for (const char letter : text) {
    escaped += letter == '&'   ? "&amp;"
               : letter == '<' ? "&lt;"
               : letter == '>' ? "&gt;"
                               : std::string(1, letter);
  }
  return escaped;
}

void print_webvtt(const std::vector<MediaAnswer>& answers) {
  print("WEBVTT\n");
  for (const auto& answer : answers) {
    const Segment& segment = answer.source->segment;
    if (answer.prediction.is_null() || answer.end_s <= segment.start_s) continue;
    const std::string voice =
        segment.speaker.empty() ? "" : fmt::format("<v {}>", vtt_text(segment.speaker));
    print(fmt::format("\n{} --> {}\n{}[{} {:.0f} %] {}\n", vtt_time(segment.start_s),
                      vtt_time(answer.end_s), voice, vtt_text(answer.label),
                      100 * answer.confidence, vtt_text(segment.text)));
  }
}

void print_table(const std::vector<MediaAnswer>& answers, const BundleInfo& info) {
  print(fmt::format("{:>9} {:>9}  {:<12} {:>10}  {:<6} {}\n", "start", "end",
                    info.is_classification() ? "label" : "value",
                    info.is_classification() ? "confidence" : "error", "used", "utterance"));
  for (const auto& answer : answers) {
    const Segment& segment = answer.source->segment;
    const auto said = segment.text.empty() ? segment.id : segment.text;
    if (!answer.prediction.is_null()) {
      print(fmt::format("{:>9.2f} {:>9.2f}  {:<12} {:>10.3f}  {:<6} {}\n", segment.start_s,
                        answer.end_s, printable(answer.label), answer.confidence, answer.used,
                        printable(said)));
      continue;
    }
    const Json reasons = media_reasons(*answer.source, info);
    print(fmt::format("{:>9.2f} {:>9.2f}  {:<12} {:>10}  {:<6} {}: {}\n", segment.start_s,
                      answer.end_s, "-", "-", "-", printable(said),
                      printable(reasons.dump(-1, ' ', false, Json::error_handler_t::replace))));
  }
}

}  // namespace

ExtractedForModel extract_for_model(const MediaCommand& command, const BundleInfo& info) {
  PredictOptions options;
  if (!command.available.empty()) {
    options.available = parse_pattern(command.available, info.modality_names());
  }
  MediaCommand narrowed = command;
  if (narrowed.media.only.empty()) {  // extracts only modalities that the model reads
    const auto read = media_modalities(info, options.available);
    for (std::size_t m = 0; m < read.size(); ++m) {
      if (!read[m]) continue;
      narrowed.media.only += (narrowed.media.only.empty() ? "" : ",");
      narrowed.media.only += kMediaModalities[m];
    }
  }
  narrowed.media.makers = media_makers(info);
  const ExtractOptions wanted = extract_options(narrowed.media);
  check_media_makers(info, feature_makers(wanted), wanted.wanted, "--media");
  return {extract_media(narrowed, wanted), options};
}

void predict_media(const MediaCommand& command) {
  const auto recogniser = Recogniser::load(find_bundle(command.model));
  const BundleInfo& info = recogniser.info();
  const auto [extracted, options] = extract_for_model(command, info);
  const auto answers = answer_media(extracted.results, recogniser, options);
  if (command.is_webvtt) {
    print_webvtt(answers);
  } else if (command.is_json) {
    print_json(answers, info);
  } else {
    print_table(answers, info);
  }
  const bool has_any = std::any_of(answers.begin(), answers.end(), [](const MediaAnswer& answer) {
    return !answer.prediction.is_null();
  });
  if (!has_any) {
    throw DataError("no utterance has a modality that the model reads; --json says why");
  }
}

}  // namespace hardy
