// Options and limits of a service.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hardy/extract.h"

namespace hardy {

/// Recordings: the helper that extracts them, and limits. docs/serving.md lists the status of each
/// exceeded limit.
struct RecordingService {
  int control = -1;  ///< socket to the helper, owned by the service; -1 = no recordings are taken
  std::array<FeatureMaker, 3> makers = {};  ///< of the helper, index as in kMediaModalities
  std::int64_t max_bytes = std::int64_t{64} << 20;
  std::int64_t max_seconds = 600;  ///< length of a recording
  std::int64_t patience_s = 60;    ///< for a recording to arrive, and again for its extraction
  std::int64_t max_pending = 4;    ///< recordings that wait or are extracted; more: 503
  int jobs = 1;                    ///< recordings extracted at the same time

  [[nodiscard]] bool is_on() const { return control >= 0; }

  /// Bytes of the largest body: a recording, and beside it a transcript, options and headers.
  [[nodiscard]] std::int64_t max_body_bytes() const { return max_bytes + (std::int64_t{5} << 20); }
};

/// Limits and addresses of `hardy serve`. docs/serving.md lists the status of each exceeded limit.
struct ServeOptions {
  std::filesystem::path model;
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;            ///< 0 = any free one
  std::string token;                    ///< empty = no token required
  std::vector<std::string> names = {};  ///< further host names of the service
  std::string corpus;  ///< folder whose utterances the playground offers; empty = none
  int workers = 2;     ///< threads that run the network
  int handlers = 16;   ///< threads that read and answer requests
  std::int64_t max_body_bytes = std::int64_t{16} << 20;
  std::int64_t max_work_bytes = std::int64_t{128}
                                << 20;  ///< bodies and replies of all requests in progress
  std::int64_t max_model_bytes = std::int64_t{1} << 30;  ///< size of the model file
  std::int64_t max_header_bytes = 8192;
  std::int64_t max_connections = 512;
  std::int64_t max_pending = 256;     ///< requests in progress; further ones get 503
  std::int64_t max_batch = 64;        ///< utterances in one pass of the network
  std::int64_t batch_wait_us = 300;   ///< longest wait for further requests, if some are being read
  std::int64_t max_utterances = 512;  ///< per request, and turns per session
  std::int64_t max_sessions = 1000;
  std::int64_t max_session_bytes = std::int64_t{256} << 20;  ///< all sessions together
  std::int64_t session_idle_s = 600;                         ///< idle timeout of a session
  std::int64_t request_timeout_s = 10;  ///< for reading a request, from its first byte
  std::int64_t idle_timeout_s = 60;     ///< idle timeout of a connection between requests
  std::int64_t grace_s = 10;            ///< for requests in progress when the service stops
  bool logs_requests = true;
  RecordingService recordings;
};

}  // namespace hardy
