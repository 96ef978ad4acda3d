// Refusals of a request, and the values that need more than the parser.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardy/bundle.h"

namespace hardy {

[[noreturn]] void refuse_malformed(const std::string& field, const std::string& reason);
[[noreturn]] void refuse_unusable(const std::string& field, const std::string& reason);

/// "path.name"; of a long name only the start, because it comes from a stranger.
std::string field_path(const std::string& path, std::string_view name);

/// The float32 values of a base64 text. Refuses more than `width` of them without decoding.
std::vector<float> unpack_features(const std::string& text, const std::string& field,
                                   std::int64_t width);

/// Refuses values that are not as many as the model reads, or not finite.
void check_features(const std::vector<float>& values, const std::string& field, std::int64_t width);

/// More values than the model reads.
[[noreturn]] void refuse_surplus(const std::string& field, std::int64_t width);

/// Index of the modality. Refuses an unknown one with the nearest known name.
std::size_t known_modality(const BundleInfo& info, const std::string& name,
                           const std::string& features_path);

}  // namespace hardy
