// <utility> first: Boost 1.74's coroutine headers need it in C++20.
#include <utility>

#include "serve/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include "hardy/version.h"
#include "serve/header_problem.h"

namespace hardy {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBuffer = 32 << 10;
/// Beside a header: a chunk's extension and the fields after a body must fit; bodies pass through.
constexpr std::size_t kBesideHeader = 64 << 10;
constexpr std::chrono::seconds kLinger{5};
/// A recording must bring so many bytes in every ServeOptions::request_timeout_s.
constexpr std::size_t kPace = 128 << 10;

std::size_t largest_buffer(const ServeOptions& options) {
  return kBesideHeader + static_cast<std::size_t>(options.max_header_bytes);
}

/// The largest body that a route takes.
std::int64_t largest_body(const ServeOptions& options, std::string_view target) {
  const bool is_large = options.recordings.is_on() && Service::is_recording(target);
  return is_large ? options.recordings.max_body_bytes() : options.max_body_bytes;
}

/// Whether a line of a header goes on with a blank: some programs join it to the line before,
/// others take it for a field of its own.
bool has_folded_line(std::string_view header) {
  header = header.substr(0, header.find("\r\n\r\n"));
  return header.find("\r\n ") != header.npos || header.find("\r\n\t") != header.npos;
}

}  // namespace

// The service must agree with a proxy on where a request ends.
std::optional<HttpReply> header_problem(const http::request_header<>& header) {
  for (const auto field :
       {http::field::host, http::field::content_length, http::field::transfer_encoding,
        http::field::content_type, http::field::authorization, http::field::origin,
        http::field::content_encoding, http::field::expect}) {
    if (header.count(field) > 1) {
      return error_reply(400, std::string(http::to_string(field)), "is given twice");
    }
  }
  // The parser reads "1, 1" as 1; other programs do not.
  const auto length = header[http::field::content_length];
  if (std::any_of(length.begin(), length.end(), [](char c) { return c < '0' || c > '9'; })) {
    return error_reply(400, "Content-Length", "is not a number");
  }
  const bool is_new = header.version() == 11;
  if (is_new && header[http::field::host].empty()) {
    return error_reply(400, "Host", "is missing or empty");
  }
  if (header.count(http::field::origin) > 0 && header[http::field::origin].empty()) {
    return error_reply(400, "Origin", "is empty");
  }
  if (header.count(http::field::transfer_encoding) > 0) {
    const std::string field = "Transfer-Encoding";
    if (!is_new) return error_reply(400, field, "is not known in HTTP/1.0");
    if (header.count(http::field::content_length) > 0) {
      return error_reply(400, field, "does not go with Content-Length");
    }
    if (!beast::iequals(header[http::field::transfer_encoding], "chunked")) {
      return error_reply(501, field, "only chunked is known");
    }
  }
  if (header.count(http::field::expect) > 0 &&
      !beast::iequals(header[http::field::expect], "100-continue")) {
    return error_reply(417, "Expect", "only 100-continue is known");
  }
  return std::nullopt;
}

Connection::Connection(tcp::socket&& socket, ServerShared& shared)
    : stream_(std::move(socket)), shared_(shared), buffer_(largest_buffer(shared.options)) {
  buffer_.reserve(kReadBuffer);
  shared_.service.set_connections(++shared_.connections);
}

Connection::~Connection() { shared_.service.set_connections(--shared_.connections); }

void Connection::start() {
  asio::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->wait(); });
}

void Connection::stop() {
  asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
    if (self->is_idle_) self->close();
  });
}

/// Waits for the first byte of a request, up to the idle deadline.
void Connection::wait() {
  if (shared_.is_stopping) return close();
  is_idle_ = true;
  if (buffer_.size() > 0) return read();  // a pipelined request is already buffered
  if (buffer_.capacity() > kReadBuffer) {
    buffer_ = beast::flat_buffer(largest_buffer(shared_.options));
    buffer_.reserve(kReadBuffer);
  }
  stream_.expires_after(std::chrono::seconds(shared_.options.idle_timeout_s));
  stream_.async_read_some(buffer_.prepare(kReadBuffer / 2),
                          [self = shared_from_this()](Error error, std::size_t bytes) {
                            if (error) return self->close();
                            self->buffer_.commit(bytes);
                            self->read();
                          });
}

/// Reads the whole request within its deadline, however slowly it arrives.
void Connection::read() {
  is_idle_ = false;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(shared_.options.max_header_bytes));
  // The path is not known yet; fit_limits() narrows it.
  parser_->body_limit(static_cast<std::uint64_t>(
      std::max(shared_.options.max_body_bytes, largest_body(shared_.options, kMedia))));
  parser_->get().body().lease = WorkLease(shared_.budget);
  stream_.expires_after(std::chrono::seconds(shared_.options.request_timeout_s));
  read_header();
}

