#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/checksum.h"
#include "serve/base64.h"
#include "serve/pages.h"

namespace hardy {
namespace {

/// Bytes given in hexadecimal.
std::string bytes_of_hex(std::string_view hex) {
  const auto digit = [](char letter) { return letter <= '9' ? letter - '0' : letter - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  return bytes;
}

}  // namespace

std::string page_security_policy() {
  constexpr std::string_view kOpen = "<script>";
  const std::string page = playground_page();
  const auto first = page.find(kOpen) + kOpen.size();
  const auto script = page.substr(first, page.find("</script>", first) - first);
  return fmt::format(
      "default-src 'none'; script-src 'sha256-{}'; style-src 'unsafe-inline'; img-src data:; "
      "media-src blob:; "
      "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      encode_base64(bytes_of_hex(sha256(script))));
}

}  // namespace hardy
