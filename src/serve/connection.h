// One client of the service, from accept to close.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio.hpp>

#include "serve/leased_body.h"
#include "serve/options.h"
#include "serve/service.h"

namespace hardy {

/// State shared by all connections.
struct ServerShared {
  const ServeOptions& options;
  Service& service;
  WorkBudget budget;
  boost::asio::thread_pool handlers;
  /// Reloads have their own threads, so that they cannot block answers: one loads, one waits, and
  /// one discovers that it replaces the waiting one.
  boost::asio::thread_pool reloads{3};
  /// So do recordings, which take seconds.
  boost::asio::thread_pool recordings;
  std::atomic<std::int64_t> pending{0};
  std::atomic<std::int64_t> connections{0};
  std::atomic<bool> is_stopping{false};
  std::atomic<bool> is_over{false};      ///< replies are no longer needed
  std::atomic<bool> has_garbage{false};  ///< a large block was freed since memory was last returned

  ServerShared(const ServeOptions& given, Service& used)
      : options(given),
        service(used),
        budget(given.max_work_bytes),
        handlers(static_cast<std::size_t>(given.handlers)),
        recordings(static_cast<std::size_t>(given.recordings.jobs)) {}

  /// The pool that handles a request.
  boost::asio::thread_pool& pool_of(const HttpRequest& request) {
    if (request.target.starts_with("/v1/reload")) return reloads;
    return Service::is_recording(request.target) ? recordings : handlers;
  }
};

/// Reads requests, has them handled, writes the replies; each step has a deadline.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket&& socket, ServerShared& shared);
  ~Connection();

  void start();

  /// Closes an idle connection at once, a busy one after its reply.
  void stop();

 private:
  using Error = boost::system::error_code;

  void wait();
  void read();
  void read_header();
  void on_header(Error error);
  [[nodiscard]] bool fit_limits(Error& error);
  [[nodiscard]] bool is_gone();
  void read_body();
  void read_recording();
  void refuse(Error error);
  void refuse_with(HttpReply reply);
  void handle();
  void answer(const std::shared_ptr<HttpRequest>& request);
  void write(HttpReply reply);
  void linger();
  void discard();
  void close();

  boost::beast::tcp_stream stream_;
  ServerShared& shared_;
  boost::beast::flat_buffer buffer_;  ///< bounded: who sends on without end is refused
  std::optional<boost::beast::http::request_parser<LeasedBody>> parser_;
  std::optional<boost::beast::http::response<boost::beast::http::string_body>> response_;
  std::optional<boost::beast::http::response<boost::beast::http::empty_body>> continue_;
  WorkLease lease_;
  std::shared_ptr<HttpRequest> request_;  ///< without its body, once the header was read
  bool keeps_alive_ = true;
  bool is_head_ = false;
  bool is_idle_ = false;
  bool is_refused_ = false;
  std::size_t pace_bytes_ = 0;  ///< of a recording that must have come until `pace_end_`
  std::chrono::steady_clock::time_point pace_end_;
  std::chrono::steady_clock::time_point recording_end_;  ///< deadline of its whole body
  unsigned version_ = 11;
};

}  // namespace hardy
