// Recordings -> the explanation of one utterance's prediction.
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/explain_command.h"
#include "cli/extractor.h"
#include "cli/output.h"
#include "cli/predict_command.h"
#include "hardy/errors.h"
#include "hardy/explain.h"
#include "media/media_answers.h"

namespace hardy {
namespace {

/// Explains one usable utterance of a dialogue.
void explain_turn(const MediaDialogue& dialogue, std::size_t i, const Explainer& explainer,
                  const MediaCommand& command) {
  const BundleInfo& info = explainer.recogniser().info();
  Workspace workspace;
  const auto explanation =
      explainer.explain(dialogue.input.utterances(), static_cast<std::int64_t>(i), workspace,
                        static_cast<std::size_t>(command.similar));
  std::vector<std::string> ids;
  for (const auto* turn : dialogue.usable) ids.push_back(turn->segment.id);
  const Segment& segment = dialogue.usable[i]->segment;
  nlohmann::ordered_json head = {
      {"id", segment.id}, {"media", segment.media.string()}, {"start", segment.start_s}};
  if (!segment.text.empty()) head["text"] = segment.text;
  const auto reasons = media_reasons(*dialogue.usable[i], info);
  if (!reasons.empty()) head["absent"] = reasons;
  print_explanation({explanation, segment.id, ids, head}, info, command.is_json);
}

/// The reasons why nothing of an utterance can be used, in one line.
std::string reasons_text(const ExtractedSegment& each, const BundleInfo& info) {
  std::string text;
  const auto absent = media_reasons(each, info);
  for (const auto& [modality, reason] : absent.items()) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", modality, reason.get<std::string>());
  }
  return text;
}

}  // namespace

void explain_media(const MediaCommand& command) {
  const Explainer explainer(Recogniser::load(find_bundle(command.model)));
  const BundleInfo& info = explainer.recogniser().info();
  const auto [extracted, options] = extract_for_model(command, info);
  const auto dialogues = media_dialogues(extracted.results, info, options.available);
  for (const auto& dialogue : dialogues) {
    for (std::size_t i = 0; i < dialogue.usable.size(); ++i) {
      const auto& id = dialogue.usable[i]->segment.id;
      if (command.utterance.empty() || id == command.utterance) {
        return explain_turn(dialogue, i, explainer, command);
      }
    }
  }
  std::string known;
  for (const auto& each : extracted.results) {
    if (each.segment.id == command.utterance || command.utterance.empty()) {
      throw DataError(fmt::format("{} has no modality that the model reads: {}", each.segment.id,
                                  reasons_text(each, info)));
    }
    known += (known.empty() ? "" : ", ") + each.segment.id;
  }
  throw DataError(
      fmt::format("the recordings hold no utterance '{}'; they hold {}", command.utterance, known));
}

}  // namespace hardy
