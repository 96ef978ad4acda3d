// Requests and replies independent of the network.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace hardy {

struct HttpRequest {
  std::string method;
  std::string target;  ///< path, possibly with a query
  std::string body;
  std::string content_type;
  std::string authorization;
  std::string host = {};  ///< empty = absent
  std::string origin = {};
  std::string content_encoding = {};
  /// Whether nobody waits for the reply any more; polled by handlers that take seconds. Empty = not
  /// known.
  std::function<bool()> is_gone = {};
  std::shared_ptr<const void> place = {};  ///< Service::take_place
};

struct HttpReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// A refusal: {"error": {"status": .., "field": .., "reason": ..}}; without the field if none is at
/// fault.
HttpReply error_reply(int status, const std::string& field, const std::string& reason);

/// 401: no token, or a wrong one.
HttpReply unauthorised_reply();

HttpReply text_reply(const char* content_type, std::string body);

HttpReply json_reply(int status, const nlohmann::ordered_json& body);

}  // namespace hardy
