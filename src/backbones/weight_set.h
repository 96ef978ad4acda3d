// The weights of a frozen network by name, from its published files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace hardy {

/// Named float32 arrays, row-major. Values of other types are converted on access; float32 values
/// of a safetensors file or an old torch file stay in the mapped file. Not thread-safe. Copies
/// share the values.
class WeightSet {
 public:
  WeightSet() = default;

  /// Opens a safetensors file, a torch file of either form, an *.index.json of parts, or a folder
  /// with model.safetensors, pytorch_model.bin or an index of them. In a torch file the weights are
  /// those of the entry "model" or "state_dict" if there is one. Throws ArtifactError naming the
  /// file and the problem.
  static WeightSet open(const std::filesystem::path& path);

  /// Adds an array; for tests and computed weights.
  void add(const std::string& key, std::vector<std::int64_t> shape, std::vector<float> values);

  [[nodiscard]] bool has(const std::string& key) const { return entries_.contains(key); }

  [[nodiscard]] std::vector<std::string> keys() const;

  /// Throws ArtifactError naming the key when it is missing.
  [[nodiscard]] const std::vector<std::int64_t>& shape(const std::string& key) const;

  /// The values, valid as long as any copy of this object or until they are forgotten. Throws
  /// ArtifactError when the key is missing, of another shape (-1 in `shape` fits any extent) or no
  /// array of real numbers.
  [[nodiscard]] std::span<const float> floats(const std::string& key,
                                              const std::vector<std::int64_t>& shape) const;

  /// Frees the memory of values that were copied elsewhere; spans of floats() end. Values that
  /// share their storage with others stay.
  void forget(const std::string& key) const;

  /// If any name starts with `prefix`, keeps only those, without the prefix.
  void keep_below(std::string_view prefix);

  /// Replaces the end of names: old spellings of the same arrays.
  void rename_endings(std::string_view old_ending, std::string_view ending);

  /// Description of the network in a fairseq file ("args"), as JSON; null if absent.
  [[nodiscard]] const nlohmann::json& arguments() const { return arguments_; }

  /// SHA-256 of the files.
  [[nodiscard]] const std::string& checksum() const { return checksum_; }

  /// Name of the files in messages.
  [[nodiscard]] const std::string& name() const { return name_; }

  void set_name(std::string name) { name_ = std::move(name); }

  void set_arguments(nlohmann::json arguments) { arguments_ = std::move(arguments); }

 private:
  friend class WeightFileReader;

  struct Entry {
    std::vector<std::int64_t> shape;
    std::function<std::span<const float>()> load;  ///< throws ArtifactError
    std::function<void()> forget;                  ///< may be empty
  };

  std::map<std::string, Entry> entries_;
  nlohmann::json arguments_;
  std::string checksum_;
  std::string name_ = "weights";
};

}  // namespace hardy
