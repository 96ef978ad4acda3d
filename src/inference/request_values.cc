#include "inference/request_values.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "base/utf8.h"
#include "inference/request.h"

namespace hardy {

void refuse_malformed(const std::string& field, const std::string& reason) {
  throw RequestError(RequestError::Kind::kMalformed, field, reason);
}

void refuse_unusable(const std::string& field, const std::string& reason) {
  throw RequestError(RequestError::Kind::kUnusable, field, reason);
}

std::string field_path(const std::string& path, std::string_view name) {
  return path.empty() ? shown(name) : path + "." + shown(name);
}

std::vector<float> unpack_features(const std::string& text, const std::string& field,
                                   std::int64_t width) {
  const auto longest = (static_cast<std::size_t>(width) * sizeof(float) + 2) / 3 * 4;
  std::vector<std::uint8_t> bytes;
  const auto place = field + ".base64";
  // Of a text that is too long, only the part that the model would read is decoded, to tell whether
  // it is base64.
  if (text.size() % 4 != 0 || !decode_base64(std::string_view(text).substr(0, longest), bytes)) {
    refuse_malformed(place, "is not base64 (RFC 4648, padded)");
  }
  if (text.size() > longest) refuse_surplus(field, width);
  if (bytes.size() % sizeof(float) != 0) {
    refuse_malformed(place,
                     fmt::format("holds {} bytes, which is no number of float32", bytes.size()));
  }
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

void check_features(const std::vector<float>& values, const std::string& field,
                    std::int64_t width) {
  if (static_cast<std::int64_t>(values.size()) != width) {
    refuse_unusable(
        field,
        fmt::format("has {} values, the model reads {}; use the extractor it was trained with",
                    values.size(), width));
  }
  const auto bad =
      std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  if (bad == values.end()) return;
  refuse_unusable(fmt::format("{}[{}]", field, bad - values.begin()),
                  "is NaN, infinite or too large for float32; leave the modality out if it is "
                  "missing");
}

void refuse_surplus(const std::string& field, std::int64_t width) {
  refuse_unusable(field, fmt::format("has more than {} values, the model reads {}; use the "
                                     "extractor it was trained with",
                                     width, width));
}

std::size_t known_modality(const BundleInfo& info, const std::string& name,
                           const std::string& features_path) {
  const auto& known = info.modalities;
  const auto found =
      std::find_if(known.begin(), known.end(), [&](const auto& each) { return each.name == name; });
  if (found != known.end()) return static_cast<std::size_t>(found - known.begin());
  const auto field = field_path(features_path, name);
  try {
    static_cast<void>(info.modality_index(shown(name)));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kConfig) throw;
    refuse_unusable(field, error.what());
  }
  refuse_unusable(field, "is an unknown modality");
}

}  // namespace hardy
