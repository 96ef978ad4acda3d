#include "methods/hardymer_published/published.h"

#include <torch/types.h>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/checksum.h"
#include "methods/hardymer/train_recogniser.h"
#include "methods/hardymer/tune_features.h"
#include "methods/hardymer_published/published_score.h"
#include "methods/hardymer_published/published_selection.h"

namespace hardy {
namespace {

/// Metadata of a model that was chosen with, and is tested with, every modality.
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

/// A fold whose training utterances are `members`, whatever its dialogues.
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

std::vector<std::string> if_any(const std::string& names, const std::string& more = "") {
  if (names.empty()) return {};
  return {"published" + names + more};
}

}  // namespace

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
      {"tune", {config_section_toml(config_, {"tuning"}), key_text()}, "tune"}, context,
      [&](const auto& services) {
        return tune_features(fold_of_members(data, fold_, members_), config_.tuning, services);
      });
}

std::vector<std::string> estimator_defects(const Config& config) {
  std::string names;
  if (config.published.h4_masked_target) names += " h4";
  if (config.published.h9_dropped_attention) names += " h9";
  if (config.published.h14_swapped_mask) names += " h14";
  return if_any(names);
}

std::vector<std::string> neighbour_defects(const Config& config) {
  return if_any(config.published.h7_first_modality ? " h7" : "");
}

std::vector<std::string> fit_defects(const Config& config, const Fold& fold) {
  const PublishedConfig& published = config.published;
  std::string names;
  if (published.h1b_complete_epochs) names += " h1b";
  if (published.h12_kept_gradients) names += " h12";
  if (published.h14_swapped_mask) names += " h14";
  if (!published.h1_test_epoch) return if_any(names);
  return if_any(" h1" + names, fmt::format(" test {}", fmt::join(fold.test, " ")));
}

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

std::vector<float> scores_with_defects(const FoldData& data, const std::vector<float>& direct,
                                       const std::vector<float>& indirect, const Config& config,
                                       Generator draws) {
  std::vector<std::vector<std::int64_t>> dialogue_rows;
  for (const auto d : data.fold.train) {
    const Dialogue& dialogue = data.corpus->dialogues[static_cast<std::size_t>(d)];
    auto& rows = dialogue_rows.emplace_back();
    for (std::int64_t i = 0; i < dialogue.count; ++i) {
      rows.push_back(data.train_row(dialogue.first + i));
    }
  }
  const auto batches = deal_batches(dialogue_rows, config.recogniser.optimiser.batch, draws);
  return published_score(direct, indirect, batches, config.hardness, config.published);
}

void let_complete_epoch_compete(const FoldData& data, const Config& config,
                                const std::vector<Pattern>& trained, const TensorFile& rival,
                                TensorFile& fitted) {
  const auto value_of = [&](const TensorFile& model, const std::vector<Pattern>& patterns) {
    return test_value(data, patterns, [&](Pattern pattern) {
      return predict_dialogues(data, config.recogniser, model, data.fold.test, pattern);
    });
  };
  const auto complete = Pattern::complete(data.table.modality_count());
  // The earlier epoch wins a tie.
  if (!(value_of(rival, {complete}) <= value_of(fitted, trained))) return;
  fitted = rival;
  fitted.metadata[kSeesEverything] = "true";
}

Pattern pattern_seen(const TensorFile& model, int modalities, Pattern asked) {
  return model.metadata.contains(kSeesEverything) ? Pattern::complete(modalities) : asked;
}

}  // namespace hardy
