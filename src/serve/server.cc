// <utility> first: Boost 1.74's coroutine headers need it in C++20.
#include <utility>

#include "serve/server.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "hardy/errors.h"
#include "hardy/version.h"

namespace hardy {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kReadBuffer = 256 << 10;

/// What all connections share.
struct Shared {
  const ServeOptions& options;
  Service& service;
  asio::thread_pool handlers;
  std::atomic<std::int64_t> pending{0};
  std::atomic<std::int64_t> connections{0};
  std::atomic<bool> is_stopping{false};

  Shared(const ServeOptions& given, Service& used)
      : options(given), service(used), handlers(static_cast<std::size_t>(given.handlers)) {}
};

/// One client, from accept to close.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket&& socket, Shared& shared) : stream_(std::move(socket)), shared_(shared) {
    buffer_.reserve(kReadBuffer);
    shared_.service.set_connections(++shared_.connections);
  }

  ~Connection() { shared_.service.set_connections(--shared_.connections); }

  void start() {
    asio::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->wait(); });
  }

  /// Closes it if it waits for a request; otherwise after the answer.
  void stop() {
    asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
      if (self->is_idle_) self->close();
    });
  }

 private:
  /// Waits for the first byte of a request: the idle deadline.
  void wait() {
    if (shared_.is_stopping) return close();
    is_idle_ = true;
    if (buffer_.size() > 0) return read();  // a pipelined request is here already
    stream_.expires_after(std::chrono::seconds(shared_.options.idle_timeout_s));
    stream_.async_read_some(buffer_.prepare(kReadBuffer / 4),
                            [self = shared_from_this()](error_code error, std::size_t bytes) {
                              if (error) return self->close();
                              self->buffer_.commit(bytes);
                              self->read();
                            });
  }

  /// The whole request must arrive within its own deadline, however slowly it drips.
  void read() {
    is_idle_ = false;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(shared_.options.max_header_bytes));
    parser_->body_limit(static_cast<std::uint64_t>(shared_.options.max_body_bytes));
    stream_.expires_after(std::chrono::seconds(shared_.options.request_timeout_s));
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](error_code error, std::size_t /*bytes*/) {
                              self->on_header(error);
                            });
  }

  void on_header(error_code error) {
    if (error) return refuse(error);
    const auto expectation = parser_->get()[http::field::expect];
    if (beast::iequals(expectation, "100-continue")) {
      continue_ = {http::status::continue_, parser_->get().version()};
      http::async_write(stream_, *continue_,
                        [self = shared_from_this()](error_code failed, std::size_t /*bytes*/) {
                          failed ? self->close() : self->read_body();
                        });
      return;
    }
    read_body();
  }

  void read_body() {
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](error_code error, std::size_t /*bytes*/) {
                       error ? self->refuse(error) : self->handle();
                     });
  }

  /// Says why a request cannot even be read, and closes.
  void refuse(error_code error) {
    const auto say = [this](int status, const std::string& field, const std::string& reason) {
      keeps_alive_ = false;
      // A new deadline: the old one may have passed.
      stream_.expires_after(std::chrono::seconds(shared_.options.request_timeout_s));
      write(error_reply(status, field, reason));
    };
    if (error == http::error::body_limit) {
      return say(413, "body",
                 fmt::format("the body is larger than {} bytes", shared_.options.max_body_bytes));
    }
    if (error == http::error::header_limit) {
      return say(
          431, "header",
          fmt::format("the header is larger than {} bytes", shared_.options.max_header_bytes));
    }
    const bool is_gone = error == http::error::end_of_stream ||
                         error == http::error::partial_message || error == beast::error::timeout ||
                         error == asio::error::operation_aborted ||
                         error.category() != make_error_code(http::error::bad_method).category();
    if (is_gone) return close();
    say(400, "", fmt::format("not HTTP: {}", error.message()));
  }

  void handle() {
    auto request = std::make_shared<HttpRequest>();
    auto& message = parser_->get();
    request->method = std::string(message.method_string());
    request->target = std::string(message.target());
    request->content_type = std::string(message[http::field::content_type]);
    request->authorization = std::string(message[http::field::authorization]);
    request->body = std::move(message.body());
    keeps_alive_ = message.keep_alive();
    is_head_ = message.method() == http::verb::head;
    version_ = message.version();
    stream_.expires_never();  // the service has limits of its own
    if (shared_.pending >= shared_.options.max_pending) {
      return write(shared_.service.refuse_busy(*request));
    }
    ++shared_.pending;
    asio::post(shared_.handlers, [self = shared_from_this(), request] {
      auto reply = std::make_shared<HttpReply>(self->shared_.service.handle(*request));
      --self->shared_.pending;
      asio::post(self->stream_.get_executor(), [self, reply] { self->write(std::move(*reply)); });
    });
  }

  void write(HttpReply reply) {
    response_.emplace(static_cast<http::status>(reply.status), version_);
    response_->set(http::field::server, "hardy/" + program_version());
    response_->set(http::field::content_type, reply.content_type);
    response_->set("X-Content-Type-Options", "nosniff");
    response_->set(http::field::cache_control, "no-store");
    for (const auto& [name, value] : reply.headers) response_->set(name, value);
    response_->keep_alive(keeps_alive_ && !shared_.is_stopping);
    if (reply.status != 204) response_->body() = std::move(reply.body);
    response_->prepare_payload();
    if (is_head_) response_->body().clear();
    stream_.expires_after(std::chrono::seconds(shared_.options.request_timeout_s));
    http::async_write(stream_, *response_,
                      [self = shared_from_this()](error_code error, std::size_t /*bytes*/) {
                        const bool goes_on = !error && self->response_->keep_alive();
                        self->parser_.reset();
                        self->response_.reset();
                        goes_on ? self->wait() : self->close();
                      });
  }

  void close() {
    is_idle_ = false;
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.close();
  }

  beast::tcp_stream stream_;
  Shared& shared_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  std::optional<http::response<http::empty_body>> continue_;
  bool keeps_alive_ = true;
  bool is_head_ = false;
  bool is_idle_ = false;
  unsigned version_ = 11;
};

}  // namespace

