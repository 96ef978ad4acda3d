// Which parameters a loss reaches.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <functional>
#include <string>

#include "nn/parameters.h"

namespace hardy::test {

/// Expects a gradient that is not zero for exactly the parameters that `learns` names.
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
