#include "methods/hardymer_published/published.h"

#include <torch/types.h>

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/checksum.h"
#include "hardy/errors.h"
#include "methods/hardymer/hardymer.h"
#include "methods/hardymer/stages.h"
#include "methods/hardymer/train_recogniser.h"
#include "methods/hardymer/tune_features.h"
#include "methods/hardymer_published/published_loss.h"
#include "methods/hardymer_published/published_score.h"
#include "methods/hardymer_published/published_selection.h"

namespace hardy {
namespace {

/// Metadata of a model that was selected, and is tested, with every modality.
constexpr const char* kSeesEverything = "sees_everything";

std::vector<std::int64_t> first_by_id(const Corpus& corpus, std::size_t count) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < corpus.size(); ++i) all.push_back(i);
  const auto id_of = [&](std::int64_t i) -> const std::string& {
    return corpus.utterances[static_cast<std::size_t>(i)].id;
  };
  std::sort(all.begin(), all.end(),
            [&](std::int64_t x, std::int64_t y) { return id_of(x) < id_of(y); });
  all.resize(std::min(all.size(), count));
  std::sort(all.begin(), all.end());
  return all;
}

/// A fold with the training utterances `members`, independent of its dialogues.
FoldData fold_of_members(const FoldData& any, const Fold& fold,
                         const std::vector<std::int64_t>& members) {
  const FeatureTable plain = make_feature_table(*any.corpus, any.table.features.front().device());
  FoldData data;
  data.corpus = any.corpus;
  data.fold = fold;
  data.train = members;
  data.scaling = fit_scaling(plain, members);
  data.table = apply_scaling(plain, data.scaling);
  data.objective = any.objective;
  return data;
}

/// Rows of the fold's training utterances, dialogue by dialogue.
std::vector<std::vector<std::int64_t>> rows_by_dialogue(const FoldData& data) {
  std::vector<std::vector<std::int64_t>> dialogue_rows;
  for (const auto d : data.fold.train) {
    const Dialogue& dialogue = data.corpus->dialogues[static_cast<std::size_t>(d)];
    auto& rows = dialogue_rows.emplace_back();
    for (std::int64_t i = 0; i < dialogue.count; ++i) {
      rows.push_back(data.train_row(dialogue.first + i));
    }
  }
  return dialogue_rows;
}

}  // namespace

std::vector<int> published_order(const std::vector<std::string>& modality_names) {
  std::vector<int> order;
  for (const bool wants_text : {false, true}) {
    for (std::size_t m = 0; m < modality_names.size(); ++m) {
      if (modality_names[m].starts_with("text") == wants_text) {
        order.push_back(static_cast<int>(m));
      }
    }
  }
  return order;
}

Pattern pattern_seen(const TensorFile& model, int modalities, Pattern asked) {
  return model.metadata.contains(kSeesEverything) ? Pattern::complete(modalities) : asked;
}

SharedTuning::SharedTuning(const FoldRequest& request) : config_(request.config) {
  fold_ = make_folds(request.corpus, request.config.protocol).back();
  fold_.train.insert(fold_.train.end(), fold_.validation.begin(), fold_.validation.end());
  std::sort(fold_.train.begin(), fold_.train.end());
  fold_.validation.clear();
  const bool is_official = fold_.index == 0;  // every other split has several folds
  members_ = is_official ? first_by_id(request.corpus, fold_.train.size())
                         : utterances_of(request.corpus, fold_.train);
  stage_.emplace(FoldRequest{.corpus = request.corpus,
                             .fold = fold_,
                             .config = request.config,
                             .seed = request.seed,
                             .patterns = request.patterns,
                             .cache = request.cache,
                             .costs = request.costs},
                 kHardyMerVersion);
}

std::string SharedTuning::key_text() const {
  Sha256 digest;
  digest.add(members_.data(), members_.size() * sizeof(members_[0]));
  return "published h2 " + digest.hex();
}

TensorFile SharedTuning::tune(const FoldData& data, TaskContext& context) const {
  return stage_->get_or_compute(
      {"tune", {config_section_toml(config_, {"hardymer.tuning"}), key_text()}, "tune"}, context,
      [&](const auto& services) {
        return tune_features(fold_of_members(data, fold_, members_),
                             hardymer_settings(config_).tuning, services);
      });
}

