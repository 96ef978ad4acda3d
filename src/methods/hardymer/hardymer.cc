// HARDY-MER as a method: its stages (stages.h) behind the interface of method.h.
#include <torch/types.h>

#include "config/defects.h"
#include "methods/hardymer/stages.h"
#include "methods/hardymer/train_recogniser.h"
#include "methods/hardymer/tune_features.h"
#include "methods/method.h"

namespace hardy {
namespace {

class HardyMerFold final : public FoldMethod {
 public:
  explicit HardyMerFold(const FoldRequest& request)
      : corpus_(request.corpus),
        fold_(request.fold),
        config_(request.config),
        seed_(request.seed),
        patterns_(request.patterns),
        stage_(request, kHardyMerVersion) {
    if (config_.published.h2_shared_tuning) shared_tuning_.emplace(request);
  }

  [[nodiscard]] std::vector<SharedStage> shared_stages() override {
    const auto& hardness = config_.hardness;
    return {{"hardness and neighbours",
             1 + 2 * static_cast<double>(hardness.complete_epochs + hardness.pattern_epochs) +
                 static_cast<double>(config_.tuning.epochs),
             [this](const FoldData& data, TaskContext& context) {
               curriculum_ = stages(data).curriculum(patterns_, context);
             }},
            {"pretraining", 1 + static_cast<double>(config_.recogniser.complete_epochs),
             // Fetched again from the cache by every fit.
             [this](const FoldData& data, TaskContext& context) {
               static_cast<void>(stages(data).pretrained(context));
             }}};
  }

  [[nodiscard]] double fit_cost() const override {
    const double passes =
        config_.retrieval.supports == "slots" ? static_cast<double>(config_.retrieval.k + 1) : 1.0;
    return 1 + passes * static_cast<double>(config_.recogniser.pattern_epochs);
  }

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    TensorFile model = stages(data).fit(patterns, curriculum_, context);
    if (config_.recogniser.input == "tuned" && !shared_tuning_) {
      stages(data).add_tuning_nets(model, context);
    }
    return model;
  }

  [[nodiscard]] FoldData input_data(const FoldData& data, TaskContext& context) const override {
    return stages(data).input_data(context);
  }

  /// The rows of retrieval.csv.
  void add_searches(CsvFile& table) const {
    const auto names = corpus_.modality_names();
    for (std::size_t m = 0; m < curriculum_.searches.size(); ++m) {
      const auto& search = curriculum_.searches[m];
      table.add(std::int64_t{fold_.index}).add(seed_).add(names[m]).add("lists").add(search.rows);
      table.add(search.lists).add(search.probes).add(search.queries).add(search.recall);
      table.end_row();
    }
  }

  /// The rows of hardness.csv and supports.csv.
  void add_rows(CsvFile& hardness, CsvFile& supports) const {
    const auto names = corpus_.modality_names();
    const auto train = utterances_of(corpus_, fold_.train);
    const auto id_of = [&](std::int64_t row) -> const std::string& {
      const auto utterance = train[static_cast<std::size_t>(row)];
      return corpus_.utterances[static_cast<std::size_t>(utterance)].id;
    };
    for (std::size_t p = 0; p < curriculum_.supports.size(); ++p) {
      const auto label = pattern_label(curriculum_.patterns[p], names);
      for (std::size_t i = 0; i < train.size(); ++i) {
        const auto& id = id_of(static_cast<std::int64_t>(i));
        const auto& list = curriculum_.supports[p].of[i];
        add_row(hardness, {.utterance = id,
                           .fold = fold_.index,
                           .seed = seed_,
                           .pattern = label,
                           .direct = static_cast<double>(curriculum_.direct[p][i]),
                           .indirect = static_cast<double>(curriculum_.indirect[i]),
                           .score = static_cast<double>(curriculum_.score[p][i]),
                           .supports = static_cast<std::int64_t>(list.size())});
        const auto k = static_cast<std::size_t>(config_.retrieval.k);
        for (std::size_t rank = 0; rank < list.size(); ++rank) {
          add_row(supports,
                  {.utterance = id,
                   .fold = fold_.index,
                   .seed = seed_,
                   .pattern = label,
                   .rank = static_cast<std::int64_t>(rank + 1),
                   .support = id_of(list[rank]),
                   .distance = static_cast<double>(curriculum_.distances[p][i * k + rank])});
        }
      }
    }
  }

 private:
  [[nodiscard]] FoldStages stages(const FoldData& data) const {
    return {data, config_, stage_, shared_tuning_ ? &*shared_tuning_ : nullptr};
  }

  const Corpus& corpus_;
  const Fold& fold_;
  const Config& config_;
  std::int64_t seed_;
  std::vector<Pattern> patterns_;
  FoldStage stage_;
  std::optional<SharedTuning> shared_tuning_;  ///< defect H2
  Curriculum curriculum_;
};

class HardyMer final : public Method {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<HardyMerFold>(request);
  }

  [[nodiscard]] std::vector<float> predict(const FoldData& data, const Config& config,
                                           const TensorFile& model,
                                           const std::vector<std::int64_t>& dialogues,
                                           Pattern pattern) const override {
    return predict_dialogues(data, config.recogniser, model, dialogues,
                             pattern_seen(model, data.table.modality_count(), pattern));
  }

  [[nodiscard]] std::optional<std::string> storage_problem(const Config& config) const override {
    if (has_published_switch(config)) {
      return "published defects are on, and what they make is for comparison only";
    }
    return std::nullopt;
  }

  [[nodiscard]] FeatureTable stored_input(const FoldData& data, const Config& config,
                                          const TensorFile& model) const override {
    if (config.recogniser.input == "plain") return data.table;
    return mapped_by_nets(*data.corpus, data.table, model);
  }

  void write_tables(const RunFolder& folder, const Config& config,
                    const std::vector<const FoldMethod*>& fits) const override {
    auto hardness = start_hardness_table(folder);
    auto supports = start_supports_table(folder);
    for (const auto* fit : fits) {
      dynamic_cast<const HardyMerFold&>(*fit).add_rows(hardness, supports);
    }
    hardness.commit();
    supports.commit();
    if (config.retrieval.index == "exact" || config.retrieval.supports == "none") return;
    auto searches = start_retrieval_table(folder);
    for (const auto* fit : fits) dynamic_cast<const HardyMerFold&>(*fit).add_searches(searches);
    searches.commit();
  }
};

}  // namespace

std::unique_ptr<const Method> make_hardymer() { return std::make_unique<HardyMer>(); }

}  // namespace hardy
