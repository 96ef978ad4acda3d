// The service without its sockets: a request in, a reply out.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "hardy/explain.h"
#include "serve/batcher.h"
#include "serve/http.h"
#include "serve/metrics_registry.h"
#include "serve/options.h"
#include "serve/sessions.h"

namespace hardy {

class CorpusOffer;

/// Answers every request of docs/serving.md. Thread-safe; handle() may block on the network's
/// workers. Nothing that a request can hold ends the process.
class Service {
 public:
  /// Loads model and corpus. Throws what Recogniser::load and load_corpus throw.
  explicit Service(const ServeOptions& options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// The reply, never an exception. Counts it.
  HttpReply handle(const HttpRequest& request);

  /// Refuses a request that was not handled because too many are in work.
  HttpReply refuse_busy(const HttpRequest& request);

  /// Loads the model file again and uses it for every request that starts from then on; those in
  /// work and open sessions keep theirs. Throws when it cannot be loaded; the old one then goes on.
  void reload();

  /// From now on /readyz says no, so that a balancer sends nobody any more.
  void stop() { is_stopping_ = true; }

  /// Requests being handled; the server says how many connections are open.
  [[nodiscard]] std::int64_t in_flight() const { return in_flight_; }

  void set_connections(std::int64_t count) { connections_ = count; }

  /// Called after each request, with no payload: for logs.
  struct Access {
    std::string method;
    std::string route;  ///< the pattern that matched, e.g. "/v1/dialogues/{id}/turns"
    int status = 0;
    double seconds = 0;
    std::int64_t bytes_in = 0;
    std::int64_t bytes_out = 0;
  };

  void on_access(std::function<void(const Access&)> log) { log_ = std::move(log); }

 private:
  struct Loaded {
    explicit Loaded(const std::filesystem::path& file)
        : recogniser(Recogniser::load(file, Residence::kCopied)), explainer(recogniser) {}

    Recogniser recogniser;
    Explainer explainer;
  };

  [[nodiscard]] std::shared_ptr<const Loaded> model() const;
  HttpReply route(const HttpRequest& request, std::string& route_name);
  HttpReply route_dialogues(const HttpRequest& request, const std::string& rest,
                            std::string& route_name);
  HttpReply predict(const HttpRequest& request);
  HttpReply explain(const HttpRequest& request);
  HttpReply show_model();
  HttpReply reload_now();
  HttpReply open_dialogue();
  HttpReply add_turn(const HttpRequest& request, const std::string& id);
  HttpReply show_dialogue(const std::string& id);
  HttpReply close_dialogue(const std::string& id);
  HttpReply metrics();
  [[nodiscard]] bool is_authorised(const HttpRequest& request) const;
  void finish(const HttpRequest& request, const std::string& route, const HttpReply& reply,
              double seconds);

  ServeOptions options_;
  mutable std::mutex model_mutex_;
  std::shared_ptr<const Loaded> model_;
  std::unique_ptr<const CorpusOffer> corpus_;
  MetricsRegistry metrics_;
  Sessions sessions_;
  std::atomic<std::int64_t> in_flight_{0};
  std::atomic<std::int64_t> connections_{0};
  std::atomic<bool> is_stopping_{false};
  std::function<void(const Access&)> log_;
  Batcher batcher_;  // last: its threads use what stands above
};

}  // namespace hardy
