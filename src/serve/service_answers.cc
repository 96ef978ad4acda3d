// Handlers of the service's routes.
#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "base/utf8.h"
#include "hardy/errors.h"
#include "inference/explanation_json.h"
#include "inference/request.h"
#include "serve/body.h"
#include "serve/corpus_offer.h"
#include "serve/recording_client.h"
#include "serve/service.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

/// Dialogues with more turns get temporary scratch memory.
constexpr std::int64_t kManyTurns = 64;

/// Calls `compute` with scratch memory of this thread.
template <typename Compute>
auto with_workspace(std::int64_t turns, const Compute& compute) {
  thread_local Workspace kept;
  if (turns <= kManyTurns) return compute(kept);
  Workspace large;
  return compute(large);
}

/// Whether a body is empty or {}.
bool says_nothing(const std::string& body) {
  std::string text;
  for (const char letter : body) {
    const bool is_blank = letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n';
    if (!is_blank) text += letter;
    if (text.size() > 2) return false;
  }
  return text.empty() || text == "{}";
}

std::vector<std::string> ids_of(const PredictBody& body) {
  std::vector<std::string> ids;
  for (const auto& utterance : body.utterances) ids.push_back(utterance.id);
  return ids;
}

/// Index of the utterance to explain. Throws RequestError when there is none, or its id is not
/// unique.
std::size_t find_utterance(const PredictBody& body, const std::vector<std::string>& ids) {
  const auto refuse = [](const std::string& reason) {
    throw RequestError(RequestError::Kind::kUnusable, "utterance", reason);
  };
  if (body.utterance_id.empty()) {
    if (body.utterance >= static_cast<std::int64_t>(ids.size())) {
      refuse(fmt::format("is {}, the dialogue has {}", body.utterance, ids.size()));
    }
    return static_cast<std::size_t>(body.utterance);
  }
  const auto count = std::count(ids.begin(), ids.end(), body.utterance_id);
  const auto name = shown(body.utterance_id);
  if (count == 0) refuse(fmt::format("the dialogue has no utterance '{}'", name));
  if (count > 1) refuse(fmt::format("{} utterances are called '{}'; give a place", count, name));
  return static_cast<std::size_t>(std::find(ids.begin(), ids.end(), body.utterance_id) -
                                  ids.begin());
}

}  // namespace

HttpReply Service::predict(const HttpRequest& request) {
  const auto loaded = model();
  const BundleInfo& info = loaded->recogniser.info();
  const PredictBody body = read_predict_body(request.body, info, options_.max_utterances);
  DialogueInput input(info);
  // Speakers of different dialogues may share a name: their number has no effect across dialogues.
  for (const auto& utterance : body.utterances) utterance.add_to(input);
  const auto views = input.utterances();
  const auto predictions =
      batcher_.run({loaded->recogniser, std::vector<UtteranceView>(views.begin(), views.end()),
                    body.offsets, body.options});
  const auto view = predictions.view();
  // Answers become text one by one: a long list of JSON values takes much more memory.
  HttpReply reply;
  for (std::size_t i = 0; i < body.utterances.size(); ++i) {
    Json answer = Json::object();
    const auto& utterance = body.utterances[i];
    if (!utterance.id.empty()) answer["id"] = utterance.id;
    if (!utterance.dialogue.empty()) answer["dialogue"] = utterance.dialogue;
    answer.update(
        answer_json(info, view, static_cast<std::int64_t>(i), body.sets ? &*body.sets : nullptr));
    reply.body += i == 0 ? "" : ",";
    reply.body += answer.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  if (!body.is_single) reply.body = "{\"predictions\":[" + reply.body + "]}";
  reply.body += '\n';
  return reply;
}

HttpReply Service::explain(const HttpRequest& request) {
  const auto loaded = model();
  const BundleInfo& info = loaded->recogniser.info();
  const auto body =
      read_predict_body(request.body, info, options_.max_utterances, BodyKind::kExplain);
  DialogueInput input(info);
  std::vector<UtteranceView> turns;
  if (!body.corpus_dialogue.empty()) {
    if (corpus_ == nullptr) return error_reply(404, "corpus_dialogue", "no corpus is offered");
    turns = corpus_->utterances(body.corpus_dialogue, info);
    if (turns.empty())
      return error_reply(404, "corpus_dialogue", "the corpus has no such dialogue");
  } else {
    for (const auto& utterance : body.utterances) utterance.add_to(input);
    const auto views = input.utterances();
    turns.assign(views.begin(), views.end());
  }
  const auto ids = body.corpus_dialogue.empty() ? ids_of(body) : corpus_->ids(body.corpus_dialogue);
  const auto place = find_utterance(body, ids);
  UtteranceView& explained = turns[place];
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    if (!body.options.available.has(static_cast<int>(m))) explained.features[m] = nullptr;
  }
  if (explained.present().empty()) {
    return error_reply(422, "available", "leaves nothing of the utterance");
  }
  const auto explanation =
      with_workspace(static_cast<std::int64_t>(turns.size()), [&](Workspace& workspace) {
        return loaded->explainer.explain(turns, static_cast<std::int64_t>(place), workspace,
                                         static_cast<std::size_t>(body.similar));
      });
  Json answer = Json::object();
  if (!ids[place].empty()) answer["id"] = ids[place];
  answer.update(explanation_json(explanation, info));
  return json_reply(200, answer);
}

