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

  /// Serves until stop() or, with `handles_signals`, SIGTERM or SIGINT; SIGHUP reloads the model.
  /// Then stops accepting, lets requests in progress finish (at most ServeOptions::grace_s) and
  /// returns. `notify` receives lines for the log: reloads and the stop.
  void run(bool handles_signals, std::function<void(const std::string& line)> notify);

  /// Ends run(), from any thread.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hardy
