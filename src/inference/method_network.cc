#include "inference/method_network.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hardy/errors.h"

namespace hardy::predict {

std::span<const float> checked_array(const TensorFileView& file, const std::string& name,
                                     const std::vector<std::int64_t>& shape) {
  const auto& found = file.shape(name);
  if (found != shape) {
    throw ArtifactError(
        fmt::format("array '{}' has shape [{}], expected [{}]: the file's description belongs to "
                    "another model",
                    name, fmt::join(found, ","), fmt::join(shape, ",")));
  }
  return file.floats(name);
}

Dense::Dense(const TensorFileView& file, const std::string& name) {
  const auto& shape = file.shape(name + ".weight");
  if (shape.size() != 2) {
    throw ArtifactError(fmt::format("array '{}.weight' is no matrix", name));
  }
  std::span<const float> bias;
  if (file.arrays.contains(name + ".bias")) bias = checked_array(file, name + ".bias", {shape[0]});
  take({file.floats(name + ".weight").data(), shape[1]}, shape[1], shape[0], bias);
}

Dense::Dense(ConstRows weight, std::int64_t in, std::int64_t out, std::span<const float> bias) {
  take(weight, in, out, bias);
}

void Dense::take(ConstRows weight, std::int64_t in, std::int64_t out, std::span<const float> bias) {
  place_.resize(static_cast<std::size_t>(packed_size(in, out)));
  panels_ = pack(weight, in, out, 1.0F, place_.data());
  bias_.assign(bias.begin(), bias.end());
}

void Dense::run(ConstRows x, std::int64_t n, Rows y, bool accumulates) const {
  if (n == 0) return;
  multiply(x, n, panels_, bias_.empty() ? nullptr : bias_.data(), y, accumulates);
}

Scalings::Scalings(const TensorFileView& file, const BundleInfo& info) {
  for (const auto& [name, width] : info.modalities) {
    const auto fetch = [&, w = width](const std::string& what) {
      return checked_array(file, "scaling." + what, {w}).data();
    };
    ScalingView view;
    view.mean = fetch(name + ".mean");
    view.deviation = fetch(name + ".deviation");
    if (info.limits_features) {
      view.lowest = fetch(name + ".lowest");
      view.highest = fetch(name + ".highest");
    }
    views_.push_back(view);
    widths_.push_back(width);
  }
}

std::int64_t Scalings::all_widths() const {
  return std::accumulate(widths_.begin(), widths_.end(), std::int64_t{0});
}

void Scalings::fill(const DialogueRows& rows, std::size_t m, Rows target, Buffers& buffers) const {
  for (std::int64_t i = 0; i < rows.count(); ++i) {
    const auto row = static_cast<std::size_t>(i);
    auto& limited = buffers.limited[row * views_.size() + m];
    if (rows.shows(i, m)) {
      limited = standardise(rows.utterances[row].features[m], views_[m], widths_[m], target.row(i));
    } else {
      limited = 0;
      std::fill_n(target.row(i), widths_[m], 0.0F);
    }
  }
}

Matrix Scalings::side_by_side(const DialogueRows& rows, Buffers& buffers) const {
  Matrix x(rows.count(), all_widths());
  std::int64_t first = 0;
  for (std::size_t m = 0; m < widths_.size(); ++m) {
    fill(rows, m, {x.values.data() + first, x.width}, buffers);
    first += widths_[m];
  }
  return x;
}

}  // namespace hardy::predict
