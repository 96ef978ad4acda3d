// The service without sockets: requests in, replies out.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hardy/explain.h"
#include "serve/batcher.h"
#include "serve/http.h"
#include "serve/http_rules.h"
#include "serve/metrics_registry.h"
#include "serve/options.h"
#include "serve/reload_gate.h"
#include "serve/sessions.h"

namespace hardy {

class CorpusOffer;
class RecordingClient;

/// Route of dialogues that are held turn by turn.
inline constexpr std::string_view kDialogues = "/v1/dialogues";

/// Route of recordings.
inline constexpr std::string_view kMedia = "/v1/media";

/// Handles every request of docs/serving.md. Thread-safe; handle() may block on the network's
/// workers. No request can end the process.
class Service {
 public:
  /// Loads model and corpus. Throws as Recogniser::load and load_corpus.
  explicit Service(const ServeOptions& options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Modalities of the model that the offered corpus does not have, a text each.
  [[nodiscard]] std::vector<std::string> corpus_gaps() const;

  /// The reply, never an exception. Counts it.
  HttpReply handle(const HttpRequest& request);

  /// Whether requests to a path bring recordings: they may be larger than others and take seconds.
  [[nodiscard]] static bool is_recording(std::string_view target);

  /// Refuses a recording by its header, before its body is read, also when no place is free now.
  std::optional<HttpReply> admit(const HttpRequest& request) const;

  /// Gives a recording that has arrived its place among those in work; the refusal when none is
  /// free. Counts the refusal.
  std::optional<HttpReply> take_place(HttpRequest& request);

  /// Refuses a request because too many are in progress.
  HttpReply refuse_busy(const HttpRequest& request);

  /// 503: a limit on all requests in progress is reached.
  [[nodiscard]] HttpReply busy_reply(const std::string& reason) const;

  /// Reloads the model file and uses it for every later request; requests in progress and open
  /// sessions keep their model. One reload runs at a time and one waits; false when a newer one
  /// replaced this one, or the service stops. Throws when the file cannot be loaded; the old model
  /// then stays.
  bool reload();

  /// Makes /readyz fail, so that a load balancer sends no more requests, and stops reloads.
  void stop() {
    is_stopping_ = true;
    reload_gate_.stop();
  }

  /// Expires idle sessions; whether enough ended that returning their memory is worthwhile. Called
  /// periodically.
  [[nodiscard]] bool tidy() {
    constexpr std::int64_t kWorthwhile = 64 << 10;
    sessions_.expire();
    return sessions_.take_freed() > kWorthwhile;
  }

  /// Counts and logs a request that could not be read.
  void count_unreadable(const HttpReply& reply) { finish({}, "unreadable", reply, 0); }

  /// Requests in progress; the server knows the number of open connections.
  [[nodiscard]] std::int64_t in_flight() const { return in_flight_; }

  void set_connections(std::int64_t count) { connections_ = count; }

  /// Called after each request, without payload, for logs.
  struct Access {
    std::string method;
    std::string route;  ///< matched route, e.g. "/v1/dialogues/{id}/turns"
    int status = 0;
    double seconds = 0;
    std::int64_t bytes_in = 0;
    std::int64_t bytes_out = 0;
  };

  void on_access(std::function<void(const Access&)> log) { log_ = std::move(log); }

 private:
  struct Loaded {
    explicit Loaded(const ServeOptions& options);

    Recogniser recogniser;
    Explainer explainer;
  };

  [[nodiscard]] std::shared_ptr<const Loaded> model() const;
  HttpReply route(const HttpRequest& request, std::string& route_name);
  HttpReply route_versioned(const HttpRequest& request, const std::string& path,
                            std::string& route_name);
  [[nodiscard]] std::optional<HttpReply> refusal(const HttpRequest& request) const;
  HttpReply route_dialogues(const HttpRequest& request, const std::string& rest,
                            std::string& route_name);
  HttpReply predict(const HttpRequest& request);
  HttpReply explain(const HttpRequest& request);
  HttpReply read_recording(const HttpRequest& request);
  [[nodiscard]] std::optional<HttpReply> media_refusal(const HttpRequest& request) const;
  [[nodiscard]] std::string recordings_in_work_text() const;
  HttpReply show_corpus_dialogue(const std::string& id);
  HttpReply show_model();
  HttpReply reload_now(const HttpRequest& request);
  HttpReply open_dialogue(const HttpRequest& request);
  HttpReply add_turn(const HttpRequest& request, const std::string& id);
  HttpReply show_dialogue(const std::string& id);
  HttpReply close_dialogue(const std::string& id);
  HttpReply metrics();
  [[nodiscard]] bool is_authorised(const HttpRequest& request) const;
  void finish(const HttpRequest& request, const std::string& route, const HttpReply& reply,
              double seconds);

  ServeOptions options_;
  HostRules hosts_;
  ReloadGate reload_gate_;
  const std::string page_policy_;  ///< content security policy of the playground
  mutable std::mutex model_mutex_;
  std::shared_ptr<const Loaded> model_;
  std::unique_ptr<const CorpusOffer> corpus_;
  std::unique_ptr<const RecordingClient> recordings_;  ///< null = none are taken
  std::shared_ptr<std::atomic<std::int64_t>> recordings_in_work_;
  MetricsRegistry metrics_;
  Sessions sessions_;
  std::atomic<std::int64_t> in_flight_{0};
  std::atomic<std::int64_t> connections_{0};
  std::atomic<bool> is_stopping_{false};
  std::function<void(const Access&)> log_;
  Batcher batcher_;  // last, because its threads use the members above
};

}  // namespace hardy
