// A fit whose parameters do not move, for tests of what stages compute before their first update.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "methods/fit_method.h"
#include "methods/fold_stage.h"
#include "support/temp_dir.h"
#include "train/first_update.h"

namespace hardy::test {

/// Patterns of a unified fit.
inline const std::vector<Pattern> kTwo = {Pattern(1), Pattern(6)};
inline constexpr std::int64_t kFitSeed = 1;

/// Keeps the first checkpoint of every stage in a cache folder.
class CheckpointCollector final : public Progress {
 public:
  explicit CheckpointCollector(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void start(const std::string& /*phase*/) override {}

  void note(const std::string& /*line*/) override {}

  void finish() override {}

  /// Called after every epoch; from the second on, the checkpoint of the first exists.
  void update(double /*done*/, double /*total*/, const std::string& /*current*/) override {
    if (!std::filesystem::exists(folder_)) return;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      if (entry.path().extension() != ".checkpoint") continue;
      if (!seen_.insert(entry.path().filename().string()).second) continue;
      states.push_back(load_tensor_file(entry.path()));
    }
  }

  std::vector<TensorFile> states;

 private:
  std::filesystem::path folder_;
  std::set<std::string> seen_;
};

/// A method on one fold whose parameters do not move: its first updates and its model.
class StillFit {
 public:
  StillFit(const Corpus& corpus, const Config& config, const std::vector<Pattern>& patterns)
      : on_fold(corpus, config), collector_(dir_.path()), cache_(dir_.path(), 0) {
    const auto fold = find_method(config.protocol.method)
                          .on_fold({.corpus = corpus,
                                    .fold = on_fold.data.fold,
                                    .config = on_fold.config,
                                    .seed = kFitSeed,
                                    .patterns = patterns,
                                    .cache = cache_,
                                    .costs = costs_});
    Scheduler scheduler({.jobs = 1, .progress = &collector_});
    scheduler.add({.name = "fit", .work = [&](TaskContext& context) {
                     model = fold->fit(on_fold.data, patterns, context);
                   }});
    scheduler.run();
    for (const auto& state : collector_.states) updates.emplace_back(state);
  }

  /// Streams of the stage whose stream has this name.
  [[nodiscard]] Seeds seeds(const std::string& stream) {
    return FoldStage({.corpus = on_fold.corpus,
                      .fold = on_fold.data.fold,
                      .config = on_fold.config,
                      .seed = kFitSeed,
                      .patterns = {},
                      .cache = cache_,
                      .costs = costs_},
                     1)
        .seeds(stream);
  }

  [[nodiscard]] const FoldData& data() const { return on_fold.data; }

  MethodOnFold on_fold;
  TensorFile model;
  std::vector<FirstUpdate> updates;  ///< of the stages, in order

 private:
  TempDir dir_;
  CheckpointCollector collector_;
  StageCache cache_;
  StageCosts costs_;
};

}  // namespace hardy::test
