// Refusals of a request, and values that the parser alone cannot check.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardy/bundle.h"

namespace hardy {

[[noreturn]] void refuse_malformed(const std::string& field, const std::string& reason);
[[noreturn]] void refuse_unusable(const std::string& field, const std::string& reason);

/// "path.name"; a long name is cut, because it is untrusted.
std::string field_path(const std::string& path, std::string_view name);

/// The float32 values of a base64 text. Refuses more than `width` of them without decoding.
std::vector<float> unpack_features(const std::string& text, const std::string& field,
                                   std::int64_t width);

/// Refuses a number of values other than the model's width, and values that are not finite.
void check_features(const std::vector<float>& values, const std::string& field, std::int64_t width);

/// Refuses more values than the model reads.
[[noreturn]] void refuse_surplus(const std::string& field, std::int64_t width);

/// Index of the modality. Refuses an unknown one with the nearest known name.
std::size_t known_modality(const BundleInfo& info, const std::string& name,
                           const std::string& features_path);

}  // namespace hardy