Supports filled_with_self(const Supports& supports, std::int64_t k) {
  Supports filled;
  for (std::size_t i = 0; i < supports.of.size(); ++i) {
    const auto& list = supports.of[i];
    const auto missing = std::max<std::int64_t>(0, k - static_cast<std::int64_t>(list.size()));
    std::vector<std::int64_t> all(static_cast<std::size_t>(missing), static_cast<std::int64_t>(i));
    all.insert(all.end(), list.begin(), list.end());
    filled.of.push_back(std::move(all));
  }
  return filled;
}

PublishedSeams::PublishedSeams(const FoldRequest& request)
    : on_(published_settings(request.config)),
      test_dialogues_(request.fold.test),
      config_(&request.config) {
  stage_.emplace(request, kHardyMerVersion);
  if (on_.h2_shared_tuning) tuning_.emplace(request);
}

PublishedSeams::PublishedSeams(const PublishedSettings& published) : on_(published) {}

std::vector<std::string> PublishedSeams::key_inputs(KeyedStage stage) const {
  std::string names;
  std::string more;
  switch (stage) {
    case KeyedStage::kTuning:
      return tuning_ ? std::vector<std::string>{tuning_->key_text()} : std::vector<std::string>();
    case KeyedStage::kHardness:
      names = estimator_defects(on_);
      break;
    case KeyedStage::kNeighbours:
      if (on_.h7_first_modality) names += " h7";
      break;
    case KeyedStage::kFit:
      if (on_.h1_test_epoch) {
        names += " h1";
        more = fmt::format(" test {}", fmt::join(test_dialogues_, " "));
      }
      if (on_.h1b_complete_epochs) names += " h1b";
      if (on_.h12_kept_gradients) names += " h12";
      if (on_.h14_swapped_mask) names += " h14";
      break;
  }
  if (names.empty()) return {};
  return {"published" + names + more};
}

EpochJudge PublishedSeams::judge(const FoldData& data, const std::vector<Pattern>& patterns,
                                 const PredictDialogues& predict) const {
  if (!on_.h1_test_epoch) return nullptr;
  return [&data, patterns, predict] {
    return test_value(data, patterns,
                      [&](Pattern pattern) { return predict(data.fold.test, pattern); });
  };
}

/// Defect H1b: replaces a fit by the best epoch of complete-modality training when that epoch,
/// tested with every modality, is at least as good on the test part.
void PublishedSeams::settle_fit(const FoldStages& stages, const std::vector<Pattern>& trained,
                                TensorFile& fitted, TaskContext& context) const {
  if (!on_.h1b_complete_epochs) return;
  const FoldData data = stages.input_data(context);
  const RecogniserConfig& settings = hardymer_settings(*config_).recogniser;
  const std::vector<Pattern> complete = {Pattern::complete(data.table.modality_count())};
  std::vector<std::string> inputs = {stages.pretraining_settings()};
  for (auto& input : key_inputs(KeyedStage::kFit)) inputs.push_back(std::move(input));
  const TensorFile rival = stages.stage().get_or_compute(
      {"pretrain.by_test", inputs, "pretrain"}, context, [&](const auto& services) {
        return pretrain_recogniser_judged(
            data, settings, services,
            [&](const PredictDialogues& predict) { return judge(data, complete, predict); });
      });
  const auto value_of = [&](const TensorFile& model, const std::vector<Pattern>& patterns) {
    return test_value(data, patterns, [&](Pattern pattern) {
      return predict_dialogues(data, settings, model, data.fold.test, pattern);
    });
  };
  // The earlier epoch wins a tie.
  if (!(value_of(rival, complete) <= value_of(fitted, trained))) return;
  fitted = rival;
  fitted.metadata[kSeesEverything] = "true";
}

std::optional<TensorFile> PublishedSeams::shared_tuning(const FoldData& data,
                                                        TaskContext& context) const {
  if (!tuning_) return std::nullopt;
  return tuning_->tune(data, context);
}

