// Sockets of the service: connections, limits, deadlines, stop and reload.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "serve/options.h"
#include "serve/service.h"

namespace hardy {

/// An HTTP/1.1 server around a Service. A connection costs memory, not a thread, and every one has
/// a deadline, so slow clients cannot keep others out.
class Server {
 public:
  /// Opens the port. Throws IoError when it cannot.
  Server(const ServeOptions& options, Service& service);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const;

  /// Serves until stop() or, with `handles_signals`, SIGTERM or SIGINT; SIGHUP loads the model
  /// again. Then takes nobody new, lets requests in work finish (at most ServeOptions::grace_s) and
  /// returns. `notify` gets lines for the log: reloads and the stop.
  void run(bool handles_signals, std::function<void(const std::string& line)> notify);

  /// Ends run(), from any thread.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hardy
