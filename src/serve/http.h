// Requests and replies without the network: what the service computes on.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace hardy {

struct HttpRequest {
  std::string method;
  std::string target;  ///< path, perhaps with a query
  std::string body;
  std::string content_type;
  std::string authorization;
  std::string host = {};  ///< empty = none was given
  std::string origin = {};
  std::string content_encoding = {};
};

struct HttpReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// A refusal: {"error": {"status": .., "field": .., "reason": ..}}; the field only where one is to
/// blame.
HttpReply error_reply(int status, const std::string& field, const std::string& reason);

HttpReply text_reply(const char* content_type, std::string body);

HttpReply json_reply(int status, const nlohmann::ordered_json& body);

}  // namespace hardy
