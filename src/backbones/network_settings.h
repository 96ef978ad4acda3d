// config.json of a frozen network. Internal to backbones/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace hardy {

/// Settings by name with defaults given by the caller. Getters throw ArtifactError, naming file and
/// setting, for values of another type or out of range.
class NetworkSettings {
 public:
  /// `name` stands for the file in messages.
  NetworkSettings(nlohmann::json json, std::string name);

  /// Throws ArtifactError when the file is missing or no JSON object.
  static NetworkSettings read(const std::filesystem::path& file);

  [[nodiscard]] bool has(const std::string& key) const;
  [[nodiscard]] std::int64_t integer(const std::string& key, std::int64_t least,
                                     std::int64_t most) const;
  [[nodiscard]] std::int64_t integer_or(const std::string& key, std::int64_t absent) const;
  [[nodiscard]] double real_or(const std::string& key, double absent) const;
  [[nodiscard]] bool flag_or(const std::string& key, bool absent) const;
  [[nodiscard]] std::string text_or(const std::string& key, const std::string& absent) const;
  [[nodiscard]] std::vector<std::int64_t> integers_or(
      const std::string& key, const std::vector<std::int64_t>& absent) const;

  [[nodiscard]] const nlohmann::json& json() const { return json_; }

  [[nodiscard]] const std::string& name() const { return name_; }

  /// Throws ArtifactError "NAME: WHAT".
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  nlohmann::json json_;
  std::string name_;
};

/// Sizes of a transformer. Throws ArtifactError unless heads divide the width.
struct TransformerSizes {
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t inner = 0;

  static TransformerSizes read(const NetworkSettings& settings);

  [[nodiscard]] std::int64_t head_width() const { return width / heads; }
};

}  // namespace hardy
