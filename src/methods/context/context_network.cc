#include "methods/context/context_network.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "methods/gcnet/recurrent.h"
#include "train/recogniser_data.h"

namespace hardy {
namespace {

/// Number of the (dialogue, speaker) pair of every row, in order of appearance; unknown speakers of
/// a dialogue are one.
std::vector<std::int64_t> speaker_groups(const BatchPlan& plan) {
  std::vector<std::int64_t> numbers;
  std::int64_t count = 0;
  for (std::size_t b = 0; b + 1 < plan.offsets.size(); ++b) {
    std::map<std::int64_t, std::int64_t> seen;
    for (auto r = plan.offsets[b]; r < plan.offsets[b + 1]; ++r) {
      const auto speaker = plan.rows[static_cast<std::size_t>(r)].speaker;
      const auto [place, is_new] = seen.try_emplace(speaker, count);
      if (is_new) ++count;
      numbers.push_back(place->second);
    }
  }
  return numbers;
}

/// Mean of the rows of each group, for every row. Shapes: x [k, d], groups [k] -> [k, d].
at::Tensor group_means(const at::Tensor& x, const std::vector<std::int64_t>& groups) {
  if (groups.empty()) return x;
  const auto count = *std::max_element(groups.begin(), groups.end()) + 1;
  const auto index = index_tensor(groups, x.device());
  const auto ones = at::ones({x.size(0), 1}, x.options());
  const auto sums = at::zeros({count, x.size(1)}, x.options()).index_add(0, index, x);
  const auto sizes = at::zeros({count, 1}, x.options()).index_add(0, index, ones).clamp_min(1);
  return (sums / sizes).index_select(0, index);
}

}  // namespace

Normalisation::Normalisation(ParameterSet& parameters, const std::string& name, std::int64_t width)
    : gain(parameters.add_constant(name + ".gain", {width}, 1.0)),
      offset(parameters.add_constant(name + ".offset", {width}, 0.0)) {}

at::Tensor Normalisation::forward(const at::Tensor& x) const {
  return at::layer_norm(x, {x.size(1)}, gain, offset);
}

ContextNetwork::ContextNetwork(const FoldData& data, const ContextSettings& settings,
                               Generator* initial)
    : Network(data.table.features.front().device(), initial),
      table_(data.table),
      corpus_(data.corpus),
      settings_(settings) {
  const auto hidden = settings.hidden;
  const auto outputs = data.objective->outputs();
  const auto widths = data.table.widths();
  for (std::size_t m = 0; m < widths.size(); ++m) {
    const auto name = fmt::format("modality{}", m);
    embed_.push_back(parameters_.add_linear(name + ".embed", widths[m], hidden, this->initial()));
    norm_.emplace_back(parameters_, name + ".norm", hidden);
    absent_.push_back(parameters_.add_constant(name + ".absent", {hidden}, 0.0));
    heads_.push_back(parameters_.add_linear(name + ".head", hidden, outputs, this->initial()));
    if (settings.speaker == SpeakerUse::kInputs) {
      usual_.push_back(parameters_.add_constant(name + ".usual", {hidden, widths[m]}, 0.0));
    }
  }
  const double bound = 1.0 / std::sqrt(static_cast<double>(hidden));
  roles_ = parameters_.add_uniform("roles", {settings.roles + 1, hidden}, bound, this->initial());
  if (settings.speaker == SpeakerUse::kMeans) {
    mean_ = parameters_.add_uniform("speaker_mean", {hidden, hidden}, bound, this->initial());
  }
  forward_ = direction("forward", hidden);
  backward_ = direction("backward", hidden);
  joint_norm_ = Normalisation(parameters_, "joint_norm", 2 * hidden);
  output_ = parameters_.add_linear("output", 2 * hidden, outputs, this->initial());
}

ContextNetwork::Direction ContextNetwork::direction(const std::string& name, std::int64_t hidden) {
  const auto out = hidden / 2;
  const std::int64_t gates = settings_.cell == RecurrentCell::kGru ? 3 : 4;
  const double bound = 1.0 / std::sqrt(static_cast<double>(out));
  Direction made;
  made.input.weight =
      parameters_.add_uniform(name + ".input", {gates * out, hidden}, bound, initial());
  made.state = parameters_.add_uniform(name + ".state", {gates * out, out}, bound, initial());
  made.input.bias = parameters_.add_uniform(name + ".bias", {gates * out}, bound, initial());
  if (settings_.cell == RecurrentCell::kGru) {
    made.bias = parameters_.add_uniform(name + ".state_bias", {out}, bound, initial());
  }
  return made;
}

ContextOutputs ContextNetwork::run(const BatchPlan& plan, DropoutStream& stream) const {
  const auto n = static_cast<std::int64_t>(plan.rows.size());
  ContextOutputs outputs;
  auto sum = at::zeros({n, settings_.hidden}, roles_.options());
  const auto groups = speaker_groups(plan);
  for (int m = 0; m < table_.modality_count(); ++m) {
    const auto i = static_cast<std::size_t>(m);
    const auto block = shown_features(table_, plan, m);
    const auto rows = index_tensor(block.rows, device());
    auto projected = linear(block.x, embed_[i].weight, embed_[i].bias);
    if (settings_.speaker == SpeakerUse::kInputs) {
      std::vector<std::int64_t> own;
      for (const auto row : block.rows) own.push_back(groups[static_cast<std::size_t>(row)]);
      projected = projected + at::matmul(group_means(block.x, own), usual_[i].t());
    }
    const auto embedded = gelu_dropout(norm_[i].forward(projected), settings_.dropout, stream);
    // Every row gets the vector of absence; rows that have the modality also get the difference.
    sum = (sum + absent_[i]).index_add(0, rows, embedded - absent_[i]);
    outputs.unimodal.push_back(linear(embedded, heads_[i].weight, heads_[i].bias));
    outputs.rows.push_back(block.rows);
  }
  auto spoken = sum;
  if (settings_.speaker != SpeakerUse::kNone) {
    spoken = spoken + roles_.index_select(0, role_numbers(plan));
  }
  if (settings_.speaker == SpeakerUse::kMeans) {
    spoken = spoken + at::matmul(group_means(sum, groups), mean_.t());
  }
  const auto joint = joint_norm_.forward(at::cat({sum, context(spoken, plan)}, 1));
  outputs.logits = linear(dropout(joint, settings_.dropout, stream), output_.weight, output_.bias);
  return outputs;
}

at::Tensor ContextNetwork::context(const at::Tensor& x, const BatchPlan& plan) const {
  const auto order = StepOrder::of(plan.offsets, device());
  const auto walked = x.index_select(0, order.rows);
  const auto walk = [&](const Direction& way, bool runs_backwards) {
    const auto gates = linear(walked, way.input.weight, way.input.bias);
    if (settings_.cell == RecurrentCell::kLstm) {
      return lstm(gates, way.state, order.sizes, runs_backwards);
    }
    return gru(gates, way.state, way.bias, order.sizes, runs_backwards);
  };
  return at::cat({walk(forward_, false), walk(backward_, true)}, 1).index_select(0, order.places);
}

at::Tensor ContextNetwork::role_numbers(const BatchPlan& plan) const {
  std::vector<std::int64_t> numbers;
  numbers.reserve(plan.rows.size());
  static const bool by_sex = std::getenv("HARDY_X_SEX") != nullptr;
  for (std::size_t b = 0; b + 1 < plan.offsets.size(); ++b) {
    std::map<std::int64_t, std::int64_t> seen;
    for (auto r = plan.offsets[b]; r < plan.offsets[b + 1]; ++r) {
      const auto speaker = plan.rows[static_cast<std::size_t>(r)].speaker;
      if (speaker < 0) {
        numbers.push_back(0);
        continue;
      }
      if (by_sex) {
        const auto u = static_cast<std::size_t>(plan.rows[static_cast<std::size_t>(r)].utterance);
        numbers.push_back(corpus_->utterances[u].speaker.back() == 'F' ? 1 : 2);
        continue;
      }
      const auto role =
          seen.try_emplace(speaker, static_cast<std::int64_t>(seen.size()) + 1).first->second;
      numbers.push_back(std::min(role, settings_.roles));
    }
  }
  return index_tensor(numbers, device());
}

at::Tensor divergence(const Objective& objective, const at::Tensor& shown,
                      const at::Tensor& given) {
  if (!objective.is_classification()) return (shown - given).square().mean();
  const auto p = given.softmax(1);
  return (p * (given.log_softmax(1) - shown.log_softmax(1))).sum(1).mean();
}

at::Tensor context_loss(const FoldData& data, const ContextNetwork& network,
                        const ContextSettings& settings, const BatchPlan& plan, bool distils,
                        DropoutStream& stream) {
  const auto targets = targets_of(data, plan);
  const auto outputs = network.run(plan, stream);
  auto total = data.objective->loss(outputs.logits, targets, {});
  for (std::size_t m = 0; settings.unimodal_weight > 0 && m < outputs.rows.size(); ++m) {
    if (outputs.rows[m].empty()) continue;
    const auto rows = index_tensor(outputs.rows[m], network.device());
    total = total + settings.unimodal_weight *
                        data.objective->loss(outputs.unimodal[m], targets.index_select(0, rows), {});
  }
  if (!distils || settings.distillation <= 0) return total;
  at::Tensor complete;
  {
    const at::NoGradGuard no_gradient;
    DropoutStream off;
    complete = network.logits(completed(data.table, plan), off);
  }
  return total + settings.distillation * divergence(*data.objective, outputs.logits, complete);
}

}  // namespace hardy
