// Recordings -> predictions with time stamps: a table, JSON lines, or subtitles.
#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/extractor.h"
#include "cli/output.h"
#include "cli/predict_command.h"
#include "hardy/errors.h"
#include "hardy/recogniser.h"
#include "inference/request.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

/// An utterance with its prediction; without one if no modality could be used.
struct Answer {
  const ExtractedSegment* source = nullptr;
  double end_s = 0;
  Json json;
  std::string label;
  double confidence = 0;
  std::string used;
};

/// End of an utterance; the recording's end if it has none.
double end_of(const ExtractedSegment& each) {
  if (std::isfinite(each.segment.end_s)) return each.segment.end_s;
  return each.segment.start_s + each.seconds;
}

Json reasons_json(const ExtractedSegment& each, const BundleInfo& info) {
  Json reasons = Json::object();
  for (std::size_t m = 0; m < kMediaModalities.size(); ++m) {
    const auto names = info.modality_names();
    if (std::find(names.begin(), names.end(), kMediaModalities[m]) == names.end()) continue;
    if (each.modalities[m].values.empty()) {
      reasons[kMediaModalities[m]] = each.modalities[m].reason;
    }
  }
  return reasons;
}

/// The features of an utterance that the model reads.
std::vector<NamedFeatures> features_of(const ExtractedSegment& each, const BundleInfo& info,
                                       Pattern available) {
  std::vector<NamedFeatures> features;
  for (std::size_t m = 0; m < kMediaModalities.size(); ++m) {
    for (std::size_t own = 0; own < info.modalities.size(); ++own) {
      const bool is_same = info.modalities[own].name == kMediaModalities[m];
      const auto& values = each.modalities[m].values;
      if (is_same && available.has(static_cast<int>(own)) && !values.empty()) {
        features.emplace_back(kMediaModalities[m], values);
      }
    }
  }
  return features;
}

void check_makers(const BundleInfo& info, const ExtractOptions& options) {
  const auto makers = feature_makers(options);
  bool has_common = false;
  for (std::size_t own = 0; own < info.modalities.size(); ++own) {
    for (std::size_t m = 0; m < kMediaModalities.size(); ++m) {
      const auto& modality = info.modalities[own];
      if (modality.name != kMediaModalities[m] || !options.wanted[m]) continue;
      check_maker(info, own, makers[m].name, "--media");
      if (info.maker(own).empty() || modality.width != makers[m].width) {
        throw DataError(
            fmt::format("--media: the model reads {} features of {} values{}, the extractor '{}' "
                        "makes {}; train on a corpus that `hardy extract` wrote",
                        modality.name, modality.width,
                        info.maker(own).empty() ? " by an unknown extractor" : "", makers[m].name,
                        makers[m].width));
      }
      has_common = true;
    }
  }
  if (!has_common) {
    throw DataError(
        fmt::format("--media: recordings give acoustic, textual and visual features, "
                    "the model reads {}",
                    fmt::join(info.modality_names(), ", ")));
  }
}

/// The class, the value, or of several labels the predicted ones.
std::string label_text(const BundleInfo& info, const Predictions& predictions, std::int64_t i) {
  const auto outputs = predictions.row(i);
  if (info.is_classification()) {
    const auto label = predictions.labels[static_cast<std::size_t>(i)];
    return info.class_names[static_cast<std::size_t>(label)];
  }
  if (info.target_names.empty()) return fmt::format("{:.3f}", outputs[0]);
  std::string text;
  for (std::size_t t = 0; t < info.target_names.size(); ++t) {
    const bool is_value = info.label_kind == "values";
    if (!is_value && outputs[t] <= 0.5F) continue;
    text += (text.empty() ? "" : ", ") + info.target_names[t];
    if (is_value) text += fmt::format(" {:.2f}", outputs[t]);
  }
  return text.empty() ? "-" : text;
}

/// The answers of one dialogue's utterances.
void answer_dialogue(const std::vector<const ExtractedSegment*>& turns,
                     const Recogniser& recogniser, const PredictOptions& options,
                     std::vector<Answer>& answers) {
  const BundleInfo& info = recogniser.info();
  DialogueInput input(info);
  std::vector<const ExtractedSegment*> usable;
  for (const auto* turn : turns) {
    const auto features = features_of(*turn, info, options.available);
    if (features.empty()) continue;
    input.add(features, turn->segment.speaker);
    usable.push_back(turn);
  }
  Workspace workspace;
  Predictions predictions;
  if (!usable.empty()) predictions = recogniser.predict(input.utterances(), workspace, options);
  std::size_t next = 0;
  for (const auto* turn : turns) {
    Answer answer;
    answer.source = turn;
    answer.end_s = end_of(*turn);
    if (next < usable.size() && usable[next] == turn) {
      const auto i = static_cast<std::int64_t>(next);
      answer.json = answer_json(info, predictions, i);
      answer.label = label_text(info, predictions, i);
      answer.confidence = static_cast<double>(predictions.confidence[next]);
      answer.used = pattern_label(predictions.used[next], info.modality_names());
      ++next;
    }
    answers.push_back(std::move(answer));
  }
}

