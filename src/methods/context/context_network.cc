#include "methods/context/context_network.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "methods/gcnet/recurrent.h"
#include "nn/ops.h"
#include "train/recogniser_data.h"

namespace hardy {
namespace {

/// Divergence of an output from the one under complete input, mean over rows: KL(complete || shown)
/// for classes, the squared difference for values. No gradient to `complete`.
at::Tensor divergence(const Objective& objective, const at::Tensor& shown,
                      const at::Tensor& complete) {
  if (!objective.is_classification()) return (shown - complete).square().mean();
  const auto p = complete.softmax(1);
  return (p * (complete.log_softmax(1) - shown.log_softmax(1))).sum(1).mean();
}

/// Label loss, losses of the heads of single modalities, divergence from complete input.
at::Tensor context_loss(const FoldData& data, const ContextNetwork& network,
                        const ContextSettings& settings, const BatchPlan& plan, bool distils,
                        DropoutStream& stream) {
  const auto targets = targets_of(data, plan);
  const auto outputs = network.run(plan, stream);
  auto total = data.objective->loss(outputs.logits, targets, {});
  for (std::size_t m = 0; settings.unimodal_weight > 0 && m < outputs.rows.size(); ++m) {
    if (outputs.rows[m].empty()) continue;
    const auto rows = index_tensor(outputs.rows[m], network.device());
    total =
        total + settings.unimodal_weight *
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
  }
  const double bound = 1.0 / std::sqrt(static_cast<double>(hidden));
  roles_ = parameters_.add_uniform("roles", {settings.roles + 1, hidden}, bound, this->initial());
  forward_ = direction("forward", hidden);
  backward_ = direction("backward", hidden);
  joint_norm_ = Normalisation(parameters_, "joint_norm", 2 * hidden);
  output_ = parameters_.add_linear("output", 2 * hidden, outputs, this->initial());
}

at::Tensor ContextNetwork::logits(const BatchPlan& plan, DropoutStream& stream) const {
  return run(plan, stream).logits;
}

ContextOutputs ContextNetwork::run(const BatchPlan& plan, DropoutStream& stream) const {
  const auto n = static_cast<std::int64_t>(plan.rows.size());
  ContextOutputs outputs;
  auto sum = at::zeros({n, settings_.hidden}, roles_.options());
  for (int m = 0; m < table_.modality_count(); ++m) {
    const auto i = static_cast<std::size_t>(m);
    const auto block = shown_features(table_, plan, m);
    const auto rows = index_tensor(block.rows, device());
    const auto embedded =
        gelu_dropout(norm_[i].forward(linear(block.x, embed_[i].weight, embed_[i].bias)),
                     settings_.dropout, stream);
    // Every row gets the vector of absence; rows that have the modality also get the difference.
    sum = (sum + absent_[i]).index_add(0, rows, embedded - absent_[i]);
    outputs.unimodal.push_back(linear(embedded, heads_[i].weight, heads_[i].bias));
    outputs.rows.push_back(block.rows);
  }
  const auto spoken = sum + roles_.index_select(0, role_numbers(plan));
  const auto joint = joint_norm_.forward(at::cat({sum, context(spoken, plan)}, 1));
  outputs.logits = linear(dropout(joint, settings_.dropout, stream), output_.weight, output_.bias);
  return outputs;
}

ContextNetwork::Direction ContextNetwork::direction(const std::string& name, std::int64_t hidden) {
  const auto out = hidden / 2;
  const double bound = 1.0 / std::sqrt(static_cast<double>(out));
  Direction made;
  made.input.weight = parameters_.add_uniform(name + ".input", {4 * out, hidden}, bound, initial());
  made.state = parameters_.add_uniform(name + ".state", {4 * out, out}, bound, initial());
  made.input.bias = parameters_.add_uniform(name + ".bias", {4 * out}, bound, initial());
  return made;
}

at::Tensor ContextNetwork::context(const at::Tensor& x, const BatchPlan& plan) const {
  const auto order = StepOrder::of(plan.offsets, device());
  const auto walked = x.index_select(0, order.rows);
  const auto walk = [&](const Direction& way, bool runs_backwards) {
    return lstm(linear(walked, way.input.weight, way.input.bias), way.state, order.sizes,
                runs_backwards);
  };
  return at::cat({walk(forward_, false), walk(backward_, true)}, 1).index_select(0, order.places);
}

at::Tensor ContextNetwork::role_numbers(const BatchPlan& plan) const {
  std::vector<std::int64_t> numbers;
  numbers.reserve(plan.rows.size());
  for (std::size_t b = 0; b + 1 < plan.offsets.size(); ++b) {
    std::map<std::int64_t, std::int64_t> seen;
    for (auto r = plan.offsets[b]; r < plan.offsets[b + 1]; ++r) {
      const auto speaker = plan.rows[static_cast<std::size_t>(r)].speaker;
      if (speaker < 0) {
        numbers.push_back(0);
        continue;
      }
      const auto role =
          seen.try_emplace(speaker, static_cast<std::int64_t>(seen.size()) + 1).first->second;
      numbers.push_back(std::min(role, settings_.roles));
    }
  }
  return index_tensor(numbers, device());
}

std::vector<CurvePoint> train_context(const FoldData& data, ContextNetwork& network,
                                      const ContextSettings& settings,
                                      const std::vector<Pattern>& patterns, Selection selection,
                                      const StageServices& services) {
  NetworkStage stage;
  stage.loop.stage = "context";
  stage.loop.epochs = settings.epochs;
  stage.loop.patience = settings.patience;
  stage.loop.optimiser = settings.optimiser;
  stage.loop.average = settings.average;
  stage.patterns = patterns;
  stage.loss = [&](const BatchPlan& plan, DropoutStream& stream, Generator&) {
    return context_loss(data, network, settings, plan, patterns.size() > 1, stream);
  };
  stage.validation_loss = [&] { return validation_value(data, network, patterns, selection); };
  return train_network(data, network.parameters(), stage, services);
}

}  // namespace hardy
