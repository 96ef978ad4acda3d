// What a header must not say. Internal to the connection; also what the fuzzer of the HTTP stack
// asks.
#pragma once

#include <optional>

#include <boost/beast/http/message.hpp>

#include "serve/http.h"

namespace hardy {

/// The refusal of a header that two programs could understand differently, or that HTTP forbids;
/// nothing when it is fine.
std::optional<HttpReply> header_problem(const boost::beast::http::request_header<>& header);

}  // namespace hardy
