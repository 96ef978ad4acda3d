#include "methods/hardymer/curriculum_draws.h"
#include "methods/hardymer/settings.h"

#include <torch/types.h>

namespace hardy {

CurriculumDraws::CurriculumDraws(const FoldData& data, const Config& config,
                                 const CurriculumPlan& plan)
    : data_(data), config_(config), plan_(plan) {
  for (const auto& supports : plan.supports) visits_.push_back(count_visits(supports));
}

std::vector<std::size_t> CurriculumDraws::draw_patterns(BatchPlan& plan, Generator& draws) const {
  std::vector<std::size_t> choice(plan.rows.size(), 0);
  const bool per_dialogue =
      hardymer_settings(config_).recogniser.pattern_unit == PatternUnit::kDialogue;
  for (std::size_t d = 0; d + 1 < plan.offsets.size(); ++d) {
    std::size_t drawn = 0;
    for (auto r = static_cast<std::size_t>(plan.offsets[d]);
         r < static_cast<std::size_t>(plan.offsets[d + 1]); ++r) {
      const bool draws_now = !per_dialogue || r == static_cast<std::size_t>(plan.offsets[d]);
      if (plan_.patterns.size() > 1 && draws_now) {
        drawn = per_dialogue ? uniform(draws) : weighted(plan.rows[r].utterance, draws);
      }
      choice[r] = drawn;
      plan.rows[r].pattern = plan_.patterns[drawn];
    }
  }
  return choice;
}

std::size_t CurriculumDraws::uniform(Generator& draws) const {
  return static_cast<std::size_t>(
      draw_index(draws, static_cast<std::int64_t>(plan_.patterns.size())));
}

std::size_t CurriculumDraws::weighted(std::int64_t utterance, Generator& draws) const {
  if (!gives_weights()) return uniform(draws);
  const auto row = static_cast<std::size_t>(data_.train_row(utterance));
  double total = 0;
  for (const auto& visits : visits_) total += static_cast<double>(visits[row]);
  double left = draw_unit(draws) * total;
  for (std::size_t p = 0; p + 1 < visits_.size(); ++p) {
    left -= static_cast<double>(visits_[p][row]);
    if (left < 0) return p;
  }
  return visits_.size() - 1;
}

at::Tensor CurriculumDraws::weights(const BatchPlan& plan, const std::vector<std::size_t>& choice,
                                    at::Device device) const {
  const bool is_mean = plan_.patterns.size() > 1 &&
                       hardymer_settings(config_).recogniser.pattern_unit != PatternUnit::kDialogue;
  auto weights =
      at::empty({static_cast<std::int64_t>(plan.rows.size())}, at::TensorOptions(at::kFloat));
  for (std::size_t r = 0; r < plan.rows.size(); ++r) {
    const auto row = static_cast<std::size_t>(data_.train_row(plan.rows[r].utterance));
    float weight = visits_[choice[r]][row];
    if (is_mean) {
      // The pattern is drawn with probability proportional to its visits, so the weight is their
      // mean.
      weight = 0;
      for (const auto& visits : visits_) weight += visits[row];
      weight /= static_cast<float>(visits_.size());
    }
    weights.data_ptr<float>()[r] = weight;
  }
  return weights.to(device);
}

Mixture CurriculumDraws::draw_mixture(const BatchPlan& plan, const std::vector<std::size_t>& choice,
                                      at::Device device, Generator& draws) const {
  const MixtureOptions options{hardymer_settings(config_).retrieval.mix_rate,
                               hardymer_settings(config_).retrieval.mix_share,
                               hardymer_settings(config_).retrieval.k};
  MixtureDraw draw;
  std::vector<std::int64_t> supports;
  for (std::size_t r = 0; r < plan.rows.size(); ++r) {
    const auto utterance = plan.rows[r].utterance;
    supports.clear();
    for (const auto row :
         plan_.supports[choice[r]].of[static_cast<std::size_t>(data_.train_row(utterance))]) {
      supports.push_back(data_.train[static_cast<std::size_t>(row)]);
    }
    draw_partner(data_.table, utterance, supports, options, draws, draw);
  }
  return {draw, device};
}

}  // namespace hardy
