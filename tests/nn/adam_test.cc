#include "nn/adam.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "hardy/errors.h"

namespace hardy {
namespace {

/// torch.optim.Adam from its documentation, in float64, for one value.
struct ReferenceAdam {
  double value;
  double mean = 0;
  double square = 0;
  int steps = 0;

  void step(double gradient, const AdamOptions& options) {
    ++steps;
    gradient += options.weight_decay * value;
    mean = options.beta1 * mean + (1 - options.beta1) * gradient;
    square = options.beta2 * square + (1 - options.beta2) * gradient * gradient;
    const double m = mean / (1 - std::pow(options.beta1, steps));
    const double s = square / (1 - std::pow(options.beta2, steps));
    value -= options.learning_rate * m / (std::sqrt(s) + options.epsilon);
  }
};

TEST(Adam, FollowsTheReferenceOverTenSteps) {
  const AdamOptions options{.learning_rate = 0.05, .weight_decay = 0.1};
  ParameterSet parameters;
  auto x = parameters.add_constant("x", {20}, 1.5);
  Adam adam(parameters, options);
  ReferenceAdam reference{1.5};
  for (int i = 0; i < 10; ++i) {
    const double gradient = 2 * reference.value - 1;  // of x^2 - x
    parameters.clear_gradients();
    (x * x - x).sum().backward();
    adam.step();
    reference.step(gradient, options);
    EXPECT_NEAR(x[7].item<double>(), reference.value, 1e-6);
  }
}

TEST(Adam, LeavesParametersWithoutGradientAlone) {
  ParameterSet parameters;
  auto used = parameters.add_constant("used", {2}, 1.0);
  auto unused = parameters.add_constant("unused", {2}, 1.0);
  Adam adam(parameters, {.learning_rate = 0.1, .weight_decay = 0.5});
  used.sum().backward();
  adam.step();
  EXPECT_NE(used[0].item<float>(), 1.0F);
  EXPECT_EQ(unused[0].item<float>(),
            1.0F);  // no decay of a parameter before the stage that uses it
}

TEST(Adam, ClipsToTheStatedNorm) {
  ParameterSet parameters;
  auto x = parameters.add_constant("x", {4}, 0.0);
  Adam adam(parameters, {.learning_rate = 1, .clip = 1});
  (x * 3.0).sum().backward();
  EXPECT_NEAR(adam.step(), 6.0, 1e-6);  // sqrt(4 * 9)
}

TEST(Adam, RefusesAnInfiniteGradient) {
  ParameterSet parameters;
  auto x = parameters.add_constant("x", {4}, 0.0);
  Adam adam(parameters, {.clip = 1});
  (x / 0.0).sum().backward();
  EXPECT_THROW(adam.step(), DivergenceError);
}

TEST(Adam, ASavedStateContinuesToTheSameBytes) {
  const auto run = [](int interrupted_at) {
    ParameterSet parameters;
    auto x = parameters.add_constant("x", {3}, 2.0);
    auto adam = std::make_unique<Adam>(parameters, AdamOptions{.learning_rate = 0.1});
    for (int i = 0; i < 6; ++i) {
      if (i == interrupted_at) {
        TensorFile file;
        adam->save(file, "adam.");
        adam = std::make_unique<Adam>(parameters, AdamOptions{.learning_rate = 0.1});
        adam->load(file, "adam.");
      }
      parameters.clear_gradients();
      (x * x).sum().backward();
      adam->step();
    }
    return x.detach().clone();
  };
  EXPECT_TRUE(at::equal(run(-1), run(3)));
}

TEST(ParameterSet, SaveAndLoadRestoreEveryValue) {
  Generator generator(1);
  ParameterSet source;
  source.add_linear("layer", 4, 3, generator);
  TensorFile file;
  source.save(file, "m.");
  Generator other(2);
  ParameterSet target;
  target.add_linear("layer", 4, 3, other);
  EXPECT_FALSE(at::equal(source.at("layer.weight"), target.at("layer.weight")));
  target.load(file, "m.");
  EXPECT_TRUE(at::equal(source.at("layer.weight"), target.at("layer.weight")));
  EXPECT_TRUE(at::equal(source.at("layer.bias"), target.at("layer.bias")));
}

TEST(ParameterSet, LoadingAnotherConfigurationNamesTheArray) {
  Generator generator(1);
  ParameterSet source;
  source.add_linear("layer", 4, 3, generator);
  TensorFile file;
  source.save(file);
  ParameterSet target;
  target.add_linear("layer", 5, 3, generator);
  try {
    target.load(file);
    FAIL() << "must refuse";
  } catch (const ArtifactError& error) {
    EXPECT_NE(std::string(error.what()).find("layer.weight"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("[3,4]"), std::string::npos);
  }
}

}  // namespace
}  // namespace hardy
