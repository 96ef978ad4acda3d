// <utility> first: Boost 1.74's coroutine headers need it in C++20.
#include <utility>

#include "serve/server.h"

#include <malloc.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <boost/asio.hpp>

#include "hardy/errors.h"
#include "serve/connection.h"

namespace hardy {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::seconds kTidyPause{1};

/// Returns freed memory to the system, which the allocator alone does not.
void give_memory_back() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace

struct Server::Impl {
  const ServeOptions options;
  Service& service;
  ServerShared shared;  // destroyed after the context, whose connections use it
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
      const bool is_taken = error == asio::error::address_in_use;
      throw IoError(fmt::format("{}:{} cannot be listened on: {}{}", options.address, options.port,
                                error.message(), is_taken ? "; is another service there?" : ""));
    }
  }

  void accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (shared.is_stopping) return;
      // Out of file descriptors or memory: an immediate retry would only use CPU time.
      if (error) return accept_later();
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      if (shared.connections >= options.max_connections) {
        turn_away(socket);
      } else {
        const auto connection = std::make_shared<Connection>(std::move(socket), shared);
        remember(connection);
        connection->start();
      }
      accept();
    });
  }

  void accept_later() {
    accept_pause.expires_after(kAcceptPause);
    accept_pause.async_wait([this](error_code error) {
      if (!error && !shared.is_stopping) accept();
    });
  }

  /// Returns freed memory, and expires idle sessions.
  void tidy_later() {
    tidy_pause.expires_after(kTidyPause);
    tidy_pause.async_wait([this](error_code error) {
      if (error || shared.is_stopping) return;
      if (service.tidy()) shared.has_garbage = true;
      if (shared.has_garbage.exchange(false)) asio::post(shared.handlers, give_memory_back);
      tidy_later();
    });
  }

  /// Rejects an excess connection with 503 without reading it.
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
      reload_later();
      wait_for_signals();
    });
  }

  /// Several SIGHUPs before a reload begins cause one reload.
  void reload_later() {
    if (is_reload_queued.exchange(true)) return;
    asio::post(shared.reloads, [this] {
      is_reload_queued = false;
      try {
        if (service.reload()) notify("reloaded the model");
      } catch (const std::exception& failure) {
        notify(fmt::format("reload failed, the old model goes on: {}", failure.what()));
      }
      shared.has_garbage = true;
    });
  }

  void stop() {
    if (shared.is_stopping.exchange(true)) return;
    service.stop();
    notify("stopping");
    error_code ignored;
    acceptor.close(ignored);
    signals.cancel(ignored);
    // A second signal has its default effect and ends the process at once.
    signals.remove(SIGTERM, ignored);
    signals.remove(SIGINT, ignored);
    accept_pause.cancel(ignored);
    tidy_pause.cancel(ignored);
    for (const auto& known : connections) {
      if (const auto connection = known.lock()) connection->stop();
    }
    grace.expires_after(std::chrono::seconds(options.grace_s));
    grace.async_wait([this](error_code error) {
      if (!error) context.stop();
    });
    watch_the_last();
  }

  /// Drops queued work and waits for running work.
  void end_threads() {
    service.stop();
    shared.is_over = true;
    shared.handlers.join();
    shared.reloads.join();
    shared.recordings.join();
  }

  /// Ends the loop when no connection is left.
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
  asio::steady_timer accept_pause{context};
  asio::steady_timer tidy_pause{context};
  std::atomic<bool> is_reload_queued{false};
};

Server::Server(const ServeOptions& options, Service& service)
    : impl_(std::make_unique<Impl>(options, service)) {}

Server::~Server() {
  impl_->end_threads();
  impl_->context.stop();
}

std::uint16_t Server::port() const { return impl_->acceptor.local_endpoint().port(); }

void Server::take_signals() {
  impl_->signals.add(SIGTERM);
  impl_->signals.add(SIGINT);
  impl_->signals.add(SIGHUP);
  impl_->wait_for_signals();
}

void Server::run(std::function<void(const std::string&)> notify) {
  impl_->notify = std::move(notify);
  impl_->accept();
  impl_->tidy_later();
  impl_->context.run();
  impl_->end_threads();
}

void Server::stop() {
  asio::post(impl_->context, [this] { impl_->stop(); });
}

}  // namespace hardy
