#include "backbones/network_settings.h"

#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kLargestSettings = std::size_t{4} << 20;
constexpr std::int64_t kMostWidth = 1 << 16;
constexpr std::int64_t kMostLayers = 1000;

}  // namespace

NetworkSettings::NetworkSettings(nlohmann::json json, std::string name)
    : json_(std::move(json)), name_(std::move(name)) {
  if (!json_.is_object()) refuse("it holds no settings by name");
}

NetworkSettings NetworkSettings::read(const std::filesystem::path& file) {
  std::string text;
  try {
    text = read_text_file(file, kLargestSettings);
  } catch (const DataError& error) {
    throw ArtifactError(error.what());
  }
  auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) throw ArtifactError(fmt::format("{}: is no JSON", file.string()));
  return {std::move(json), file.string()};
}

void NetworkSettings::refuse(const std::string& what) const {
  throw ArtifactError(fmt::format("{}: {}", name_, what));
}

bool NetworkSettings::has(const std::string& key) const {
  return json_.contains(key) && !json_[key].is_null();
}

std::int64_t NetworkSettings::integer(const std::string& key, std::int64_t least,
                                      std::int64_t most) const {
  if (!has(key) || !json_[key].is_number_integer()) {
    refuse(fmt::format("the setting '{}' is missing or no whole number", key));
  }
  const auto value = json_[key].get<std::int64_t>();
  if (value < least || value > most) {
    refuse(fmt::format("{} = {} is not within {} to {}", key, value, least, most));
  }
  return value;
}

std::int64_t NetworkSettings::integer_or(const std::string& key, std::int64_t absent) const {
  return has(key) ? integer(key, -kMostWidth * kMostWidth, kMostWidth * kMostWidth) : absent;
}

double NetworkSettings::real_or(const std::string& key, double absent) const {
  if (!has(key)) return absent;
  if (!json_[key].is_number()) refuse(fmt::format("the setting '{}' is no number", key));
  return json_[key].get<double>();
}

bool NetworkSettings::flag_or(const std::string& key, bool absent) const {
  if (!has(key)) return absent;
  if (!json_[key].is_boolean()) refuse(fmt::format("the setting '{}' is not true or false", key));
  return json_[key].get<bool>();
}

std::string NetworkSettings::text_or(const std::string& key, const std::string& absent) const {
  if (!has(key)) return absent;
  if (!json_[key].is_string()) refuse(fmt::format("the setting '{}' is no text", key));
  return json_[key].get<std::string>();
}

std::vector<std::int64_t> NetworkSettings::integers_or(
    const std::string& key, const std::vector<std::int64_t>& absent) const {
  if (!has(key)) return absent;
  std::vector<std::int64_t> values;
  if (!json_[key].is_array()) refuse(fmt::format("the setting '{}' is no list", key));
  for (const auto& value : json_[key]) {
    if (!value.is_number_integer()) refuse(fmt::format("the setting '{}' holds no numbers", key));
    values.push_back(value.get<std::int64_t>());
  }
  return values;
}

TransformerSizes TransformerSizes::read(const NetworkSettings& settings) {
  TransformerSizes sizes;
  sizes.width = settings.integer("hidden_size", 1, kMostWidth);
  sizes.layers = settings.integer("num_hidden_layers", 1, kMostLayers);
  sizes.heads = settings.integer("num_attention_heads", 1, kMostWidth);
  sizes.inner = settings.integer("intermediate_size", 1, kMostWidth);
  if (sizes.width % sizes.heads != 0) {
    settings.refuse(fmt::format("hidden_size {} is no multiple of num_attention_heads {}",
                                sizes.width, sizes.heads));
  }
  return sizes;
}

}  // namespace hardy