std::vector<float> PublishedSeams::score(const FoldData& data, const std::vector<float>& direct,
                                         const std::vector<float>& indirect,
                                         const HardnessConfig& config) const {
  const bool acts = on_.h5b_batch_scaling || on_.h10_swapped_hardness;
  if (!acts || config.components == HardnessTerms::kNone) {
    return unified_score(direct, indirect, config);
  }
  check(stage_.has_value(), "scores with defects need a fold");
  Generator draws = stage_->seeds("published").stream("published.batches");
  const auto batches = deal_batches(rows_by_dialogue(data),
                                    hardymer_settings(*config_).recogniser.optimiser.batch, draws);
  return published_score(direct, indirect, batches, config, on_);
}

NeighbourTable PublishedSeams::neighbours(const NeighbourSearch& search, Pattern pattern,
                                          const std::vector<std::string>& modality_names) const {
  if (!on_.h7_first_modality) return search.neighbours(pattern);
  return search.neighbours_in_first(pattern, published_order(modality_names));
}

void PublishedSeams::settle_supports(Supports& supports, NeighbourTable& table) const {
  if (!on_.h16_filled_supports) return;
  const auto filled = filled_with_self(supports, table.k);
  // The distances of a row move with its supports; the distance of an utterance to itself is 0.
  const auto k = static_cast<std::size_t>(table.k);
  for (std::size_t i = 0; i < filled.of.size(); ++i) {
    const auto first = table.distances.begin() + static_cast<std::ptrdiff_t>(i * k);
    const auto count = static_cast<std::ptrdiff_t>(supports.of[i].size());
    const auto end = first + static_cast<std::ptrdiff_t>(k);
    std::rotate(first, first + count, end);
    std::fill_n(first, end - first - count, 0.0F);
  }
  supports = filled;
}

at::Tensor PublishedSeams::target(const at::Tensor& truth) const {
  return on_.h4_masked_target ? at::zeros_like(truth) : truth;
}

at::Tensor PublishedSeams::idle_term(const HardnessModule& module, const Batch& batch,
                                     const Encoded& encoded, DropoutStream& dropout) const {
  if (!on_.h9_dropped_attention || !dropout.is_training()) return {};
  // Zero gradients, so that the L2 penalty also shrinks the cross-attention in this stage.
  at::Tensor term;
  for (const auto& pair : module.pair_information(batch, encoded, dropout)) {
    const auto own = 0.0 * pair.information.sum();
    term = term.defined() ? term + own : own;
  }
  return term;
}

at::Tensor PublishedSeams::row_mask(const BatchPlan& plan, at::Device device) const {
  if (!on_.h14_swapped_mask) return {};
  return at::tensor(swapped_mask(plan).weights).to(device);
}

at::Tensor PublishedSeams::padding_error(const Backbone& backbone, const BatchPlan& plan,
                                         bool of_every_modality, DropoutStream& dropout) const {
  if (!on_.h14_swapped_mask) return {};
  return hardy::padding_error(backbone, swapped_mask(plan).padding, of_every_modality, dropout);
}

namespace {

class HardyMerPublished final : public HardyMer {
 public:
  [[nodiscard]] std::vector<float> predict(const FoldData& data, const Config& config,
                                           const TensorFile& model,
                                           const std::vector<std::int64_t>& dialogues,
                                           Pattern pattern) const override {
    // A model that was selected with every modality is tested with every modality (H1b).
    return HardyMer::predict(data, config, model, dialogues,
                             pattern_seen(model, data.table.modality_count(), pattern));
  }

  [[nodiscard]] std::optional<std::string> storage_problem(const Config& config) const override {
    if (!has_published_switch(config)) return std::nullopt;
    return "published defects are on, and what they make is for comparison only";
  }

 protected:
  [[nodiscard]] std::unique_ptr<const HardyMerSeams> seams(
      const FoldRequest& request) const override {
    return std::make_unique<PublishedSeams>(request);
  }
};

}  // namespace

std::unique_ptr<const Method> make_hardymer_published() {
  return std::make_unique<HardyMerPublished>();
}

}  // namespace hardy
