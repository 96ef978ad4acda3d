#include "pipeline/shard.h"

#include <charconv>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::int64_t kMostShards = 1'000'000;

ShardPart parse_part(const std::string& part) {
  if (part.empty() || part == "all") return ShardPart::kAll;
  if (part == "stages") return ShardPart::kStages;
  if (part == "fits") return ShardPart::kFits;
  throw ConfigError(fmt::format("--part {}: choose all, stages or fits", part));
}

}  // namespace

std::string part_name(ShardPart part) {
  if (part == ShardPart::kStages) return "stages";
  return part == ShardPart::kFits ? "fits" : "all";
}

std::string Shard::text() const { return fmt::format("{}/{}", index, count); }

std::string Shard::file_name() const {
  const std::string suffix = part == ShardPart::kAll ? "" : "-" + part_name(part);
  return fmt::format("{}-of-{}{}", index, count, suffix);
}

Shard parse_shard(const std::string& text, const std::string& part) {
  Shard shard;
  shard.part = parse_part(part);
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, shard.index);
  const bool has_slash = first.ec == std::errc() && first.ptr != end && *first.ptr == '/';
  const auto second = has_slash ? std::from_chars(first.ptr + 1, end, shard.count) : first;
  const bool is_whole = has_slash && second.ec == std::errc() && second.ptr == end;
  if (!is_whole || shard.count < 1 || shard.count > kMostShards || shard.index < 0 ||
      shard.index >= shard.count) {
    throw ConfigError(fmt::format(
        "--shard {}: give I/N with 0 <= I < N, e.g. 0/4, 1/4, 2/4 and 3/4 for four processes",
        text));
  }
  return shard;
}

}  // namespace hardy
