// Linear models whose penalty is selected by validation: multinomial logistic regression for
// classes, ridge regression for values.
#pragma once

#include <functional>

#include "methods/early_linear/settings.h"
#include "methods/network.h"

namespace hardy {

/// Minimises mean loss + strength / 2 * ||weight||^2 by L-BFGS, strongest penalty first, each fit
/// starting from the preceding one (the first from zero), and leaves the parameters with the
/// smallest `judge()` in the layer (the last without a judge). The bias is not penalised. Shapes: x
/// [n, d], targets [n].
void fit_linear_path(const Objective& objective, const at::Tensor& x, const at::Tensor& targets,
                     const StrengthPath& path, LinearLayer& layer,
                     const std::function<double()>& judge, const StageServices& services);

}  // namespace hardy
