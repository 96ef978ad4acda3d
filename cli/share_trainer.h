// --shard and --plan in the trainer.
#pragma once

#include <filesystem>
#include <optional>

#include "cli/shard_options.h"
#include "experiments/method_comparison.h"
#include "experiments/run_study.h"
#include "protocol/run_shard.h"

namespace hardy {

/// Computes a shard, with its progress below `folder`, and prints a line about it.
void carry_out_share(const ShardRequest& request, const std::filesystem::path& folder,
                     const Corpus& corpus, Progress& progress, bool is_quiet);

/// The runs of a study as variants of a shard.
std::vector<ShardVariant> share_variants(const Study& study);

/// Writes the data for dividing the study: groups, fits, CPU seconds and memory, measured by short
/// trainings of one fold, as JSON.
void write_plan(const std::filesystem::path& file, const StudyRequest& request,
                const std::optional<CompareOptions>& comparison, const Corpus& corpus,
                Progress& progress);

}  // namespace hardy
