#include "serve/service.h"

#include <algorithm>
#include <chrono>
#include <string_view>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/version.h"
#include "inference/explanation_json.h"
#include "inference/request.h"
#include "serve/body.h"
#include "serve/corpus_offer.h"
#include "serve/pages.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kDialogues = "/v1/dialogues";
constexpr std::string_view kCorpusDialogues = "/v1/corpus/dialogues/";

/// Equal in a time that does not tell where they differ.
bool is_same_secret(std::string_view x, std::string_view y) {
  unsigned difference = x.size() == y.size() ? 0 : 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto other = static_cast<unsigned char>(y.empty() ? 0 : y[i % y.size()]);
    difference |= static_cast<unsigned>(static_cast<unsigned char>(x[i]) ^ other);
  }
  return difference == 0;
}

/// Scratch memory of the handler threads.
Workspace& own_workspace() {
  thread_local Workspace workspace;
  return workspace;
}

std::string path_of(const std::string& target) { return target.substr(0, target.find('?')); }

/// A path segment with %XX resolved; dialogue names may hold anything.
std::string decoded(std::string_view text) {
  const auto digit = [](char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
    return -1;
  };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escape =
        text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    if (!is_escape) {
      result += text[i];
      continue;
    }
    result += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    i += 2;
  }
  return result;
}

HttpReply page(const char* content_type, std::string body) {
  HttpReply reply;
  reply.content_type = content_type;
  reply.body = std::move(body);
  return reply;
}

HttpReply wrong_method(const char* allowed) {
  auto reply = error_reply(405, "", fmt::format("use {}", allowed));
  reply.headers.emplace_back("Allow", allowed);
  return reply;
}

}  // namespace

HttpReply json_reply(int status, const nlohmann::ordered_json& body) {
  HttpReply reply;
  reply.status = status;
  reply.body = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return reply;
}

HttpReply error_reply(int status, const std::string& field, const std::string& reason) {
  Json error = {{"status", status}};
  if (!field.empty()) error["field"] = field;
  error["reason"] = reason;
  return json_reply(status, {{"error", error}});
}

Service::Service(const ServeOptions& options)
    : options_(options),
      model_(std::make_shared<const Loaded>(options.model)),
      sessions_({options.max_sessions, options.max_session_bytes,
                 std::chrono::seconds(options.session_idle_s)}),
      batcher_(
          {options.workers, options.max_batch, std::chrono::microseconds(options.batch_wait_us)},
          [this](std::int64_t requests, std::int64_t utterances) {
            metrics_.count_batch(requests, utterances);
          }) {
  if (!options.corpus.empty()) {
    corpus_ = std::make_unique<const CorpusOffer>(options.corpus, model_->recogniser.info());
  }
}

Service::~Service() = default;

std::shared_ptr<const Service::Loaded> Service::model() const {
  const std::lock_guard lock(model_mutex_);
  return model_;
}

void Service::reload() {
  try {
    auto loaded = std::make_shared<const Loaded>(options_.model);
    const std::lock_guard lock(model_mutex_);
    model_ = std::move(loaded);
  } catch (...) {
    metrics_.count_reload(false);
    throw;
  }
  metrics_.count_reload(true);
}

bool Service::is_authorised(const HttpRequest& request) const {
  if (options_.token.empty()) return true;
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view given = request.authorization;
  return given.starts_with(kScheme) && is_same_secret(given.substr(kScheme.size()), options_.token);
}

HttpReply Service::handle(const HttpRequest& request) {
  const auto start = std::chrono::steady_clock::now();
  batcher_.set_expected(++in_flight_);
  HttpReply reply;
  std::string route_name = "other";
  try {
    reply = route(request, route_name);
  } catch (const TooLargeError& error) {
    reply = error_reply(413, error.field(), error.reason());
  } catch (const RequestError& error) {
    const bool is_malformed = error.cause() == RequestError::Kind::kMalformed;
    const auto& field = error.field();
    reply = error_reply(is_malformed ? 400 : 422, field.empty() ? "body" : field, error.reason());
  } catch (const Error& error) {
    const bool is_theirs = error.kind() == ErrorKind::kData || error.kind() == ErrorKind::kShape ||
                           error.kind() == ErrorKind::kConfig;
    reply = error_reply(is_theirs ? 422 : 500, "", error.what());
  } catch (const std::exception&) {
    // What an unexpected failure says is for us, not for a stranger.
    reply = error_reply(500, "", "an error of the service; its log has the time");
  }
  batcher_.set_expected(--in_flight_);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  finish(request, route_name, reply, seconds.count());
  return reply;
}