HttpReply Service::show_corpus_dialogue(const std::string& id) {
  const auto loaded = model();
  const BundleInfo& info = loaded->recogniser.info();
  auto body = corpus_->dialogue_json(id, info);
  if (body.is_null()) return error_reply(404, "", "the corpus has no such dialogue");
  const auto views = corpus_->utterances(id, info);
  const auto predictions = batcher_.run(
      {loaded->recogniser, views, {0, static_cast<std::int64_t>(views.size())}, PredictOptions{}});
  const auto view = predictions.view();
  const auto was_seen = [&](const char* what, const std::string& name) {
    return std::binary_search(info.seen.begin(), info.seen.end(), seen_mark(what, name));
  };
  const bool is_seen = was_seen("dialogue", id);
  for (std::size_t i = 0; i < views.size(); ++i) {
    Json& entry = body["utterances"][i];
    entry["seen"] = is_seen || was_seen("utterance", entry["id"].get<std::string>());
    entry["prediction"] =
        view.used[i].empty() ? Json() : answer_json(info, view, static_cast<std::int64_t>(i));
  }
  return json_reply(200, body);
}

HttpReply Service::show_model() {
  const auto loaded = model();
  auto body = model_json(loaded->recogniser);
  body["explains_with_training"] = loaded->explainer.has_training_section();
  body["offers_corpus"] = corpus_ != nullptr;
  body["takes_recordings"] = recordings_ != nullptr;
  if (recordings_ != nullptr) {
    body["recording_limits"] = {{"bytes", options_.recordings.max_bytes},
                                {"seconds", options_.recordings.max_seconds}};
  }
  return json_reply(200, body);
}

HttpReply Service::reload_now(const HttpRequest& request) {
  if (!says_nothing(request.body)) return error_reply(400, "body", "a reload takes no fields");
  try {
    if (reload()) return json_reply(200, {{"fingerprint", model()->recogniser.fingerprint()}});
  } catch (const Error& error) {
    return error_reply(500, "", fmt::format("the old model goes on: {}", error.what()));
  }
  if (is_stopping_) return error_reply(503, "", "the service is stopping");
  return error_reply(409, "", "a newer reload took the place of this one");
}

HttpReply Service::open_dialogue(const HttpRequest& request) {
  if (!says_nothing(request.body)) {
    return error_reply(400, "body", "opening a dialogue takes no fields; the service names it");
  }
  const auto loaded = model();
  const auto id = sessions_.open(loaded->recogniser);
  if (id.empty()) {
    auto reply = error_reply(429, "", "too many dialogues are open; close some or wait");
    reply.headers.emplace_back("Retry-After", "60");
    return reply;
  }
  auto reply = json_reply(201, {{"dialogue", id}, {"turns", 0}});
  reply.headers.emplace_back("Location", fmt::format("{}/{}", kDialogues, id));
  return reply;
}

HttpReply Service::add_turn(const HttpRequest& request, const std::string& id) {
  const auto session = sessions_.find(id);
  if (session == nullptr) return error_reply(404, "", "no such dialogue; it may have expired");
  const std::lock_guard lock(session->mutex);
  const BundleInfo& info = session->stream.recogniser().info();
  const UtteranceRequest turn = read_utterance(request.body, "", info);
  if (turn.only_ends()) {
    sessions_.close(id);
    return json_reply(200, {{"dialogue", id}, {"turns", session->stream.size()}, {"closed", true}});
  }
  if (sessions_.usage().bytes >= options_.max_session_bytes) {
    return error_reply(429, "", "open dialogues hold all the memory they may; close some or wait");
  }
  if (session->stream.size() >= options_.max_utterances) {
    return error_reply(413, "dialogue",
                       fmt::format("the dialogue has {} turns already, which is the limit",
                                   session->stream.size()));
  }
  DialogueInput input(info);
  turn.add_to(input);
  UtteranceView view = input.utterances()[0];
  view.speaker = session->speaker_number(turn.speaker);
  Json answer = {{"dialogue", id}, {"turn", session->stream.size() + 1}};
  if (!turn.id.empty()) answer["id"] = turn.id;
  with_workspace(session->stream.size(), [&](Workspace& workspace) {
    answer.update(answer_json(info, session->stream.add_turn(view, workspace), 0));
  });
  sessions_.set_bytes(id, session->stream.bytes());
  if (turn.ends_dialogue) sessions_.close(id);
  return json_reply(200, answer);
}

HttpReply Service::show_dialogue(const std::string& id) {
  const auto session = sessions_.find(id);
  if (session == nullptr) return error_reply(404, "", "no such dialogue; it may have expired");
  const std::lock_guard lock(session->mutex);
  return json_reply(200, {{"dialogue", id},
                          {"turns", session->stream.size()},
                          {"bytes", session->stream.bytes()},
                          {"fingerprint", session->stream.recogniser().fingerprint()}});
}

HttpReply Service::close_dialogue(const std::string& id) {
  if (!sessions_.close(id)) return error_reply(404, "", "no such dialogue; it may have expired");
  HttpReply reply;
  reply.status = 204;
  return reply;
}

HttpReply Service::metrics() {
  sessions_.expire();
  const auto usage = sessions_.usage();
  return text_reply("text/plain; version=0.0.4",
                    metrics_.text({in_flight_, connections_, usage.sessions, usage.bytes,
                                   model()->recogniser.fingerprint()}));
}

}  // namespace hardy
