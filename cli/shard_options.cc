#include "cli/shard_options.h"

#include <CLI/CLI.hpp>

#include "cli/choice.h"
#include "cli/help_format.h"
#include "hardy/errors.h"

namespace hardy {

void add_shard_options(CLI::App& command, ShardOptions& typed) {
  const OptionGroup group(command, "Division among processes");
  auto* shard =
      command
          .add_option("--shard", typed.shard,
                      "Compute share I of N, 0 <= I < N, into the cache that all shares have in "
                      "common; --from-cache collects them (docs/clusters.md)")
          ->type_name("I/N");
  command
      .add_option("--part", typed.part,
                  "Of the share only the stages that fits have in common, or only the fits, which "
                  "then divide further than folds and seeds: all, stages or fits")
      ->type_name("NAME")
      ->needs(shard)
      ->check(one_of({"all", "stages", "fits"}));
  command
      .add_flag("--from-cache", typed.from_cache,
                "Train nothing: write results from what shares left in the cache, or say what is "
                "missing and whose it was")
      ->excludes(shard);
  command.add_option("--plan", typed.plan)->group("")->excludes(shard);  // for hardy submit
}

Sharing read_sharing(const ShardOptions& typed, bool has_cache) {
  Sharing sharing;
  sharing.from_cache = typed.from_cache;
  sharing.plan = typed.plan;
  if (!typed.shard.empty()) sharing.shard = parse_shard(typed.shard, typed.part);
  if ((sharing.shard || sharing.from_cache) && !has_cache) {
    throw ConfigError(
        "--shard, --from-cache: shares meet in a cache of stage results; say which with --cache "
        "DIR, and leave --no-cache out");
  }
  return sharing;
}

}  // namespace hardy