HttpReply Service::refuse_busy(const HttpRequest& request) {
  auto reply = error_reply(
      503, "", fmt::format("{} requests are in work; try again in a second", options_.max_pending));
  reply.headers.emplace_back("Retry-After", "1");
  finish(request, "busy", reply, 0);
  return reply;
}

void Service::finish(const HttpRequest& request, const std::string& route, const HttpReply& reply,
                     double seconds) {
  metrics_.count_request(route, reply.status, seconds);
  if (log_) {
    log_({request.method, route, reply.status, seconds,
          static_cast<std::int64_t>(request.body.size()),
          static_cast<std::int64_t>(reply.body.size())});
  }
}

HttpReply Service::route(const HttpRequest& request, std::string& route_name) {
  const std::string path = path_of(request.target);
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  const auto is = [&](const char* name) {
    if (path != name) return false;
    route_name = name;
    return true;
  };
  // Open to everybody: what a balancer or a person without a token needs.
  if (is("/"))
    return is_get ? page("text/html; charset=utf-8", playground_page()) : wrong_method("GET");
  if (is("/openapi.json"))
    return is_get ? page("application/json", openapi_text()) : wrong_method("GET");
  if (is("/healthz")) {
    return is_get ? json_reply(200, {{"status", "alive"}}) : wrong_method("GET");
  }
  if (is("/readyz")) {
    if (!is_get) return wrong_method("GET");
    if (is_stopping_) return error_reply(503, "", "the service is stopping");
    return json_reply(200, {{"status", "ready"}});
  }
  if (!is_authorised(request)) {
    route_name = "unauthorised";
    auto reply =
        error_reply(401, "Authorization", "needs the header 'Authorization: Bearer TOKEN'");
    reply.headers.emplace_back("WWW-Authenticate", "Bearer");
    return reply;
  }
  const bool has_body = request.method == "POST" && !request.body.empty();
  if (has_body && !request.content_type.starts_with("application/json")) {
    return error_reply(415, "Content-Type", "must be application/json");
  }
  if (is("/v1/predict")) return request.method == "POST" ? predict(request) : wrong_method("POST");
  if (is("/v1/explain")) return request.method == "POST" ? explain(request) : wrong_method("POST");
  if (is("/v1/model")) return is_get ? show_model() : wrong_method("GET");
  if (is("/v1/reload")) return request.method == "POST" ? reload_now() : wrong_method("POST");
  if (is("/metrics")) return is_get ? metrics() : wrong_method("GET");
  if (corpus_ != nullptr && is("/v1/corpus")) {
    return is_get ? json_reply(200, corpus_->dialogues_json()) : wrong_method("GET");
  }
  if (corpus_ != nullptr && path.starts_with(kCorpusDialogues)) {
    route_name = "/v1/corpus/dialogues/{id}";
    if (!is_get) return wrong_method("GET");
    auto body =
        corpus_->dialogue_json(decoded(std::string_view(path).substr(kCorpusDialogues.size())));
    if (body.is_null()) return error_reply(404, "", "the corpus has no such dialogue");
    return json_reply(200, body);
  }
  if (path.starts_with(kDialogues)) {
    return route_dialogues(request, path.substr(kDialogues.size()), route_name);
  }
  return error_reply(404, "", "no such resource; /openapi.json lists them");
}

HttpReply Service::route_dialogues(const HttpRequest& request, const std::string& rest,
                                   std::string& route_name) {
  if (rest.empty()) {
    route_name = "/v1/dialogues";
    return request.method == "POST" ? open_dialogue() : wrong_method("POST");
  }
  const auto slash = rest.find('/', 1);
  const std::string id = rest.substr(1, slash == rest.npos ? rest.npos : slash - 1);
  const std::string tail = slash == rest.npos ? "" : rest.substr(slash);
  if (rest[0] != '/' || (!tail.empty() && tail != "/turns")) {
    return error_reply(404, "", "no such resource; /openapi.json lists them");
  }
  route_name = "/v1/dialogues/{id}" + tail;
  if (!tail.empty()) {
    return request.method == "POST" ? add_turn(request, id) : wrong_method("POST");
  }
  if (request.method == "GET") return show_dialogue(id);
  if (request.method == "DELETE") return close_dialogue(id);
  return wrong_method("GET, DELETE");
}

