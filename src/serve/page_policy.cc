#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/checksum.h"
#include "serve/pages.h"

namespace hardy {
namespace {

/// Base64 (RFC 4648) of bytes given in hexadecimal.
std::string base64_of_hex(std::string_view hex) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto digit = [](char letter) {
    return static_cast<std::uint32_t>(letter <= '9' ? letter - '0' : letter - 'a' + 10);
  };
  std::string text;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char letter : hex) {
    bits = bits << 4 | digit(letter);
    held += 4;
    if (held < 6) continue;
    held -= 6;
    text += kLetters[bits >> held & 0x3F];
  }
  if (held > 0) text += kLetters[bits << (6 - held) & 0x3F];
  while (text.size() % 4 != 0) text += '=';
  return text;
}

}  // namespace

std::string page_security_policy() {
  constexpr std::string_view kOpen = "<script>";
  const std::string page = playground_page();
  const auto first = page.find(kOpen) + kOpen.size();
  const auto script = page.substr(first, page.find("</script>", first) - first);
  return fmt::format(
      "default-src 'none'; script-src 'sha256-{}'; style-src 'unsafe-inline'; img-src data:; "
      "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      base64_of_hex(sha256(script)));
}

}  // namespace hardy
