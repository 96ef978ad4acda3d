#include "nn/parameters.h"

#include <torch/types.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hardy/errors.h"

namespace hardy {

at::Tensor ParameterSet::add(const std::string& name, at::Tensor value) {
  value = value.to(device_);
  value.requires_grad_(true);
  parameters_.emplace_back(name, value);
  return value;
}

at::Tensor ParameterSet::add_uniform(const std::string& name, std::vector<std::int64_t> shape,
                                     double bound, Generator& generator) {
  if (!is_drawing_) return add(name, at::zeros(shape, at::TensorOptions(at::kFloat)));
  auto value = at::empty(shape, at::TensorOptions(at::kFloat));
  auto* values = value.data_ptr<float>();
  for (std::int64_t i = 0; i < value.numel(); ++i) {
    values[i] = static_cast<float>((2.0 * draw_unit(generator) - 1.0) * bound);
  }
  return add(name, value);
}

at::Tensor ParameterSet::add_constant(const std::string& name, std::vector<std::int64_t> shape,
                                      double constant) {
  return add(name, at::full(shape, constant, at::TensorOptions(at::kFloat)));
}

LinearLayer ParameterSet::add_linear(const std::string& name, std::int64_t in, std::int64_t out,
                                     Generator& generator, std::int64_t fan_in, bool has_bias) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in > 0 ? fan_in : in));
  LinearLayer layer;
  layer.weight = add_uniform(name + ".weight", {out, in}, bound, generator);
  if (has_bias) layer.bias = add_uniform(name + ".bias", {out}, bound, generator);
  return layer;
}

at::Tensor ParameterSet::at(std::string_view name) const {
  for (const auto& [known, value] : parameters_) {
    if (known == name) return value;
  }
  throw InternalError(fmt::format("no parameter '{}'", name));
}

std::int64_t ParameterSet::count() const {
  std::int64_t total = 0;
  for (const auto& [name, value] : parameters_) total += value.numel();
  return total;
}

void ParameterSet::clear_gradients() {
  for (auto& [name, value] : parameters_) value.mutable_grad().reset();
}

void ParameterSet::save(TensorFile& file, const std::string& prefix) const {
  for (const auto& [name, value] : parameters_) {
    const auto flat = value.detach().to(at::kCPU).contiguous();
    const auto* first = flat.data_ptr<float>();
    file.add(prefix + name, flat.sizes().vec(), std::vector<float>(first, first + flat.numel()));
  }
}

void ParameterSet::load(const TensorFile& file, const std::string& prefix) {
  at::NoGradGuard no_gradient;
  for (auto& [name, value] : parameters_) {
    const auto values = file.floats(prefix + name);
    const auto& shape = file.shape(prefix + name);
    if (shape != value.sizes().vec()) {
      throw ArtifactError(
          fmt::format("array '{}{}' has shape [{}], expected [{}]: the file belongs to "
                      "a model of another configuration",
                      prefix, name, fmt::join(shape, ","), fmt::join(value.sizes().vec(), ",")));
    }
    auto host = at::empty(value.sizes(), at::TensorOptions(at::kFloat));
    std::memcpy(host.data_ptr<float>(), values.data(), values.size_bytes());
    value.copy_(host);
  }
}

std::vector<at::Tensor> ParameterSet::snapshot() const {
  std::vector<at::Tensor> values;
  values.reserve(parameters_.size());
  for (const auto& [name, value] : parameters_) values.push_back(value.detach().clone());
  return values;
}

void ParameterSet::restore(const std::vector<at::Tensor>& values) {
  check(values.size() == parameters_.size(), "snapshot of another module");
  at::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < values.size(); ++i) parameters_[i].second.copy_(values[i]);
}

}  // namespace hardy
