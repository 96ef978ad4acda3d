// Cache keys of the stages of the compared methods.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>
#include <string>

#include "methods/fit_method.h"

namespace hardy::test {
namespace {

/// Number of stages of a method's fit that the cache lacks.
class KeyProbe {
 public:
  explicit KeyProbe(const std::string& method)
      : corpus_(method_corpus(2)), config_(method_config(method)) {
    for (const auto& info : config_fields()) {
      if (info.key.starts_with(method + ".") && info.key.ends_with("epochs")) {
        set_config_field(config_, info.key + "=1");
      }
    }
  }

  std::int64_t computed(const std::string& assignment, const std::vector<Pattern>& patterns) {
    Config config = config_;
    if (!assignment.empty()) set_config_field(config, assignment);
    const MethodOnFold on_fold(corpus_, config);
    const auto before = cache_.statistics().misses;
    const auto fold = find_method(config.protocol.method)
                          .on_fold({.corpus = corpus_,
                                    .fold = on_fold.data.fold,
                                    .config = config,
                                    .seed = 1,
                                    .patterns = patterns,
                                    .cache = cache_,
                                    .costs = costs_});
    Scheduler scheduler({.jobs = 1});
    scheduler.add({.name = "fit", .work = [&](TaskContext& context) {
                     static_cast<void>(fold->fit(on_fold.data, patterns, context));
                   }});
    scheduler.run();
    return cache_.statistics().misses - before;
  }

 private:
  Corpus corpus_;
  Config config_;
  StageCache cache_{""};
  StageCosts costs_;
};

TEST(MethodKeys, HoldPatternsSelectionAndTheMethodsSettings) {
  const std::map<std::string, std::string> settings = {
      {"momke", "momke.optimiser.learning_rate=0.002"},
      {"gcnet", "gcnet.reconstruction_weight=0.5"},
      {"mmin", "mmin.cycle_weight=7"},
      {"cif_mmin", "cif_mmin.invariance_weight=7"},
      {"cpm_net", "cpm_net.class_weight=7"},
      {"mean_mlp", "mean_mlp.dropout=0.1"},
      {"early_linear", "early_linear.weakest=0.5"},
      {"late_linear", "late_linear.weakest=0.5"},
  };
  for (const auto& [method, setting] : settings) {
    KeyProbe probe(method);
    const auto stages = probe.computed("", {Pattern(1)});
    EXPECT_GE(stages, 1) << method;
    EXPECT_EQ(probe.computed("", {Pattern(1)}), 0) << method;
    EXPECT_EQ(probe.computed("", {Pattern(2)}), method == "late_linear" ? 0 : 1) << method;
    EXPECT_EQ(probe.computed(setting, {Pattern(1)}), stages) << method;
    EXPECT_EQ(probe.computed("protocol.selection=wa", {Pattern(1)}), stages) << method;
  }
}

}  // namespace
}  // namespace hardy::test
