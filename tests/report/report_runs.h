// Finished runs with hardness and supports, for tests of reports.
#pragma once

#include <filesystem>

#include "base/checksum_list.h"
#include "methods/hardymer/settings.h"
#include "tests/analysis/made_run.h"

namespace hardy::test {

/// A run with one wrong prediction in `period`, of classes calm and angry.
inline RunFolder make_report_run(const std::filesystem::path& folder, std::int64_t period,
                                 double beta = 4) {
  Config config;
  hardymer_settings(config).hardness.beta = beta;
  const auto is_hit = [&](const MadeFit& fit, std::int64_t u) {
    return (u + fit.seed) % period != 0;
  };
  const RunFolder run = make_run(folder, hit_outcomes(is_hit, {1, 2}), config);
  CsvFile hardness = start_hardness_table(run);
  CsvFile supports = start_supports_table(run);
  const Corpus corpus = made_corpus();
  for (const char* pattern : {"a", "t", "a,t"}) {
    for (std::size_t i = 48; i < corpus.utterances.size(); ++i) {
      const auto& id = corpus.utterances[i].id;
      add_row(hardness, HardnessRow{.utterance = id,
                                    .fold = 0,
                                    .seed = 1,
                                    .pattern = pattern,
                                    .direct = 1,
                                    .indirect = 0,
                                    .score = static_cast<double>(i) / 100 + 0.001,
                                    .supports = 1});
      add_row(supports, SupportRow{.utterance = id,
                                   .fold = 0,
                                   .seed = 1,
                                   .pattern = pattern,
                                   .rank = 1,
                                   .support = corpus.utterances[48].id,
                                   .distance = 0.5});
    }
  }
  hardness.commit();
  supports.commit();
  RunTimings timings;
  timings.wall_s = 12.5;
  timings.cpu_s = 20;
  timings.jobs = 2;
  timings.stage_cpu_s = {{"hardness", 12.25}, {"recogniser", 4}};
  write_timings(run, timings);
  std::filesystem::remove(folder / kChecksumFile);  // its checksums lack the tables added here
  return run;
}

}  // namespace hardy::test
