// Parameters that receive a gradient from a loss.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <functional>
#include <string>

#include "nn/parameters.h"

namespace hardy::test {

/// Expects a non-zero gradient for exactly the parameters that `learns` accepts.
inline void expect_gradients(const at::Tensor& loss, const ParameterSet& parameters,
                             const std::function<bool(const std::string&)>& learns) {
  loss.backward();
  for (const auto& [name, value] : parameters.all()) {
    const bool has_gradient = value.grad().defined() && value.grad().abs().sum().item<float>() > 0;
    EXPECT_EQ(has_gradient, learns(name)) << name;
  }
}

inline bool every(const std::string& /*name*/) { return true; }

}  // namespace hardy::test
