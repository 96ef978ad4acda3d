// What a service may be told, with its limits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hardy {

/// Limits and addresses of `hardy serve`. Every limit has an answer of its own when it is reached
/// (docs/serving.md).
struct ServeOptions {
  std::filesystem::path model;
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;            ///< 0 = any free one
  std::string token;                    ///< empty = nobody has to present one
  std::vector<std::string> names = {};  ///< further host names that reach the service
  std::string corpus;  ///< folder whose utterances the playground offers; empty = none
  int workers = 2;     ///< threads that run the network
  int handlers = 16;   ///< threads that read and answer requests
  std::int64_t max_body_bytes = std::int64_t{16} << 20;
  std::int64_t max_work_bytes = std::int64_t{128} << 20;  ///< bodies and replies in work
  std::int64_t max_model_bytes = std::int64_t{1} << 30;   ///< of the model's file
  std::int64_t max_header_bytes = 8192;
  std::int64_t max_connections = 512;
  std::int64_t max_pending = 256;     ///< requests in work; more are answered 503
  std::int64_t max_batch = 64;        ///< utterances that one pass of the network takes together
  std::int64_t batch_wait_us = 300;   ///< how long a request may wait for others, if some come
  std::int64_t max_utterances = 512;  ///< of one request, and turns of one session
  std::int64_t max_sessions = 1000;
  std::int64_t max_session_bytes = std::int64_t{256} << 20;  ///< of all sessions together
  std::int64_t session_idle_s = 600;    ///< a session that nobody used for so long is forgotten
  std::int64_t request_timeout_s = 10;  ///< for a request to arrive, from its first byte
  std::int64_t idle_timeout_s = 60;     ///< of a connection between requests
  std::int64_t grace_s = 10;            ///< for requests in work when the service stops
  bool logs_requests = true;
};

}  // namespace hardy
