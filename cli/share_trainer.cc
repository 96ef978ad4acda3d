#include "cli/share_trainer.h"

#include <sys/resource.h>

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/wording.h"
#include "cli/output.h"
#include "experiments/estimate_comparison.h"
#include "hardy/errors.h"
#include "protocol/planned_fits.h"

namespace hardy {
namespace {

/// Peak memory of the process.
std::int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

}  // namespace

void carry_out_share(const ShardRequest& request, const std::filesystem::path& folder,
                     const Corpus& corpus, Progress& progress, bool is_quiet) {
  ShardProgress shares(folder, request.shard, progress);
  shares.start("shard " + request.shard.text());
  std::int64_t units = 0;
  try {
    units = run_shard(request, corpus, shares);
  } catch (const Interrupted&) {
    shares.finish();
    shares.end("interrupted");
    throw;
  } catch (const Error& error) {
    shares.finish();
    shares.end("failed", error.what());
    throw;
  }
  shares.finish();
  shares.end("done");
  if (is_quiet) return;
  const std::string computed = request.shard.part == ShardPart::kStages
                                   ? counted(units, "group") + " of stages"
                                   : counted(units, "fit");
  print_notice(
      fmt::format("shard {}: {} in the cache {}; `--from-cache` writes results once "
                  "all shards are done",
                  request.shard.text(), computed, request.cache.string()));
}

std::vector<ShardVariant> share_variants(const Study& study) {
  std::vector<ShardVariant> variants;
  for (const auto& variant : study.variants) {
    variants.push_back({variant.label, variant_config(study, variant)});
  }
  return variants;
}

void write_plan(const std::filesystem::path& file, const StudyRequest& request,
                const std::optional<CompareOptions>& comparison, const Corpus& corpus,
                Progress& progress) {
  RunDivision division;
  for (const auto& variant : share_variants(request.study)) {
    const auto own = division_of(variant.config, corpus);
    division.groups = std::max(division.groups, own.groups);
    division.fits_per_group += own.fits_per_group;
  }
  const std::int64_t loaded = peak_bytes();
  progress.start("measuring what an epoch costs");
  const double cpu_s = comparison
                           ? estimate_comparison(request, *comparison, corpus, progress).cpu_s
                           : estimate_study(request, corpus, progress).cpu_s;
  progress.finish();
  const nlohmann::ordered_json json = {{"groups", division.groups},
                                       {"fits_per_group", division.fits_per_group},
                                       {"cpu_s", cpu_s},
                                       {"loaded_bytes", loaded},
                                       {"peak_bytes", peak_bytes()}};
  write_file_atomically(file, json.dump(2) + "\n");
}

}  // namespace hardy
