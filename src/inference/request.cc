#include "inference/request.h"

#include <array>
#include <bit>

#include "inference/request_reader.h"

namespace hardy {
namespace {

static_assert(std::endian::native == std::endian::little, "base64 features are little-endian");

}  // namespace

RequestError::RequestError(Kind kind, std::string field, std::string reason)
    : Error(ErrorKind::kData, field.empty() ? reason : field + ": " + reason),
      kind_(kind),
      field_(std::move(field)),
      reason_(std::move(reason)) {}

void UtteranceRequest::add_to(DialogueInput& input) const {
  std::vector<NamedFeatures> named;
  for (const auto& [name, values] : features) named.emplace_back(name, values);
  input.add(named, speaker);
}

UtteranceRequest read_utterance(std::string_view text, const std::string& path,
                                const BundleInfo& info) {
  return std::move(read_request(text, path, info, {}).utterances.front());
}

bool decode_base64(std::string_view text, std::vector<std::uint8_t>& bytes) {
  static const auto kValues = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    const std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < letters.size(); ++i) {
      values[static_cast<unsigned char>(letters[i])] = static_cast<std::int8_t>(i);
    }
    return values;
  }();
  bytes.clear();
  if (text.size() % 4 != 0) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const bool is_padding = i + j >= text.size() - padding;
      const int value = is_padding ? 0 : kValues[static_cast<unsigned char>(text[i + j])];
      if (value < 0) return false;
      group = group << 6 | static_cast<std::uint32_t>(value);
    }
    for (int shift = 16; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<std::uint8_t>(group >> shift & 0xFF));
    }
  }
  // The bits beside the padding must be zero; otherwise two texts would encode the same bytes.
  for (std::size_t i = 0; i < padding; ++i) {
    if (bytes.back() != 0) return false;
    bytes.pop_back();
  }
  return true;
}

}  // namespace hardy
