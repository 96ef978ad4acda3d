// The chain of HARDY-MER's stages: inputs and cache keys.
#include "methods/hardymer/stages.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "methods/fit_method.h"
#include "methods/hardymer/estimate_hardness.h"
#include "methods/hardymer/score.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer/tune_features.h"
#include "methods/hardymer_published/published.h"

namespace hardy::test {
namespace {

const std::vector<Pattern> kPatterns = {Pattern(1), Pattern(2), Pattern(4)};

/// One fold with a cache in memory.
class FoldRun {
 public:
  FoldRun() : corpus_(method_corpus(3)), on_fold_(corpus_, method_config("hardymer")) {
    hardymer_settings(config()).retrieval.k = 3;
    HardyMerSettings& settings = hardymer_settings(config());
    settings.tuning.epochs = settings.hardness.complete_epochs = 1;
    settings.hardness.pattern_epochs = settings.recogniser.complete_epochs = 1;
    settings.recogniser.pattern_epochs = 1;
  }

  Config& config() { return on_fold_.config; }

  [[nodiscard]] const FoldData& data() const { return on_fold_.data; }

  /// Calls `work` with the fold's stages, inside a task.
  template <typename Work>
  void run(const Work& work, std::int64_t seed = 1) {
    const FoldRequest request{.corpus = corpus_,
                              .fold = data().fold,
                              .config = config(),
                              .seed = seed,
                              .patterns = kPatterns,
                              .cache = cache_,
                              .costs = costs_};
    const FoldStage stage(request, 1);
    const PublishedSeams seams(request);
    const FoldStages stages(data(), config(), stage, seams, largest_in_memory_);
    Scheduler scheduler({.jobs = 1});
    scheduler.add({.name = "test", .work = [&](TaskContext& context) { work(stages, context); }});
    scheduler.run();
  }

  Curriculum curriculum(std::int64_t seed = 1) {
    Curriculum result;
    run([&](const FoldStages& stages,
            TaskContext& context) { result = stages.curriculum(kPatterns, context); },
        seed);
    return result;
  }

  TensorFile fit(std::int64_t seed = 1) {
    TensorFile result;
    run(
        [&](const FoldStages& stages, TaskContext& context) {
          result = stages.fit({Pattern(1)}, stages.curriculum(kPatterns, context), context);
        },
        seed);
    return result;
  }

