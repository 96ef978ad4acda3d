// Entry point of the fuzzer of the HTTP stack: parser, header rules, service. Shared with
// tests/serve/http_rules_test.cc.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <nlohmann/json.hpp>

#include "hardy/errors.h"
#include "serve/header_problem.h"
#include "serve/leased_body.h"
#include "serve/service.h"
#include "tests/support/random_bundle.h"

namespace hardy::fuzz {

/// A service for a small model with low limits.
inline Service& http_service() {
  static Service service = [] {
    EncoderConfig encoder;
    encoder.hidden = 8;
    encoder.decoder_width = 8;
    ServeOptions options;
    options.model = std::filesystem::temp_directory_path() / "hardy-fuzz-model";
    options.workers = 1;
    options.max_utterances = 8;
    options.max_sessions = 4;
    save_tensor_file(options.model, test::random_bundle(test::bundle_info({3, 2}, 2, encoder)));
    return Service(options);
  }();
  return service;
}

/// Answers the request as a connection does; 0 for an incomplete request.
inline int answer_http(std::string_view text) {
  namespace http = boost::beast::http;
  WorkBudget budget(1 << 16);  // outlives the parser, whose body gives back to it
  http::request_parser<LeasedBody> parser;
  parser.header_limit(8192);
  parser.body_limit(1 << 16);
  parser.eager(true);
  parser.get().body().lease = WorkLease(budget);
  boost::system::error_code error;
  while (!text.empty() && !parser.is_done()) {
    const auto used = parser.put(boost::asio::buffer(text.data(), text.size()), error);
    if (error && error != http::error::need_more) return 400;
    if (used == 0) break;
    text.remove_prefix(used);
  }
  if (!parser.is_done()) return 0;
  auto& message = parser.get();
  if (const auto problem = header_problem(message)) return problem->status;
  const auto target = parse_target({message.target().data(), message.target().size()});
  if (!target) return 400;
  const auto value = [&](http::field field) { return std::string(message[field]); };
  HttpRequest request{std::string(message.method_string()),
                      target->path,
                      std::move(message.body().text),
                      value(http::field::content_type),
                      value(http::field::authorization),
                      target->authority.empty() ? value(http::field::host) : target->authority,
                      value(http::field::origin),
                      value(http::field::content_encoding)};
  const HttpReply reply = http_service().handle(request);
  check(reply.status != 500, "an error of the service");
  if (reply.content_type == "application/json" && !reply.body.empty()) {
    const auto json = nlohmann::json::parse(reply.body);
    check(reply.status < 400 || !json.at("error").at("reason").get<std::string>().empty(),
          "a refusal without a reason");
  }
  return reply.status;
}

}  // namespace hardy::fuzz