/// Parses what has come; reads more until the header is whole.
void Connection::read_header() {
  const auto come = buffer_.data();
  if (has_folded_line({static_cast<const char*>(come.data()), come.size()})) {
    return refuse_with(error_reply(400, "header", "a line goes on with a blank (a folded line)"));
  }
  Error error;
  buffer_.consume(parser_->put(come, error));
  if (error == http::error::need_more) error = {};
  if (error || parser_->is_header_done()) return on_header(error);
  stream_.async_read_some(buffer_.prepare(kReadBuffer / 2),
                          [self = shared_from_this()](Error failed, std::size_t bytes) {
                            if (failed) return self->close();
                            self->buffer_.commit(bytes);
                            self->read_header();
                          });
}

void Connection::on_header(Error error) {
  if (error) return refuse(error);
  const auto& header = parser_->get();
  version_ = header.version();
  if (auto problem = header_problem(header)) return refuse_with(std::move(*problem));
  const auto target = parse_target({header.target().data(), header.target().size()});
  if (!target) {
    return refuse_with(error_reply(400, "target", "is neither a path nor an http address"));
  }
  // Taken now: a field that comes after a chunked body is none of these, whatever its name.
  const auto value = [&](http::field field) { return std::string(header[field]); };
  request_ = std::make_shared<HttpRequest>();
  request_->method = std::string(header.method_string());
  request_->target = target->path;
  request_->content_type = value(http::field::content_type);
  request_->authorization = value(http::field::authorization);
  request_->host = target->authority.empty() ? value(http::field::host) : target->authority;
  request_->origin = value(http::field::origin);
  request_->content_encoding = value(http::field::content_encoding);
  if (!fit_limits(error)) return refuse(error);
  if (Service::is_recording(request_->target)) {
    // Before the body is read, because it may be large.
    if (auto refused = shared_.service.admit(*request_)) return refuse_with(std::move(*refused));
    recording_end_ = Clock::now() + std::chrono::seconds(shared_.options.recordings.patience_s);
    pace_bytes_ = 0;
  }
  // A client of HTTP/1.0 would take the interim reply for the answer.
  if (header.count(http::field::expect) == 0 || version_ < 11) return read_body();
  continue_ = {http::status::continue_, version_};
  http::async_write(stream_, *continue_,
                    [self = shared_from_this()](Error failed, std::size_t /*bytes*/) {
                      failed ? self->close() : self->read_body();
                    });
}

/// Applies the limit of the route's bodies; false, with the error, when the announced length is
/// beyond it.
bool Connection::fit_limits(Error& error) {
  const auto largest = static_cast<std::uint64_t>(largest_body(shared_.options, request_->target));
  const auto announced = parser_->content_length();
  if (announced && *announced > largest) {
    error = make_error_code(http::error::body_limit);
    return false;
  }
  parser_->body_limit(largest);
  return true;
}

/// Whether the client has hung up. Called while the connection only waits for its handler.
bool Connection::is_gone() {
  if (shared_.is_over) return true;
  char byte = 0;
  const auto got = ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void Connection::read_body() {
  if (Service::is_recording(request_->target)) return read_recording();
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](Error error, std::size_t /*bytes*/) {
                     error ? self->refuse(error) : self->handle();
                   });
}

/// Reads a recording as long as it arrives at a fair pace: it may be large, and holds memory.
void Connection::read_recording() {
  if (parser_->is_done()) return handle();
  const std::size_t come = parser_->get().body().text.size();
  if (come >= pace_bytes_) {
    pace_bytes_ = come + kPace;
    pace_end_ = Clock::now() + std::chrono::seconds(shared_.options.request_timeout_s);
  }
  stream_.expires_at(std::min(pace_end_, recording_end_));
  http::async_read_some(stream_, buffer_, *parser_,
                        [self = shared_from_this()](Error error, std::size_t /*bytes*/) {
                          error ? self->refuse(error) : self->read_recording();
                        });
}

