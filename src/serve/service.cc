#include "serve/service.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include <fmt/format.h>

#include "base/tensor_header.h"
#include "base/utf8.h"
#include "formats/text.h"
#include "hardy/errors.h"
#include "hardy/version.h"
#include "inference/request.h"
#include "serve/body.h"
#include "serve/corpus_offer.h"
#include "serve/pages.h"
#include "serve/recording_client.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kCorpusDialogues = "/v1/corpus/dialogues/";

/// Comparison in constant time.
bool is_same_secret(std::string_view x, std::string_view y) {
  unsigned difference = x.size() == y.size() ? 0 : 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto other = static_cast<unsigned char>(y.empty() ? 0 : y[i % y.size()]);
    difference |= static_cast<unsigned>(static_cast<unsigned char>(x[i]) ^ other);
  }
  return difference == 0;
}

std::string machine_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string path_of(const std::string& target) { return target.substr(0, target.find('?')); }

/// A path segment with %XX decoded; dialogue names may contain anything.
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

HttpReply wrong_method(const char* allowed) {
  auto reply = error_reply(405, "", fmt::format("use {}", allowed));
  reply.headers.emplace_back("Allow", allowed);
  return reply;
}

/// Predictions go on without recordings, so a service without its extractor stays ready.
Json ready_json(const RecordingClient* recordings) {
  using Helper = RecordingClient::HelperState;
  Json body = {{"status", "ready"}};
  if (recordings == nullptr) return body;
  const Helper helper = recordings->state();
  body["recordings"] = helper == Helper::kReady        ? "ready"
                       : helper == Helper::kRestarting ? "restarting"
                                                       : "lost";
  return body;
}

}  // namespace

HttpReply json_reply(int status, const nlohmann::ordered_json& body) {
  HttpReply reply;
  reply.status = status;
  reply.body = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return reply;
}

HttpReply unauthorised_reply() {
  auto reply = error_reply(401, "Authorization", "needs the header 'Authorization: Bearer TOKEN'");
  reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  return reply;
}

HttpReply text_reply(const char* content_type, std::string body) {
  HttpReply reply;
  reply.content_type = content_type;
  reply.body = std::move(body);
  return reply;
}

HttpReply error_reply(int status, const std::string& field, const std::string& reason) {
  Json error = {{"status", status}};
  if (!field.empty()) error["field"] = field;
  error["reason"] = reason;
  return json_reply(status, {{"error", error}});
}

Service::Loaded::Loaded(const ServeOptions& options)
    // A file that is too large, or whose header does not match its size, is not read.
    : recogniser((check_tensor_file(options.model, options.max_model_bytes),
                  Recogniser::load(options.model, Residence::kCopied))),
      explainer(recogniser) {}

Service::Service(const ServeOptions& options)
    : options_(options),
      hosts_(options.address, machine_name(), options.names),
      page_policy_(page_security_policy()),
      model_(std::make_shared<const Loaded>(options)),
      recordings_in_work_(std::make_shared<std::atomic<std::int64_t>>(0)),
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
  if (options.recordings.is_on()) {
    recordings_ = std::make_unique<const RecordingClient>(options.recordings.control,
                                                          options.recordings.makers);
  }
}

Service::~Service() = default;

std::vector<std::string> Service::corpus_gaps() const {
  return corpus_ == nullptr ? std::vector<std::string>{}
                            : corpus_->gaps(model()->recogniser.info());
}

std::shared_ptr<const Service::Loaded> Service::model() const {
  const std::lock_guard lock(model_mutex_);
  return model_;
}

bool Service::reload() {
  if (reload_gate_.enter() != ReloadGate::Turn::kGo) return false;

  struct Leave {
    ReloadGate& gate;

    ~Leave() { gate.leave(); }
  } const leave{reload_gate_};

  try {
    auto loaded = std::make_shared<const Loaded>(options_);
    const std::lock_guard lock(model_mutex_);
    model_ = std::move(loaded);
  } catch (...) {
    metrics_.count_reload(false);
    throw;
  }
  metrics_.count_reload(true);
  return true;
}