struct Server::Impl {
  const ServeOptions options;
  Service& service;
  Shared shared;  // before the context: connections that it still holds use it
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  asio::signal_set signals{context};
  std::vector<std::weak_ptr<Connection>> connections;
  std::function<void(const std::string&)> notify;

  Impl(const ServeOptions& given, Service& used)
      : options(given), service(used), shared(options, used) {
    error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error) {
      throw ConfigError(
          fmt::format("--address {}: not an IP address, e.g. 127.0.0.1 or ::1", options.address));
    }
    const tcp::endpoint endpoint(address, options.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      throw IoError(fmt::format("{}:{} cannot be listened on: {}; is another service there?",
                                options.address, options.port, error.message()));
    }
  }

  void accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (shared.is_stopping) return;
      if (!error) {
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        if (shared.connections >= options.max_connections) {
          turn_away(socket);
        } else {
          const auto connection = std::make_shared<Connection>(std::move(socket), shared);
          remember(connection);
          connection->start();
        }
      }
      accept();
    });
  }

  /// A word to whom there is no place for, without waiting for a request.
  void turn_away(tcp::socket& socket) {
    const auto reply = error_reply(503, "", "too many connections");
    const auto text = fmt::format(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
        "Connection: close\r\nContent-Length: {}\r\n\r\n{}",
        reply.body.size(), reply.body);
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(text), ignored);
    socket.shutdown(tcp::socket::shutdown_both, ignored);
  }

  void remember(const std::shared_ptr<Connection>& connection) {
    std::erase_if(connections, [](const auto& known) { return known.expired(); });
    connections.push_back(connection);
  }

  void wait_for_signals() {
    signals.async_wait([this](error_code error, int number) {
      if (error) return;
      if (number != SIGHUP) return stop();
      asio::post(shared.handlers, [this] {
        try {
          service.reload();
          notify("reloaded the model");
        } catch (const std::exception& failure) {
          notify(fmt::format("reload failed, the old model goes on: {}", failure.what()));
        }
      });
      wait_for_signals();
    });
  }

  void stop() {
    if (shared.is_stopping.exchange(true)) return;
    service.stop();
    notify("stopping");
    error_code ignored;
    acceptor.close(ignored);
    signals.cancel(ignored);
    for (const auto& known : connections) {
      if (const auto connection = known.lock()) connection->stop();
    }
    grace.expires_after(std::chrono::seconds(options.grace_s));
    grace.async_wait([this](error_code error) {
      if (!error) context.stop();
    });
    watch_the_last();
  }

  /// Ends the loop as soon as no connection is left.
  void watch_the_last() {
    if (shared.connections == 0) {
      error_code ignored;
      grace.cancel(ignored);
      return;
    }
    constexpr std::chrono::milliseconds kPause{10};
    pause.expires_after(kPause);
    pause.async_wait([this](error_code error) {
      if (!error) watch_the_last();
    });
  }

  asio::steady_timer grace{context};
  asio::steady_timer pause{context};
};

Server::Server(const ServeOptions& options, Service& service)
    : impl_(std::make_unique<Impl>(options, service)) {}

Server::~Server() {
  impl_->shared.handlers.join();
  impl_->context.stop();
}

std::uint16_t Server::port() const { return impl_->acceptor.local_endpoint().port(); }

void Server::run(bool handles_signals, std::function<void(const std::string&)> notify) {
  impl_->notify = std::move(notify);
  if (handles_signals) {
    impl_->signals.add(SIGTERM);
    impl_->signals.add(SIGINT);
    impl_->signals.add(SIGHUP);
    impl_->wait_for_signals();
  }
  impl_->accept();
  impl_->context.run();
  impl_->shared.handlers.join();
}

void Server::stop() {
  asio::post(impl_->context, [this] { impl_->stop(); });
}

}  // namespace hardy
