#include "media/media_answers.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hardy/errors.h"
#include "inference/request.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

/// End of an utterance; the recording's end if it has none.
double end_of(const ExtractedSegment& each) {
  if (std::isfinite(each.segment.end_s)) return each.segment.end_s;
  return each.segment.start_s + each.seconds;
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

}  // namespace

std::array<bool, 3> media_modalities(const BundleInfo& info, Pattern available) {
  std::array<bool, 3> read = {};
  const auto names = info.modality_names();
  for (std::size_t m = 0; m < read.size(); ++m) {
    const auto own = std::find(names.begin(), names.end(), kMediaModalities[m]);
    read[m] = own != names.end() && available.has(static_cast<int>(own - names.begin()));
  }
  return read;
}

std::array<std::string, 3> media_makers(const BundleInfo& info) {
  std::array<std::string, 3> makers;
  for (std::size_t own = 0; own < info.modalities.size(); ++own) {
    for (std::size_t m = 0; m < makers.size(); ++m) {
      if (info.modalities[own].name == kMediaModalities[m]) makers[m] = info.maker(own);
    }
  }
  return makers;
}

void check_media_makers(const BundleInfo& info, const std::array<FeatureMaker, 3>& makers,
                        const std::array<bool, 3>& wanted, const std::string& option) {
  bool has_common = false;
  for (std::size_t own = 0; own < info.modalities.size(); ++own) {
    for (std::size_t m = 0; m < kMediaModalities.size(); ++m) {
      const auto& modality = info.modalities[own];
      if (modality.name != kMediaModalities[m] || !wanted[m]) continue;
      check_maker(info, own, makers[m].name, option);
      if (info.maker(own).empty() || modality.width != makers[m].width) {
        throw DataError(
            fmt::format("{}: the model reads {} features of {} values{}, the extractor '{}' "
                        "makes {}; train on a corpus that `hardy extract` wrote",
                        option, modality.name, modality.width,
                        info.maker(own).empty() ? " by an unknown extractor" : "", makers[m].name,
                        makers[m].width));
      }
      has_common = true;
    }
  }
  if (!has_common) {
    throw DataError(
        fmt::format("{}: recordings give acoustic, textual and visual features, "
                    "the model reads {}",
                    option, fmt::join(info.modality_names(), ", ")));
  }
}

std::vector<NamedFeatures> media_features(const ExtractedSegment& each, const BundleInfo& info,
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

std::vector<MediaDialogue> media_dialogues(const std::vector<ExtractedSegment>& segments,
                                           const BundleInfo& info, Pattern available) {
  std::map<std::string, std::size_t> places;
  std::vector<MediaDialogue> dialogues;
  for (const auto& each : segments) {
    const auto& segment = each.segment;
    const std::string key = segment.dialogue.empty() ? "\n" + segment.id : segment.dialogue;
    const auto [place, is_new] = places.emplace(key, dialogues.size());
    if (is_new) dialogues.push_back({{}, {}, DialogueInput(info)});
    MediaDialogue& dialogue = dialogues[place->second];
    dialogue.turns.push_back(&each);
    const auto features = media_features(each, info, available);
    if (features.empty()) continue;
    dialogue.input.add(features, segment.speaker);
    dialogue.usable.push_back(&each);
  }
  return dialogues;
}

std::vector<MediaAnswer> answer_media(const std::vector<ExtractedSegment>& segments,
                                      const Recogniser& recogniser, const PredictOptions& options) {
  const BundleInfo& info = recogniser.info();
  std::vector<MediaAnswer> answers;
  Workspace workspace;
  for (const auto& dialogue : media_dialogues(segments, info, options.available)) {
    Predictions predictions;
    if (!dialogue.usable.empty()) {
      predictions = recogniser.predict(dialogue.input.utterances(), workspace, options);
    }
    std::size_t next = 0;
    for (const auto* turn : dialogue.turns) {
      MediaAnswer answer;
      answer.source = turn;
      answer.end_s = end_of(*turn);
      if (next < dialogue.usable.size() && dialogue.usable[next] == turn) {
        const auto i = static_cast<std::int64_t>(next);
        answer.prediction = answer_json(info, predictions, i);
        answer.label = label_text(info, predictions, i);
        answer.confidence = static_cast<double>(predictions.confidence[next]);
        answer.used = pattern_label(predictions.used[next], info.modality_names());
        ++next;
      }
      answers.push_back(std::move(answer));
    }
  }
  return answers;
}

Json media_reasons(const ExtractedSegment& each, const BundleInfo& info) {
  Json reasons = Json::object();
  const auto read = media_modalities(info);
  for (std::size_t m = 0; m < read.size(); ++m) {
    if (read[m] && each.modalities[m].values.empty()) {
      reasons[kMediaModalities[m]] = each.modalities[m].reason;
    }
  }
  return reasons;
}

Json media_answer_json(const MediaAnswer& answer, const BundleInfo& info) {
  const Segment& segment = answer.source->segment;
  Json line = {{"id", segment.id},
               {"media", segment.media.string()},
               {"start", segment.start_s},
               {"end", answer.end_s}};
  if (!segment.speaker.empty()) line["speaker"] = segment.speaker;
  if (!segment.text.empty()) line["text"] = segment.text;
  if (!answer.prediction.is_null()) line.update(answer.prediction);
  const Json reasons = media_reasons(*answer.source, info);
  if (!reasons.empty()) line["absent"] = reasons;
  return line;
}

}  // namespace hardy
