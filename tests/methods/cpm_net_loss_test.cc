// The training loss of CPM-Net against its definition.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "methods/cpm_net/cpm_net.h"
#include "methods/still_fit.h"

namespace hardy::test {
namespace {

/// The class loss of CPM-Net, row by row in double precision.
double class_loss(const at::Tensor& h, const std::vector<int>& labels, int classes) {
  const auto n = labels.size();
  double total = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> similarity(static_cast<std::size_t>(classes), 0);
    for (int c = 0; c < classes; ++c) {
      double sum = 0;
      int members = 0;
      for (std::size_t j = 0; j < n; ++j) {
        if (j == i || labels[j] != c) continue;
        sum += h[static_cast<std::int64_t>(i)].dot(h[static_cast<std::int64_t>(j)]).item<double>();
        ++members;
      }
      similarity[static_cast<std::size_t>(c)] = members > 0 ? sum / members : 0;
    }
    const auto best = std::max_element(similarity.begin(), similarity.end());
    const auto own = similarity[static_cast<std::size_t>(labels[i])];
    const bool is_wrong = best - similarity.begin() != labels[i];
    total += std::max(0.0, *best - own + (is_wrong ? 1 : 0));
  }
  return total;
}

/// Random draws of a CPM-Net fit before training.
struct CpmStart {
  std::unique_ptr<CpmDecoders> decoders;
  ParameterSet latents;
  at::Tensor h;
  std::vector<Pattern> observed;

  CpmStart(const FoldData& data, const CpmNetSettings& settings, const Seeds& seeds) {
    auto initial = seeds.stream("cpm_net.init");
    decoders = std::make_unique<CpmDecoders>(data, settings.latent, &initial);
    const auto n = static_cast<std::int64_t>(data.train.size());
    h = latents.add_uniform("h", {n, settings.latent},
                            std::sqrt(6.0 / static_cast<double>(n + settings.latent)), initial);
    auto draws = seeds.stream("cpm_net.patterns");
    for (std::int64_t i = 0; i < n; ++i) {
      observed.push_back(kTwo[static_cast<std::size_t>(draw_index(draws, 2))]);
    }
  }

  /// Sum over rows and their observed modalities of the squared error, from the definition.
  [[nodiscard]] at::Tensor reconstruction(const FoldData& data) const {
    auto loss = at::zeros({});
    for (std::size_t i = 0; i < data.train.size(); ++i) {
      const auto u = data.train[i];
      for (int m = 0; m < 3; ++m) {
        if (!observed[i].has(m) || !data.corpus->present_pattern(u).has(m)) continue;
        const auto place = static_cast<std::size_t>(m);
        const auto name = "decoder." + data.corpus->modalities[place].name;
        const auto rebuilt =
            at::mv(decoders->parameters().at(name + ".weight"), h[static_cast<std::int64_t>(i)]) +
            decoders->parameters().at(name + ".bias");
        loss = loss + (rebuilt - data.table.features[place][u]).square().sum();
      }
    }
    return loss;
  }
};

TEST(CpmNetLoss, IsTheErrorOfWhatIsShownPlusTheWeightedClassLossPerUtterance) {
  const Corpus corpus = method_corpus(3, false, 0.3);
  Config config = method_config("cpm_net");
  auto& settings = config.methods.of<CpmNetSettings>("cpm_net");
  settings.latent = 4;
  settings.class_weight = 3;
  settings.epochs = settings.steps = settings.validate_every = 1;
  settings.decoder_learning_rate = settings.latent_learning_rate = 0;
  settings.inference_epochs = 3;
  StillFit fit(corpus, config, kTwo);
  const auto& data = fit.data();
  const CpmStart start(data, settings, fit.seeds("fit " + bits_text(kTwo)));
  at::NoGradGuard no_gradient;
  std::vector<int> labels;
  for (const auto u : data.train) labels.push_back(static_cast<int>(label_of(corpus, u)));
  const double expected =
      (start.reconstruction(data).item<double>() + 3 * class_loss(start.h, labels, 4)) /
      static_cast<double>(data.train.size());
  const auto curve = curve_of(fit.model);
  ASSERT_EQ(curve.size(), 2U);
  EXPECT_NEAR(curve[0].value, expected, 1e-4 * expected);
  // Validation: similarity to the mean latent of every class, mean over the patterns.
  const auto utterances = utterances_of(corpus, data.fold.validation);
  BatchPlan rows;
  for (const auto u : utterances) rows.rows.push_back({u, 0, -1, Pattern(7)});
  double validation = 0;
  for (const auto pattern : kTwo) {
    const auto h = start.decoders->infer(
        utterances, std::vector<Pattern>(utterances.size(), pattern), settings);
    std::vector<at::Tensor> logits;
    for (int c = 0; c < 4; ++c) {
      auto mean = at::zeros({4});
      for (std::size_t i = 0; i < labels.size(); ++i) {
        if (labels[i] == c) mean = mean + start.h[static_cast<std::int64_t>(i)];
      }
      mean = mean / static_cast<double>(std::count(labels.begin(), labels.end(), c));
      logits.push_back(at::mv(h, mean));
    }
    validation += mean_label_loss(data, at::stack(logits, 1), rows).item<double>() / 2;
  }
  EXPECT_NEAR(curve[1].value, validation, 1e-4);
}

TEST(CpmNetLoss, DecodersStepAlongTheErrorOfWhatIsShown) {
  const Corpus corpus = method_corpus(3, false, 0.3);
  Config config = method_config("cpm_net");
  auto& settings = config.methods.of<CpmNetSettings>("cpm_net");
  settings.latent = 4;
  settings.epochs = settings.steps = 1;
  settings.decoder_learning_rate = 0.01;
  StillFit fit(corpus, config, kTwo);
  const CpmStart start(fit.data(), settings, fit.seeds("fit " + bits_text(kTwo)));
  start.reconstruction(fit.data()).backward();
  for (const auto& [name, value] : start.decoders->parameters().all()) {
    // Adam's first step is the learning rate times the sign of the gradient.
    const auto& gradient = value.grad();
    const auto expected = (value.detach() - 0.01 * gradient.sign()).contiguous();
    const auto ours = fit.model.floats("model." + name);
    for (std::int64_t i = 0; i < expected.numel(); ++i) {
      if (gradient.contiguous().data_ptr<float>()[i] == 0) continue;
      ASSERT_NEAR(ours[static_cast<std::size_t>(i)], expected.data_ptr<float>()[i], 1e-5) << name;
    }
  }
}

}  // namespace
}  // namespace hardy::test
