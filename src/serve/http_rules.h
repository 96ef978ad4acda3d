// Interpretation of headers: media types, tokens, targets, host names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http.h"

namespace hardy {

/// Whether a body is declared as JSON: application/json in any case, with no charset except UTF-8.
bool is_json_type(std::string_view content_type);

/// The token of "Bearer TOKEN", the scheme in any case; empty for another scheme.
std::string_view bearer_token(std::string_view authorization);

/// Target of a request.
struct HttpTarget {
  std::string authority;  ///< "name:port" of an absolute form; empty otherwise
  std::string path;       ///< path with its query
};

/// Parses "/path" and "http://name:port/path"; nothing for other text.
std::optional<HttpTarget> parse_target(std::string_view target);

/// "name" or "name:port", the name in lower case and without brackets; nothing for other text.
struct Authority {
  std::string name;
  std::string port;  ///< empty = that of the scheme
};

std::optional<Authority> parse_authority(std::string_view text);

/// The names under which a service may be reached. A page of another site can neither read nor
/// change anything: its Origin is foreign, and a name that it points to this service (DNS
/// rebinding) is not among the names.
class HostRules {
 public:
  /// `address` is the listening address. Loopback: localhost and loopback addresses; all addresses:
  /// any IP address, localhost and `machine`; else the address itself and `machine`. Always also
  /// `names`. Throws ConfigError when one of them is no host name.
  HostRules(const std::string& address, const std::string& machine,
            const std::vector<std::string>& names);

  /// The refusal of a request with a malformed (400) or foreign (403) Host or Origin; nothing if
  /// both are valid or absent.
  [[nodiscard]] std::optional<HttpReply> refusal(const HttpRequest& request) const;

 private:
  [[nodiscard]] bool knows(const std::string& name) const;
  [[nodiscard]] bool is_own_origin(const std::string& origin, const Authority& host) const;

  std::vector<std::string> names_;  ///< lower case
  std::vector<std::string> given_;  ///< those given by the user
  bool takes_loopback_ = false;
  bool takes_any_address_ = false;
};

}  // namespace hardy
