// Sockets of the service: connections, limits, deadlines, stop and reload.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "serve/options.h"
#include "serve/service.h"

namespace hardy {

/// An HTTP/1.1 server for a Service. A connection costs memory, not a thread, and has deadlines, so
/// that slow clients cannot block others.
class Server {
 public:
  /// Opens the port. Throws IoError on failure.
  Server(const ServeOptions& options, Service& service);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const;

  /// From now on, also before run(), SIGTERM and SIGINT end run() and SIGHUP reloads the model.
  /// Call it before others learn of the service, or their signal may end the process.
  void take_signals();

  /// Serves until stop() or a signal that take_signals() names. Then stops accepting, lets requests
  /// in progress finish (at most ServeOptions::grace_s) and returns. `notify` receives lines for
  /// the log: reloads and the stop.
  void run(std::function<void(const std::string& line)> notify);

  /// Ends run(), from any thread.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hardy
