// POST /v1/media: a recording in, utterances with emotions out.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "inference/request.h"
#include "media/media_answers.h"
#include "serve/base64.h"
#include "serve/media_form.h"
#include "serve/recording_client.h"
#include "serve/service.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;
using State = RecordingOutcome::State;

/// The features that the model read, as POST /v1/predict takes them.
Json features_json(const ExtractedSegment& each, const BundleInfo& info, Pattern available) {
  Json features = Json::object();
  for (const auto& [name, values] : media_features(each, info, available)) {
    const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    features[std::string(name)] = {{"base64", encode_base64(bytes)}};
  }
  return features;
}

/// The reply for an extraction without result.
HttpReply failure_reply(State state, std::int64_t patience_s) {
  switch (state) {
    case State::kTooSlow:
      return error_reply(504, "", fmt::format("the extraction took longer than {} s", patience_s));
    case State::kNoHelper:
      return error_reply(503, "", "the extractor has ended; restart the service");
    case State::kGone:
      return error_reply(503, "", "nobody waits for the answer, or the service is stopping");
    default:
      return error_reply(500, "", "the extraction ended without an answer; the log may say why");
  }
}

/// Why no utterance can be answered, each reason once.
std::string common_reasons(const std::vector<MediaAnswer>& answers, const BundleInfo& info) {
  std::vector<std::string> reasons;
  for (const auto& answer : answers) {
    const Json absent = media_reasons(*answer.source, info);
    for (const auto& [modality, reason] : absent.items()) {
      const auto text = fmt::format("{}: {}", modality, reason.get<std::string>());
      if (std::find(reasons.begin(), reasons.end(), text) == reasons.end()) reasons.push_back(text);
    }
  }
  constexpr std::size_t kMost = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(kMost, reasons.size()); ++i) {
    text += (i == 0 ? "" : "; ") + reasons[i];
  }
  return text;
}

}  // namespace

bool Service::is_recording(std::string_view target) {
  return target.substr(0, target.find('?')) == kMedia;
}

std::optional<HttpReply> Service::media_refusal(const HttpRequest& request) const {
  if (request.method != "POST") return std::nullopt;  // refused by its route
  if (recordings_ == nullptr) {
    return error_reply(501, "", "this service takes no recordings; start it with --media");
  }
  if (!form_boundary(request.content_type)) {
    return error_reply(415, "Content-Type", "must be multipart/form-data with a boundary");
  }
  return std::nullopt;
}

std::optional<HttpReply> Service::admit(const HttpRequest& request) const {
  std::optional<HttpReply> refused = hosts_.refusal(request);
  if (!refused && !is_authorised(request)) refused = unauthorised_reply();
  if (!refused) refused = refusal(request);
  if (!refused && *recordings_in_work_ >= options_.recordings.max_pending) {
    refused = busy_reply(recordings_in_work_text());
  }
  return refused;
}

std::optional<HttpReply> Service::take_place(HttpRequest& request) {
  if (++*recordings_in_work_ > options_.recordings.max_pending) {
    --*recordings_in_work_;
    auto reply = busy_reply(recordings_in_work_text());
    finish(request, "busy", reply, 0);
    return reply;
  }
  // Given back with the request, however it ends.
  request.place = std::shared_ptr<const void>(
      recordings_in_work_.get(), [counter = recordings_in_work_](const void*) { --*counter; });
  return std::nullopt;
}

std::string Service::recordings_in_work_text() const {
  return fmt::format("{} recordings are in work", options_.recordings.max_pending);
}

HttpReply Service::read_recording(const HttpRequest& request) {
  const auto loaded = model();
  const BundleInfo& info = loaded->recogniser.info();
  const RecordingService& limits = options_.recordings;
  // Again, because the model may have been replaced.
  const auto wanted = media_modalities(info);
  check_media_makers(info, recordings_->makers(), wanted, "the model");
  const MediaForm form = read_media_form(request.body, *form_boundary(request.content_type), info);
  if (std::cmp_greater(form.recording.contents.size(), limits.max_bytes)) {
    return error_reply(413, "recording", fmt::format("is larger than {} bytes", limits.max_bytes));
  }
  RecordingQuestion question;
  question.name = form.recording.file_name;
  question.transcript_name = form.transcript.file_name;
  question.transcript = form.transcript.contents;
  question.tier = form.tier;
  question.cut = form.cut;
  // A page that asks for features switches modalities on again without the recording.
  question.wanted = form.returns_features ? wanted : media_modalities(info, form.available);
  question.max_utterances = options_.max_utterances;
  question.max_recording_s = static_cast<double>(limits.max_seconds);
  auto outcome = recordings_->ask(question, form.recording.contents,
                                  std::chrono::seconds(limits.patience_s), request.is_gone);
  if (outcome.state == State::kBusy) return busy_reply("the extractor is not ready");
  if (outcome.state != State::kAnswered) return failure_reply(outcome.state, limits.patience_s);
  RecordingAnswer& extracted = outcome.answer;
  if (!extracted.field.empty()) {
    return error_reply(extracted.is_too_large ? 413 : 422, extracted.field, extracted.reason);
  }
  PredictOptions options;
  options.available = form.available;
  for (auto& each : extracted.segments) each.segment.media = question.name;
  const auto answers = answer_media(extracted.segments, loaded->recogniser, options);
  const bool has_any = std::any_of(answers.begin(), answers.end(), [](const MediaAnswer& answer) {
    return !answer.prediction.is_null();
  });
  if (!has_any) {
    return error_reply(422, "recording",
                       fmt::format("no utterance has a modality that the model reads: {}",
                                   common_reasons(answers, info)));
  }
  Json predictions = Json::array();
  for (const auto& answer : answers) {
    Json line = media_answer_json(answer, info);
    if (form.returns_features) {
      line["features"] = features_json(*answer.source, info, PredictOptions{}.available);
      if (!answer.source->segment.dialogue.empty())
        line["dialogue"] = answer.source->segment.dialogue;
    }
    predictions.push_back(std::move(line));
  }
  return json_reply(200, {{"predictions", std::move(predictions)}, {"notes", extracted.notes}});
}

}  // namespace hardy