HttpReply Service::predict(const HttpRequest& request) {
  const auto loaded = model();
  const BundleInfo& info = loaded->recogniser.info();
  const PredictBody body = read_predict_body(request.body, info, options_.max_utterances);
  DialogueInput input(info);
  // Speakers of different dialogues may share a name: their number never matters across dialogues.
  for (const auto& utterance : body.utterances) utterance.add_to(input);
  const auto views = input.utterances();
  const auto predictions =
      batcher_.run({loaded->recogniser, std::vector<UtteranceView>(views.begin(), views.end()),
                    body.offsets, body.options});
  const auto view = predictions.view();
  Json answers = Json::array();
  for (std::size_t i = 0; i < body.utterances.size(); ++i) {
    Json answer = Json::object();
    const auto& utterance = body.utterances[i];
    if (!utterance.id.empty()) answer["id"] = utterance.id;
    if (!utterance.dialogue.empty()) answer["dialogue"] = utterance.dialogue;
    answer.update(answer_json(info, view, static_cast<std::int64_t>(i)));
    answers.push_back(std::move(answer));
  }
  if (body.is_single) return json_reply(200, answers[0]);
  return json_reply(200, {{"predictions", answers}});
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
    turns = corpus_->utterances(body.corpus_dialogue);
    if (turns.empty())
      return error_reply(404, "corpus_dialogue", "the corpus has no such dialogue");
  } else {
    for (const auto& utterance : body.utterances) utterance.add_to(input);
    const auto views = input.utterances();
    turns.assign(views.begin(), views.end());
  }
  if (body.utterance >= static_cast<std::int64_t>(turns.size())) {
    return error_reply(422, "utterance",
                       fmt::format("is {}, the dialogue has {}", body.utterance, turns.size()));
  }
  UtteranceView& explained = turns[static_cast<std::size_t>(body.utterance)];
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    if (!body.options.available.has(static_cast<int>(m))) explained.features[m] = nullptr;
  }
  if (explained.present().empty()) {
    return error_reply(422, "available", "leaves nothing of the utterance");
  }
  const auto explanation = loaded->explainer.explain(turns, body.utterance, own_workspace(),
                                                     static_cast<std::size_t>(body.similar));
  return json_reply(200, explanation_json(explanation, info));
}

HttpReply Service::show_model() {
  const auto loaded = model();
  auto body = model_json(loaded->recogniser);
  body["explains_with_training"] = loaded->explainer.has_training_section();
  body["offers_corpus"] = corpus_ != nullptr;
  return json_reply(200, body);
}

HttpReply Service::reload_now() {
  try {
    reload();
  } catch (const Error& error) {
    return error_reply(500, "", fmt::format("the old model goes on: {}", error.what()));
  }
  return json_reply(200, {{"fingerprint", model()->recogniser.fingerprint()}});
}

HttpReply Service::open_dialogue() {
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
  if (sessions_.usage().bytes >= options_.max_session_bytes) {
    return error_reply(429, "", "open dialogues hold all the memory they may; close some or wait");
  }
  const std::lock_guard lock(session->mutex);
  const BundleInfo& info = session->stream.recogniser().info();
  const UtteranceRequest turn = read_utterance(parse_request(request.body), "", info);
  if (session->stream.size() >= options_.max_utterances) {
    return error_reply(413, "dialogue",
                       fmt::format("the dialogue has {} turns already, which is the limit",
                                   session->stream.size()));
  }
  DialogueInput input(info);
  turn.add_to(input);
  UtteranceView view = input.utterances()[0];
  view.speaker = session->speaker_number(turn.speaker);
  const auto predictions = session->stream.add_turn(view, own_workspace());
  sessions_.set_bytes(id, session->stream.bytes());
  Json answer = {{"dialogue", id}, {"turn", session->stream.size()}};
  if (!turn.id.empty()) answer["id"] = turn.id;
  answer.update(answer_json(info, predictions, 0));
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
  return page("text/plain; version=0.0.4",
              metrics_.text({in_flight_, connections_, usage.sessions, usage.bytes,
                             model()->recogniser.fingerprint()}));
}

}  // namespace hardy
