// SHA-256, for provenance, content addresses and damage detection.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace hardy {

/// Incremental SHA-256. Not thread-safe; one object per digest.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& add(const void* bytes, std::size_t size);

  /// Adds the length too, so that ("ab","c") and ("a","bc") differ.
  Sha256& add(std::string_view text);

  /// 64 lower-case hex digits. The object must not be used afterwards.
  std::string hex();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// SHA-256 of a text.
std::string sha256(std::string_view text);

/// SHA-256 of a file's bytes, as `sha256sum` prints it. Throws IoError when it cannot be read.
std::string sha256_file(const std::filesystem::path& file);

}  // namespace hardy
