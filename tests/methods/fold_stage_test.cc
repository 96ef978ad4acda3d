// Inputs of a stage's key and of its random streams.
#include "methods/fold_stage.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "methods/fit_method.h"

namespace hardy::test {
namespace {

struct Asked {
  Corpus corpus = method_corpus(2);
  Config config = method_config("hardymer");
  Fold fold = {0, "first", {0, 1}, {2}, {3}};
  std::int64_t seed = 1;
  int version = 1;
  StageCache cache{""};
  StageCosts costs;

  [[nodiscard]] FoldStage stage() {
    return FoldStage({.corpus = corpus,
                      .fold = fold,
                      .config = config,
                      .seed = seed,
                      .patterns = {},
                      .cache = cache,
                      .costs = costs},
                     version);
  }

  std::string key() { return stage().key_of("fit", {"input"}); }
};

TEST(FoldStageKey, DependsOnDataFoldSeedDeviceVersionStageAndInputs) {
  std::set<std::string> keys = {Asked().key()};
  const auto add = [&](const auto& change) {
    Asked asked;
    change(asked);
    EXPECT_TRUE(keys.insert(asked.key()).second) << "change " << keys.size();
  };
  add([](Asked& a) { a.corpus.checksum = "other"; });
  add([](Asked& a) { a.fold.train = {0, 1, 4}; });
  add([](Asked& a) { a.fold.validation = {4}; });
  add([](Asked& a) { a.seed = 2; });
  add([](Asked& a) { a.config.run.device = "cuda"; });
  add([](Asked& a) { a.version = 2; });
  Asked asked;
  EXPECT_TRUE(keys.insert(asked.stage().key_of("other", {"input"})).second);
  EXPECT_TRUE(keys.insert(asked.stage().key_of("fit", {"another"})).second);
  EXPECT_TRUE(keys.insert(asked.stage().key_of("fit", {"input", "more"})).second);
  EXPECT_EQ(Asked().key(), asked.key());
}

TEST(FoldStageSeeds, DifferByFoldSeedAndStream) {
  std::set<std::uint64_t> drawn;
  const auto add = [&](int fold, std::int64_t seed, const std::string& stream) {
    Asked asked;
    asked.fold.index = fold;
    asked.seed = seed;
    EXPECT_TRUE(drawn.insert(asked.stage().seeds(stream).key("draw")).second)
        << fold << " " << seed << " " << stream;
  };
  add(0, 1, "fit");
  add(1, 1, "fit");
  add(0, 2, "fit");
  add(0, 1, "tune");
}

TEST(FoldStageResult, IsComputedOnceForEachSeedFromItsOwnStreams) {
  Asked asked;
  int computed = 0;
  const auto draw = [&] {
    float value = 0;
    Scheduler scheduler({.jobs = 1});
    scheduler.add({.name = "test", .work = [&](TaskContext& context) {
                     const auto result = asked.stage().get_or_compute(
                         {"fit", {"input"}, "fit"}, context, [&](const StageServices& services) {
                           ++computed;
                           Generator generator = services.seeds.stream("x");
                           TensorFile file;
                           file.add("x", {1},
                                    std::vector<float>{static_cast<float>(draw_unit(generator))});
                           return file;
                         });
                     value = result.floats("x")[0];
                   }});
    scheduler.run();
    return value;
  };
  const float first = draw();
  EXPECT_EQ(draw(), first);
  EXPECT_EQ(computed, 1);
  asked.seed = 2;
  EXPECT_NE(draw(), first);
  EXPECT_EQ(computed, 2);
  asked.seed = 1;
  EXPECT_EQ(draw(), first);
  EXPECT_EQ(computed, 2);
}

}  // namespace
}  // namespace hardy::test
