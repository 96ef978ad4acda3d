// Extracted utterances + a model -> predictions with time stamps. The command and the service give
// the same answers, because both get them here. Links no libav.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "hardy/extract.h"
#include "hardy/recogniser.h"

namespace hardy {

/// An utterance of a recording with its prediction; without one if no modality could be used.
struct MediaAnswer {
  const ExtractedSegment* source = nullptr;
  double end_s = 0;                   ///< the recording's end for an utterance without one
  nlohmann::ordered_json prediction;  ///< as answer_json; null = none
  std::string label;                  ///< the class, the value, or the predicted ones of several
  double confidence = 0;              ///< as Predictions::confidence
  std::string used;                   ///< modalities in use, e.g. "{a,t}"
};

/// The readable utterances of one dialogue, in order, as a model's input.
struct MediaDialogue {
  std::vector<const ExtractedSegment*> turns;   ///< all of them
  std::vector<const ExtractedSegment*> usable;  ///< those with a modality that the model reads
  DialogueInput input;                          ///< of the usable ones
};

/// Which modalities of recordings a model reads, of those in `available`. Shapes: index as in
/// kMediaModalities.
std::array<bool, 3> media_modalities(const BundleInfo& info,
                                     Pattern available = Pattern::complete(kMaxModalities));

/// Makers of the features that a model reads; empty = unknown, or not read. Shapes: index as in
/// kMediaModalities.
std::array<std::string, 3> media_makers(const BundleInfo& info);

/// Refuses features that a model was not trained on. `wanted`: the modalities that are extracted.
/// `option` stands in messages. Throws DataError.
void check_media_makers(const BundleInfo& info, const std::array<FeatureMaker, 3>& makers,
                        const std::array<bool, 3>& wanted, const std::string& option);

/// Features of an utterance that the model reads, those of `available` only.
std::vector<NamedFeatures> media_features(const ExtractedSegment& each, const BundleInfo& info,
                                          Pattern available);

/// Dialogues in order of their first utterance; an utterance without dialogue stands alone. The
/// segments must outlive the result.
std::vector<MediaDialogue> media_dialogues(const std::vector<ExtractedSegment>& segments,
                                           const BundleInfo& info, Pattern available);

/// Predicts all of them, dialogue by dialogue. The segments must outlive the result.
std::vector<MediaAnswer> answer_media(const std::vector<ExtractedSegment>& segments,
                                      const Recogniser& recogniser, const PredictOptions& options);

/// Why an utterance lacks modalities that the model reads: {modality: reason}.
nlohmann::ordered_json media_reasons(const ExtractedSegment& each, const BundleInfo& info);

/// id, media, start, end, speaker, text, the prediction, and the reasons of absent modalities.
nlohmann::ordered_json media_answer_json(const MediaAnswer& answer, const BundleInfo& info);

}  // namespace hardy