bool Service::is_authorised(const HttpRequest& request) const {
  return options_.token.empty() ||
         is_same_secret(bearer_token(request.authorization), options_.token);
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
    // Details of an unexpected failure go to the log, not to a client.
    reply = error_reply(500, "", "an error of the service; its log has the time");
  }
  batcher_.set_expected(--in_flight_);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  finish(request, route_name, reply, seconds.count());
  return reply;
}

HttpReply Service::refuse_busy(const HttpRequest& request) {
  auto reply = busy_reply(fmt::format("{} requests are in work", options_.max_pending));
  finish(request, "busy", reply, 0);
  return reply;
}

HttpReply Service::busy_reply(const std::string& reason) const {
  auto reply = error_reply(503, "", reason + "; try again in a second");
  reply.headers.emplace_back("Retry-After", "1");
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
  if (auto refused = hosts_.refusal(request)) {
    route_name = "foreign";
    return *refused;
  }
  // No token required: routes for load balancers, and the page where a token is entered.
  if (is("/")) {
    if (!is_get) return wrong_method("GET");
    auto reply = text_reply("text/html; charset=utf-8", playground_page());
    reply.headers.emplace_back("Content-Security-Policy", page_policy_);
    return reply;
  }
  if (is("/openapi.json"))
    return is_get ? text_reply("application/json", openapi_text()) : wrong_method("GET");
  if (is("/healthz")) {
    return is_get ? json_reply(200, {{"status", "alive"}}) : wrong_method("GET");
  }
  if (is("/readyz")) {
    if (!is_get) return wrong_method("GET");
    if (is_stopping_) return error_reply(503, "", "the service is stopping");
    return json_reply(200, ready_json(recordings_.get()));
  }
  if (!is_authorised(request)) {
    route_name = "unauthorised";
    return unauthorised_reply();
  }
  if (auto refused = refusal(request)) return *refused;
  return route_versioned(request, path, route_name);
}

std::optional<HttpReply> Service::refusal(const HttpRequest& request) const {
  if (!request.content_encoding.empty() && lower_case(request.content_encoding) != "identity") {
    auto reply = error_reply(415, "Content-Encoding", "bodies are not unpacked; send them plain");
    reply.headers.emplace_back("Accept-Encoding", "identity");
    return reply;
  }
  if (is_recording(request.target)) return media_refusal(request);
  // Also without a body: a form of another site must not change anything.
  if (request.method == "POST" && !is_json_type(request.content_type)) {
    return error_reply(415, "Content-Type", "must be application/json (in UTF-8)");
  }
  return std::nullopt;
}

HttpReply Service::route_versioned(const HttpRequest& request, const std::string& path,
                                   std::string& route_name) {
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  const bool is_post = request.method == "POST";
  const auto is = [&](const char* name) {
    if (path != name) return false;
    route_name = name;
    return true;
  };
  if (is("/v1/predict")) return is_post ? predict(request) : wrong_method("POST");
  if (is(kMedia.data())) return is_post ? read_recording(request) : wrong_method("POST");
  if (is("/v1/explain")) return is_post ? explain(request) : wrong_method("POST");
  if (is("/v1/model")) return is_get ? show_model() : wrong_method("GET");
  if (is("/v1/reload")) return is_post ? reload_now(request) : wrong_method("POST");
  if (is("/metrics")) return is_get ? metrics() : wrong_method("GET");
  if (corpus_ != nullptr && is("/v1/corpus")) {
    return is_get ? json_reply(200, corpus_->dialogues_json()) : wrong_method("GET");
  }
  if (corpus_ != nullptr && path.starts_with(kCorpusDialogues)) {
    route_name = "/v1/corpus/dialogues/{id}";
    if (!is_get) return wrong_method("GET");
    return show_corpus_dialogue(decoded(std::string_view(path).substr(kCorpusDialogues.size())));
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
    return request.method == "POST" ? open_dialogue(request) : wrong_method("POST");
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

}  // namespace hardy
