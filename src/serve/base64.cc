#include "serve/base64.h"

#include <cstdint>

namespace hardy {

std::string encode_base64(std::string_view bytes) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
    for (held += 8; held >= 6;) {
      held -= 6;
      text += kLetters[bits >> held & 0x3F];
    }
  }
  if (held > 0) text += kLetters[bits << (6 - held) & 0x3F];
  while (text.size() % 4 != 0) text += '=';
  return text;
}

}  // namespace hardy