  Corpus corpus_;
  MethodOnFold on_fold_;
  std::int64_t largest_in_memory_ = kLargestInMemory;
  StageCache cache_{""};
  StageCosts costs_;
};

class Stages : public ::testing::Test, public FoldRun {};

TEST_F(Stages, EveryPatternGetsItsOwnHardness) {
  const auto result = curriculum();
  const auto n = data().train.size();
  // The same estimate, from the stage's named streams.
  const FoldRequest request{.corpus = corpus_,
                            .fold = data().fold,
                            .config = config(),
                            .seed = 1,
                            .patterns = kPatterns,
                            .cache = cache_,
                            .costs = costs_};
  StageServices services;
  services.seeds = FoldStage(request, 1).seeds("hardness");
  const auto estimate =
      estimate_hardness(data(), hardymer_settings(config()).hardness, kPatterns, services);
  const auto direct = estimate.floats("direct");
  const auto indirect = estimate.floats("indirect");
  EXPECT_EQ(result.indirect, (std::vector<float>{indirect.begin(), indirect.end()}));
  for (std::size_t p = 0; p < kPatterns.size(); ++p) {
    const auto own = direct.subspan(p * n, n);
    EXPECT_EQ(result.direct[p], (std::vector<float>{own.begin(), own.end()})) << p;
    EXPECT_EQ(result.score[p], unified_score(result.direct[p], result.indirect,
                                             hardymer_settings(config()).hardness));
    for (std::size_t q = 0; q < p; ++q) EXPECT_NE(result.direct[p], result.direct[q]);
  }
}

TEST_F(Stages, SupportsAreTheFirstOfThePatternsOwnNeighbours) {
  hardymer_settings(config()).retrieval.database = FeatureKind::kPlain;
  const auto result = curriculum();
  std::vector<std::vector<float>> rows;
  std::vector<DatabaseView> views;
  const auto metrics = retrieval_metrics(corpus_.modality_names(), "auto");
  for (const auto& features : data().table.features) {
    rows.emplace_back();
    for (const auto u : data().train) {
      const auto row = to_floats(features[u]);
      rows.back().insert(rows.back().end(), row.begin(), row.end());
    }
  }
  for (std::size_t m = 0; m < 3; ++m) views.push_back({rows[m], 20, metrics[m]});
  const NeighbourSearch search(views,
                               std::vector<Pattern>(data().train.size(), Pattern::complete(3)), 3);
  for (std::size_t p = 0; p < kPatterns.size(); ++p) {
    const auto found = search.neighbours(kPatterns[p]);
    EXPECT_EQ(result.supports[p].of, choose_supports(result.score[p], found).of) << p;
    EXPECT_EQ(result.distances[p], found.distances) << p;
  }
}

TEST_F(Stages, DefectH7ReachesRetrieval) {
  hardymer_settings(config()).retrieval.database = FeatureKind::kPlain;
  hardymer_settings(config()).hardness.components = HardnessTerms::kNone;
  const std::vector<Pattern> both = {Pattern(3)};
  const auto supports = [&] {
    Supports result;
    run([&](const FoldStages& stages, TaskContext& context) {
      result = stages.curriculum(both, context).supports.front();
    });
    return result;
  };
  const auto strict = supports();
  published_settings(config()).h7_first_modality = true;
  EXPECT_NE(strict.of, supports().of);
}

TEST_F(Stages, TheTunedDatabaseIsWhatRetrievalSearches) {
  hardymer_settings(config()).hardness.components = HardnessTerms::kNone;
  hardymer_settings(config()).retrieval.database = FeatureKind::kPlain;
  const auto plain = curriculum();
  hardymer_settings(config()).retrieval.database = FeatureKind::kTuned;
  EXPECT_NE(plain.distances, curriculum().distances);
}

TEST_F(Stages, ScratchFilesHoldTheSameNumbersAsMemory) {
  for (const auto database : {FeatureKind::kPlain, FeatureKind::kTuned}) {
    hardymer_settings(config()).retrieval.database = database;
    const auto in_memory = curriculum();
    FoldRun other;
    other.config() = config();
    other.largest_in_memory_ = 0;
    const auto on_scratch = other.curriculum();
    ASSERT_FALSE(in_memory.distances.empty());
    EXPECT_EQ(in_memory.distances, on_scratch.distances);
    for (std::size_t p = 0; p < kPatterns.size(); ++p) {
      EXPECT_EQ(in_memory.supports[p].of, on_scratch.supports[p].of);
    }
  }
  // The nets are all that is kept of the tuning, and models get them from there.
  largest_in_memory_ = 0;
  run([&](const FoldStages& stages, TaskContext& context) {
    TensorFile model;
    stages.add_tuning_nets(model, context);
    EXPECT_TRUE(has_tuning_nets(model));
  });
}

TEST_F(Stages, SeedsShareNothingAndOneSeedIsTheSameInAnyCompany) {
  const auto first = curriculum(1);
  const auto second = curriculum(2);
  EXPECT_NE(first.direct, second.direct);
  const auto model = fit(2);
  const auto other = fit(1);
  EXPECT_NE(model.arrays.at("model.classifier.weight").values,
            other.arrays.at("model.classifier.weight").values);
  FoldRun alone;
  EXPECT_EQ(alone.curriculum(2).direct, second.direct);
  EXPECT_EQ(alone.fit(2).arrays.at("model.classifier.weight").values,
            model.arrays.at("model.classifier.weight").values);
}

TEST_F(Stages, EverySettingThatMovesAStageIsInItsKey) {
  hardymer_settings(config()).recogniser.input = FeatureKind::kTuned;
  fit();
  const auto computed_again = [&](const std::string& assignment) {
    const Config before = config();
    const auto misses = cache_.statistics().misses;
    set_config_field(config(), assignment);
    fit();
    const auto count = cache_.statistics().misses - misses;
    config() = before;
    return count;
  };
  EXPECT_EQ(computed_again("run.jobs=2"), 0);
  // Tuning feeds retrieval (database = tuned), pretraining and the fit: 4 with itself.
  EXPECT_EQ(computed_again("tuning.learning_rate=0.002"), 4);
  EXPECT_GE(computed_again("hardness.mi_weight=0.5"), 1);
  EXPECT_GE(computed_again("hardness.encoder.hidden=8"), 1);
  EXPECT_GE(computed_again("hardness.optimiser.learning_rate=0.002"), 1);
  EXPECT_GE(computed_again("hardness.pattern_epochs=2"), 1);
  EXPECT_GE(computed_again("retrieval.k=2"), 1);
  EXPECT_GE(computed_again("retrieval.metric=l2"), 1);
  // Pretraining and the fit.
  EXPECT_EQ(computed_again("recogniser.encoder.hidden=8"), 2);
  EXPECT_EQ(computed_again("recogniser.optimiser.learning_rate=0.002"), 2);
  EXPECT_EQ(computed_again("recogniser.complete_epochs=2"), 2);
  // The fit alone.
  EXPECT_EQ(computed_again("recogniser.pattern_epochs=2"), 1);
  EXPECT_EQ(computed_again("recogniser.reconstruction_weight=0.3"), 1);
  EXPECT_EQ(computed_again("recogniser.pattern_unit=dialogue"), 1);
  EXPECT_EQ(computed_again("retrieval.supports=weights"), 1);
  EXPECT_EQ(computed_again("retrieval.support_label=query"), 1);
  EXPECT_EQ(computed_again("retrieval.mix_rate=0.5"), 1);
  EXPECT_EQ(computed_again("retrieval.mix_share=0.1"), 1);
  EXPECT_EQ(computed_again("protocol.selection=wa"), 1);
  // No entry was dropped meanwhile.
  EXPECT_EQ(computed_again("run.jobs=3"), 0);
}

TEST_F(Stages, APatternsFitIsNotAnothers) {
  fit();
  const auto misses = cache_.statistics().misses;
  run([&](const FoldStages& stages, TaskContext& context) {
    static_cast<void>(stages.fit({Pattern(2)}, stages.curriculum(kPatterns, context), context));
  });
  EXPECT_EQ(cache_.statistics().misses - misses, 1);
}

TEST(RetrievalMetrics, AutoIsCosineWhereTheNameSaysText) {
  const auto metrics = retrieval_metrics(
      {"textual", "Words", "transcript", "deberta-large", "speech", "context"}, "auto");
  const std::vector<Metric> expected = {Metric::kCosine, Metric::kCosine, Metric::kCosine,
                                        Metric::kCosine, Metric::kL2,     Metric::kL2};
  EXPECT_EQ(metrics, expected);
  EXPECT_EQ(retrieval_metrics({"speech", "words"}, "words=l2"),
            (std::vector<Metric>{Metric::kL2, Metric::kL2}));
}

}  // namespace
}  // namespace hardy::test
