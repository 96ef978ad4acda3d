// One feature folder: its entries, and reading of an utterance's feature.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "corpus/feature_folder.h"

namespace hardy {

/// An open folder: files are opened relative to it, which saves the kernel the path lookup.
class OpenFolder {
 public:
  explicit OpenFolder(const std::filesystem::path& path);

  OpenFolder(OpenFolder&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

  OpenFolder(const OpenFolder&) = delete;
  OpenFolder& operator=(const OpenFolder&) = delete;
  OpenFolder& operator=(OpenFolder&&) = delete;
  ~OpenFolder();

  /// The descriptor; negative if opening failed.
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

enum class EntryKind { kFile, kFolder };

/// An utterance's entry in a folder.
struct FeatureEntry {
  EntryKind kind = EntryKind::kFile;
  std::string name;  ///< as stored, which may be another normal form than the id
};

/// One modality being read. Throws DataError when the folder cannot be opened or contains a name
/// that is not UTF-8.
struct FeatureSource {
  FeatureSource(std::string name, std::filesystem::path where);

  std::string modality;
  std::filesystem::path path;
  OpenFolder folder;
  /// By utterance id in Unicode's composed form; from one listing.
  std::unordered_map<std::string, FeatureEntry> entries;
};

/// A thread's reusable memory.
struct FeatureScratch {
  std::vector<std::byte> bytes;
  std::vector<float> feature;
  std::vector<float> part;
};

/// kUnusable: NaN, infinity or huge values throughout, treated as missing.
enum class FeatureOutcome { kRead, kEmpty, kMissing, kUnusable };

/// Reads single features of one source.
class FeatureReader {
 public:
  FeatureReader(const FeatureSource& source, FeatureScratch& scratch, BadFeatures bad)
      : source_(source), scratch_(scratch), bad_(bad) {}

  /// Fills scratch.feature. Throws DataError naming the file.
  FeatureOutcome read(const FeatureRequest& request);

  /// Position of the unusable cell of the last feature: "FILE: frame 3, column 5 is -inf (..)"; ""
  /// if it is usable.
  [[nodiscard]] const std::string& bad_cell() const { return bad_cell_; }

  /// Number of frames that the last read left out of a mean.
  [[nodiscard]] std::int64_t left_out() const { return left_out_; }

 private:
  FeatureOutcome read_file(const std::string& name);
  FeatureOutcome finish(std::span<const std::byte> bytes, const std::string& name);
  FeatureOutcome read_face(const FeatureRequest& request, const std::string& folder);
  FeatureOutcome read_mean(const std::string& folder, const std::vector<std::string>& names);

  const FeatureSource& source_;
  FeatureScratch& scratch_;
  BadFeatures bad_;
  std::string bad_cell_;
  std::int64_t left_out_ = 0;
};

}  // namespace hardy
