// The optima of the linear controls.
#include <gtest/gtest.h>
#include <torch/types.h>

#include "methods/early_linear/linear_path.h"
#include "methods/early_linear/settings.h"
#include "methods/late_linear/settings.h"
#include "methods/still_fit.h"

namespace hardy::test {
namespace {

/// Expects a linear model to be stationary at strength `kStrength` on some rows.
constexpr double kStrength = 0.3;

void expect_stationary(const at::Tensor& x, const std::vector<std::int64_t>& labels,
                       const at::Tensor& weight, const at::Tensor& bias) {
  at::NoGradGuard no_gradient;
  auto error = at::softmax(at::matmul(x, weight.t()) + bias, 1);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    error[static_cast<std::int64_t>(i)][labels[i]] -= 1;
  }
  error = error / static_cast<double>(labels.size());
  const auto gradient = at::matmul(error.t(), x) + kStrength * weight;
  EXPECT_LT(gradient.abs().max().item<double>(), 1e-3);
  EXPECT_LT(error.sum(0).abs().max().item<double>(), 1e-3);
}

StrengthPath one_strength() {
  StrengthPath path;
  path.strongest = path.weakest = kStrength;
  path.count = 1;
  return path;
}

TEST(LinearPathLoss, OfClassesIsStationaryAtTheStatedPenaltyWithAFreeBias) {
  const Corpus corpus = method_corpus(2);
  const MethodOnFold on_fold(corpus, method_config("early_linear"));
  const auto& data = on_fold.data;
  const auto rows = index_tensor(data.train, at::kCPU);
  const auto x = data.table.features[0].index_select(0, rows);
  ParameterSet parameters;
  Generator unused(1);
  auto layer = parameters.add_linear("layer", x.size(1), 4, unused);
  fit_linear_path(*data.objective, x, data.objective->targets(rows), one_strength(), layer, {}, {});
  std::vector<std::int64_t> labels;
  for (const auto u : data.train) labels.push_back(static_cast<std::int64_t>(label_of(corpus, u)));
  expect_stationary(x, labels, layer.weight, layer.bias);
  EXPECT_GT(layer.weight.abs().max().item<double>(), 0.05);
}

/// An array of a model.
at::Tensor array_of(const TensorFile& model, const std::string& name) {
  const auto values = model.floats("model." + name);
  return at::tensor(std::vector<float>(values.begin(), values.end()))
      .view(model.shape("model." + name));
}

TEST(LateLinearLoss, FitsEveryModalityOnTheTrainingRowsThatHaveIt) {
  const Corpus corpus = method_corpus(3, false, 0.3);
  Config config = method_config("late_linear");
  config.methods.of<LateLinearSettings>("late_linear").path = one_strength();
  const StillFit fit(corpus, config, kTwo);
  for (int m = 0; m < 3; ++m) {
    const auto place = static_cast<std::size_t>(m);
    std::vector<std::int64_t> rows;
    std::vector<std::int64_t> labels;
    for (const auto u : fit.data().train) {
      if (!corpus.present_pattern(u).has(m)) continue;
      rows.push_back(u);
      labels.push_back(static_cast<std::int64_t>(label_of(corpus, u)));
    }
    const auto name = "layer." + corpus.modalities[place].name;
    expect_stationary(
        fit.data().table.features[place].index_select(0, index_tensor(rows, at::kCPU)), labels,
        array_of(fit.model, name + ".weight"), array_of(fit.model, name + ".bias"));
  }
}

TEST(EarlyLinearLoss, FitsEveryTrainingRowUnderItsDrawnPatterns) {
  const Corpus corpus = method_corpus(3, false, 0.3);
  Config config = method_config("early_linear");
  auto& settings = config.methods.of<EarlyLinearSettings>("early_linear");
  settings.path = one_strength();
  settings.draws = 2;
  StillFit fit(corpus, config, kTwo);
  const auto& data = fit.data();
  auto draws = fit.seeds("fit " + bits_text(kTwo)).stream("early_linear.patterns");
  std::vector<at::Tensor> rows;
  std::vector<std::int64_t> labels;
  for (int draw = 0; draw < 2; ++draw) {
    for (const auto u : data.train) {
      const Pattern pattern = kTwo[static_cast<std::size_t>(draw_index(draws, 2))];
      if ((pattern & corpus.present_pattern(u)).empty()) continue;  // nothing to be read
      std::vector<at::Tensor> parts;
      for (int m = 0; m < 3; ++m) {
        const auto& own = data.table.features[static_cast<std::size_t>(m)][u];
        const bool is_shown = pattern.has(m) && corpus.present_pattern(u).has(m);
        parts.push_back(is_shown ? own : at::zeros_like(own));
      }
      rows.push_back(at::cat(parts));
      labels.push_back(static_cast<std::int64_t>(label_of(corpus, u)));
    }
  }
  std::string layer;
  for (const auto& [name, array] : fit.model.arrays) {
    if (name.ends_with(".weight")) layer = name.substr(6, name.size() - 6 - 7);
  }
  expect_stationary(at::stack(rows), labels, array_of(fit.model, layer + ".weight"),
                    array_of(fit.model, layer + ".bias"));
}

}  // namespace
}  // namespace hardy::test