/// Replies to an unreadable request, and closes.
void Connection::refuse(Error error) {
  const auto& options = shared_.options;
  if (error == http::error::body_limit) {
    const auto raw = parser_->get().target();
    const auto target = parse_target({raw.data(), raw.size()});
    return refuse_with(
        error_reply(413, "body",
                    fmt::format("the body is larger than {} bytes",
                                largest_body(options, target ? target->path : std::string()))));
  }
  if (error == http::error::header_limit) {
    return refuse_with(
        error_reply(431, "header",
                    fmt::format("the header is larger than {} bytes", options.max_header_bytes)));
  }
  if (error == http::error::buffer_overflow) {
    return refuse_with(error_reply(
        431, "body",
        fmt::format("a chunk's extension or the fields after the body are larger than {} bytes",
                    largest_buffer(options))));
  }
  if (error == boost::system::errc::not_enough_memory) {
    return refuse_with(shared_.service.busy_reply("bodies in work hold all the memory they may"));
  }
  const bool is_gone = error == http::error::end_of_stream ||
                       error == http::error::partial_message || error == beast::error::timeout ||
                       error == asio::error::operation_aborted ||
                       error.category() != make_error_code(http::error::bad_method).category();
  if (is_gone) return close();
  refuse_with(error_reply(400, "", fmt::format("not HTTP: {}", error.message())));
}

void Connection::refuse_with(HttpReply reply) {
  keeps_alive_ = false;
  is_refused_ = true;
  parser_.reset();
  request_.reset();
  shared_.has_garbage = true;
  shared_.service.count_unreadable(reply);
  write(std::move(reply));
}

void Connection::handle() {
  const std::shared_ptr<HttpRequest> request = std::move(request_);
  auto& message = parser_->get();
  request->body = std::move(message.body().text);
  lease_ = std::move(message.body().lease);
  keeps_alive_ = message.keep_alive();
  is_head_ = message.method() == http::verb::head;
  stream_.expires_never();  // the service has its own limits
  if (shared_.pending >= shared_.options.max_pending) {
    return write(shared_.service.refuse_busy(*request));
  }
  if (Service::is_recording(request->target)) {
    if (auto refused = shared_.service.take_place(*request)) return write(std::move(*refused));
  }
  ++shared_.pending;
  request->is_gone = [this] { return is_gone(); };
  asio::post(shared_.pool_of(*request),
             [self = shared_from_this(), request] { self->answer(request); });
}

/// Runs on a handler thread; the connection does nothing else meanwhile.
void Connection::answer(const std::shared_ptr<HttpRequest>& request) {
  if (shared_.is_over) return;
  auto reply = std::make_shared<HttpReply>(shared_.service.handle(*request));
  constexpr auto kLarge = static_cast<std::size_t>(WorkBudget::kFree);
  if (request->body.size() + reply->body.size() > kLarge) shared_.has_garbage = true;
  request->body = {};
  if (!lease_.hold(static_cast<std::int64_t>(reply->body.size()))) {
    *reply = shared_.service.busy_reply(
        "replies that nobody has read yet hold all the memory "
        "they may");
    static_cast<void>(lease_.hold(0));
  }
  --shared_.pending;
  asio::post(stream_.get_executor(),
             [self = shared_from_this(), reply] { self->write(std::move(*reply)); });
}

void Connection::write(HttpReply reply) {
  response_.emplace(static_cast<http::status>(reply.status), version_);
  response_->set(http::field::server, "hardy/" + program_version());
  response_->set(http::field::content_type, reply.content_type);
  response_->set("X-Content-Type-Options", "nosniff");
  response_->set("X-Frame-Options", "DENY");
  response_->set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  response_->set("Cross-Origin-Resource-Policy", "same-origin");
  response_->set("Referrer-Policy", "no-referrer");
  response_->set(http::field::cache_control, "no-store");
  for (const auto& [name, value] : reply.headers) response_->set(name, value);
  response_->keep_alive(keeps_alive_ && !shared_.is_stopping);
  if (reply.status != 204) response_->body() = std::move(reply.body);
  response_->prepare_payload();
  if (is_head_) response_->body().clear();
  stream_.expires_after(std::chrono::seconds(shared_.options.request_timeout_s));
  http::async_write(stream_, *response_,
                    [self = shared_from_this()](Error error, std::size_t /*bytes*/) {
                      const bool goes_on = !error && self->response_->keep_alive();
                      self->parser_.reset();
                      self->response_.reset();
                      self->lease_.release();
                      if (goes_on) return self->wait();
                      !error && self->is_refused_ ? self->linger() : self->close();
                    });
}

/// Reads and discards the rest of a refused request: closing at once would reset the connection,
/// possibly before the client has read the reply.
void Connection::linger() {
  Error ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  is_idle_ = true;  // a stop need not wait for it
  stream_.expires_after(kLinger);
  discard();
}

void Connection::discard() {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(kReadBuffer / 2),
                          [self = shared_from_this()](Error error, std::size_t /*bytes*/) {
                            error ? self->close() : self->discard();
                          });
}

void Connection::close() {
  is_idle_ = false;
  Error ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  stream_.close();
}

}  // namespace hardy