void print_json(const std::vector<Answer>& answers, const BundleInfo& info) {
  for (const auto& answer : answers) {
    const Segment& segment = answer.source->segment;
    Json line = {{"format", 1},
                 {"id", segment.id},
                 {"media", segment.media.string()},
                 {"start", segment.start_s},
                 {"end", answer.end_s}};
    if (!segment.speaker.empty()) line["speaker"] = segment.speaker;
    if (!segment.text.empty()) line["text"] = segment.text;
    if (!answer.json.is_null()) line.update(answer.json);
    const Json reasons = reasons_json(*answer.source, info);
    if (!reasons.empty()) line["absent"] = reasons;
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

void print_webvtt(const std::vector<Answer>& answers) {
  print("WEBVTT\n");
  for (const auto& answer : answers) {
    const Segment& segment = answer.source->segment;
    if (answer.json.is_null() || answer.end_s <= segment.start_s) continue;
    const std::string voice =
        segment.speaker.empty() ? "" : fmt::format("<v {}>", vtt_text(segment.speaker));
    print(fmt::format("\n{} --> {}\n{}[{} {:.0f} %] {}\n", vtt_time(segment.start_s),
                      vtt_time(answer.end_s), voice, vtt_text(answer.label),
                      100 * answer.confidence, vtt_text(segment.text)));
  }
}

void print_table(const std::vector<Answer>& answers, const BundleInfo& info) {
  print(fmt::format("{:>9} {:>9}  {:<12} {:>10}  {:<6} {}\n", "start", "end",
                    info.is_classification() ? "label" : "value",
                    info.is_classification() ? "confidence" : "error", "used", "utterance"));
  for (const auto& answer : answers) {
    const Segment& segment = answer.source->segment;
    const auto said = segment.text.empty() ? segment.id : segment.text;
    if (!answer.json.is_null()) {
      print(fmt::format("{:>9.2f} {:>9.2f}  {:<12} {:>10.3f}  {:<6} {}\n", segment.start_s,
                        answer.end_s, printable(answer.label), answer.confidence, answer.used,
                        printable(said)));
      continue;
    }
    const Json reasons = reasons_json(*answer.source, info);
    print(fmt::format("{:>9.2f} {:>9.2f}  {:<12} {:>10}  {:<6} {}: {}\n", segment.start_s,
                      answer.end_s, "-", "-", "-", printable(said),
                      printable(reasons.dump(-1, ' ', false, Json::error_handler_t::replace))));
  }
}

}  // namespace

void predict_media(const MediaCommand& command) {
  const auto recogniser = Recogniser::load(find_bundle(command.model));
  const BundleInfo& info = recogniser.info();
  MediaCommand narrowed = command;
  Extracted extracted = [&] {
    if (narrowed.media.only.empty()) {  // extracts only modalities that the model reads
      for (const auto& modality : info.modality_names()) {
        const auto known = std::find(kMediaModalities.begin(), kMediaModalities.end(), modality);
        if (known == kMediaModalities.end()) continue;
        narrowed.media.only += (narrowed.media.only.empty() ? "" : ",") + modality;
      }
    }
    const ExtractOptions wanted = extract_options(narrowed.media);
    check_makers(info, wanted);
    return extract_media(narrowed, wanted);
  }();
  PredictOptions options;
  if (!command.available.empty()) {
    options.available = parse_pattern(command.available, info.modality_names());
  }
  std::map<std::string, std::vector<const ExtractedSegment*>> dialogues;
  std::vector<std::string> order;
  for (const auto& each : extracted.results) {
    const auto& segment = each.segment;
    const std::string key = segment.dialogue.empty() ? "\n" + segment.id : segment.dialogue;
    auto& turns = dialogues[key];
    if (turns.empty()) order.push_back(key);
    turns.push_back(&each);
  }
  std::vector<Answer> answers;
  for (const auto& key : order) answer_dialogue(dialogues[key], recogniser, options, answers);
  if (command.is_webvtt) {
    print_webvtt(answers);
  } else if (command.is_json) {
    print_json(answers, info);
  } else {
    print_table(answers, info);
  }
  const bool has_any = std::any_of(answers.begin(), answers.end(),
                                   [](const Answer& answer) { return !answer.json.is_null(); });
  if (!has_any) {
    throw DataError("no utterance has a modality that the model reads; --json says why");
  }
}

}  // namespace hardy
