// <utility> first: Boost 1.74's coroutine headers need it in C++20.
#include <utility>

#include "serve/http_rules.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <boost/asio/ip/address.hpp>

#include "base/utf8.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace ip = boost::asio::ip;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 255 &&
         std::all_of(text.begin(), text.end(), [](char letter) {
           return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
                  letter == '-' || letter == '.' || letter == '_';
         });
}

/// A port, or nothing.
bool is_port(std::string_view text) {
  constexpr int kLargestPort = 65535;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return text.empty() || (text.size() <= 5 && text.front() != '-' && error == std::errc() &&
                          end == text.data() + text.size() && value <= kLargestPort);
}

}  // namespace

bool is_json_type(std::string_view content_type) {
  const auto semicolon = content_type.find(';');
  if (lower_case(trim(content_type.substr(0, semicolon))) != "application/json") return false;
  auto rest = semicolon == content_type.npos ? std::string_view{} : content_type.substr(semicolon);
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find(';'), rest.size());
    const auto parameter = lower_case(trim(rest.substr(0, end)));
    rest.remove_prefix(end);
    if (parameter.empty()) continue;
    const bool is_utf8 = parameter == "charset=utf-8" || parameter == "charset=\"utf-8\"";
    const bool has_form =
        parameter.find('=') != parameter.npos && parameter.find_first_of(", ") == parameter.npos;
    if (!has_form || (parameter.starts_with("charset") && !is_utf8)) return false;
  }
  return true;
}

std::string_view bearer_token(std::string_view authorization) {
  constexpr std::size_t kScheme = 6;
  if (authorization.size() <= kScheme || authorization[kScheme] != ' ' ||
      lower_case(authorization.substr(0, kScheme)) != "bearer") {
    return {};
  }
  return trim(authorization.substr(kScheme));
}

std::optional<HttpTarget> parse_target(std::string_view target) {
  if (target.starts_with('/')) return HttpTarget{"", std::string(target)};
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (lower_case(target.substr(0, scheme.size())) != scheme) continue;
    const auto rest = target.substr(scheme.size());
    const auto end = std::min(rest.find_first_of("/?"), rest.size());
    if (end == 0) return std::nullopt;
    std::string path(rest.substr(end));
    if (!path.starts_with('/')) path.insert(0, "/");
    return HttpTarget{std::string(rest.substr(0, end)), std::move(path)};
  }
  return std::nullopt;
}

std::optional<Authority> parse_authority(std::string_view text) {
  Authority authority;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    boost::system::error_code error;
    if (end == text.npos) return std::nullopt;
    const auto address = ip::make_address_v6(std::string(text.substr(1, end - 1)), error);
    if (error || text.substr(1, end - 1).find('%') != text.npos) {
      return std::nullopt;  // a zone has a meaning on one machine only
    }
    authority.name = address.to_string();
    text.remove_prefix(end + 1);
    if (!text.empty() && !text.starts_with(':')) return std::nullopt;
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    authority.name = lower_case(text.substr(0, colon));
    if (authority.name.ends_with('.')) authority.name.pop_back();
    if (!is_name(authority.name)) return std::nullopt;
    text.remove_prefix(colon);
  }
  if (!text.empty()) authority.port = text.substr(1);
  if (!is_port(authority.port)) return std::nullopt;
  return authority;
}

HostRules::HostRules(const std::string& address, const std::string& machine,
                     const std::vector<std::string>& names) {
  boost::system::error_code error;
  const auto listened = ip::make_address(address, error);
  takes_any_address_ = !error && listened.is_unspecified();
  takes_loopback_ = takes_any_address_ || (!error && listened.is_loopback());
  if (!error) names_.push_back(listened.to_string());
  if (!takes_loopback_ || takes_any_address_) names_.push_back(lower_case(machine));
  for (const auto& name : names) {
    const auto authority = parse_authority(name);
    if (!authority || !authority->port.empty()) {
      throw ConfigError(
          fmt::format("--name {}: not a host name, e.g. hardy.example.org", shown(name)));
    }
    given_.push_back(authority->name);
  }
  names_.insert(names_.end(), given_.begin(), given_.end());
}

bool HostRules::knows(const std::string& name) const {
  if (std::find(names_.begin(), names_.end(), name) != names_.end()) return true;
  if (takes_loopback_ && name == "localhost") return true;
  boost::system::error_code error;
  const auto address = ip::make_address(name, error);
  return !error && (takes_any_address_ || (takes_loopback_ && address.is_loopback()));
}

bool HostRules::is_own_origin(const std::string& origin, const Authority& host) const {
  const bool is_encrypted = lower_case(origin).starts_with("https://");
  const auto target = parse_target(origin);
  if (!target || target->authority.empty() || target->path != "/") return false;
  const auto from = parse_authority(target->authority);
  if (!from) return false;
  // A proxy may have put another name into Host: names given by the user count too.
  const auto port_of = [&](const std::string& port) {
    return port.empty() ? std::string(is_encrypted ? "443" : "80") : port;
  };
  if (from->name == host.name && port_of(from->port) == port_of(host.port)) return true;
  return std::find(given_.begin(), given_.end(), from->name) != given_.end();
}

std::optional<HttpReply> HostRules::refusal(const HttpRequest& request) const {
  Authority host;
  if (!request.host.empty()) {
    const auto parsed = parse_authority(request.host);
    if (!parsed) return error_reply(400, "Host", "is not a host name with or without a port");
    if (!knows(parsed->name)) {
      return error_reply(
          403, "Host",
          fmt::format("'{}' is no name of this service; --name adds one", shown(parsed->name)));
    }
    host = *parsed;
  }
  if (request.origin.empty() || is_own_origin(request.origin, host)) return std::nullopt;
  return error_reply(403, "Origin", "pages of other sites may not use this service");
}

}  // namespace hardy
