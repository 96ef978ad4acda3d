// Refused headers. Internal to the connection and the fuzzer of the HTTP stack.
#pragma once

#include <optional>

#include <boost/beast/http/message.hpp>

#include "serve/http.h"

namespace hardy {

/// The refusal of a header that two programs could interpret differently, or that HTTP forbids;
/// nothing for a valid one.
std::optional<HttpReply> header_problem(const boost::beast::http::request_header<>& header);

}  // namespace hardy
