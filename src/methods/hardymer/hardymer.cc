#include "methods/hardymer/hardymer.h"

#include <torch/types.h>

#include "methods/hardymer/stages.h"
#include "methods/hardymer/train_recogniser.h"
#include "methods/hardymer/tune_features.h"

namespace hardy {
namespace {

class HardyMerFold final : public FoldMethod {
 public:
  HardyMerFold(const FoldRequest& request, std::unique_ptr<const HardyMerSeams> seams)
      : corpus_(request.corpus),
        fold_(request.fold),
        config_(request.config),
        settings_(hardymer_settings(request.config)),
        seed_(request.seed),
        patterns_(request.patterns),
        stage_(request, kHardyMerVersion),
        seams_(std::move(seams)) {}

  [[nodiscard]] std::vector<SharedStage> shared_stages() override {
    const auto& hardness = settings_.hardness;
    return {{"hardness and neighbours",
             1 + 2 * static_cast<double>(hardness.complete_epochs + hardness.pattern_epochs) +
                 static_cast<double>(settings_.tuning.epochs),
             [this](const FoldData& data, TaskContext& context) {
               curriculum_ = stages(data).curriculum(patterns_, context);
             }},
            {"pretraining", 1 + static_cast<double>(settings_.recogniser.complete_epochs),
             // Every fit reads it from the cache again.
             [this](const FoldData& data, TaskContext& context) {
               static_cast<void>(stages(data).pretrained(context));
             }}};
  }

  [[nodiscard]] double fit_cost() const override {
    return 1 + settings_.passes() * static_cast<double>(settings_.recogniser.pattern_epochs);
  }

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    TensorFile model = stages(data).fit(patterns, curriculum_, context);
    if (settings_.recogniser.input == FeatureKind::kTuned && !seams_->shares_tuning()) {
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
        const auto k = static_cast<std::size_t>(settings_.retrieval.k);
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
    return {data, config_, stage_, *seams_};
  }

  const Corpus& corpus_;
  const Fold& fold_;
  const Config& config_;
  const HardyMerSettings& settings_;
  std::int64_t seed_;
  std::vector<Pattern> patterns_;
  FoldStage stage_;
  std::unique_ptr<const HardyMerSeams> seams_;
  Curriculum curriculum_;
};

}  // namespace

std::unique_ptr<FoldMethod> HardyMer::on_fold(const FoldRequest& request) const {
  return std::make_unique<HardyMerFold>(request, seams(request));
}

std::unique_ptr<const HardyMerSeams> HardyMer::seams(const FoldRequest& /*request*/) const {
  return std::make_unique<HardyMerSeams>();
}

std::vector<float> HardyMer::predict(const FoldData& data, const Config& config,
                                     const TensorFile& model,
                                     const std::vector<std::int64_t>& dialogues,
                                     Pattern pattern) const {
  return predict_dialogues(data, hardymer_settings(config).recogniser, model, dialogues, pattern);
}

FeatureTable HardyMer::stored_input(const FoldData& data, const Config& config,
                                    const TensorFile& model) const {
  if (hardymer_settings(config).recogniser.input == FeatureKind::kPlain) return data.table;
  return mapped_by_nets(*data.corpus, data.table, model);
}

void HardyMer::write_tables(const RunFolder& folder, const Config& config,
                            const std::vector<const FoldMethod*>& fits) const {
  auto hardness = start_hardness_table(folder);
  auto supports = start_supports_table(folder);
  for (const auto* fit : fits) dynamic_cast<const HardyMerFold&>(*fit).add_rows(hardness, supports);
  hardness.commit();
  supports.commit();
  const auto& settings = hardymer_settings(config);
  if (settings.retrieval.index == RetrievalIndex::kExact || !settings.retrieves()) return;
  auto searches = start_retrieval_table(folder);
  for (const auto* fit : fits) dynamic_cast<const HardyMerFold&>(*fit).add_searches(searches);
  searches.commit();
}

std::unique_ptr<const Method> make_hardymer() { return std::make_unique<HardyMer>(); }

}  // namespace hardy
