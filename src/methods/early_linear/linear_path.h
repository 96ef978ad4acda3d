// Linear models with a penalty that validation chooses: multinomial logistic regression for
// classes, ridge regression for values.
#pragma once

#include <functional>

#include "methods/early_linear/settings.h"
#include "methods/network.h"

namespace hardy {

/// Minimises mean loss + strength / 2 * ||weight||^2 by L-BFGS from zero, strongest penalty first,
/// each from the one before, and leaves the parameters with the smallest `judge()` in the layer
/// (the last without a judge). The bias is not penalised. Shapes: x [n, d], targets [n].
void fit_linear_path(const Objective& objective, const at::Tensor& x, const at::Tensor& targets,
                     const StrengthPath& path, LinearLayer& layer,
                     const std::function<double()>& judge, const StageServices& services);

}  // namespace hardy
