// A shard: the part of a run's fits that one of several processes computes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hardy {

/// Part of its shard that a process computes.
enum class ShardPart {
  kAll,
  kStages,  ///< the stages that fits share, divided by (fold, seed)
  kFits     ///< the fits one by one; stages that no other process has stored are computed here
};

/// Share `index` of `count`. Range: 0 <= index < count.
struct Shard {
  std::int64_t index = 0;
  std::int64_t count = 1;
  ShardPart part = ShardPart::kAll;

  /// Whether the shard holds a (fold, seed) group, counted from 0 fold by fold, or under kFits the
  /// fit of that number, counted group by group.
  [[nodiscard]] bool holds(std::int64_t number) const { return number % count == index; }

  /// "3/16".
  [[nodiscard]] std::string text() const;

  /// "3-of-16", "3-of-16-fits": prefix of its file names.
  [[nodiscard]] std::string file_name() const;
};

/// Reads "I/N" and "", "all", "stages" or "fits". Throws ConfigError.
Shard parse_shard(const std::string& text, const std::string& part);

/// "all", "stages" or "fits".
std::string part_name(ShardPart part);

/// A fit that a collecting process did not find.
struct MissingFit {
  std::string variant;      ///< label of a study's variant; empty for a run
  std::string what;         ///< "fold 2, seed 1: unified"
  std::int64_t group = 0;   ///< number of its (fold, seed) group
  std::int64_t number = 0;  ///< number of the fit
};

}  // namespace hardy
