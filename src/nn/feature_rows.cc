#include "nn/feature_rows.h"

#include <torch/types.h>

#include "hardy/errors.h"

namespace hardy {

FeatureRows FeatureRows::without(const at::Tensor& absent) const {
  FeatureRows fewer = *this;
  fewer.absent_ = absent_.defined() ? absent_.logical_or(absent) : absent;
  return fewer;
}

FeatureRows FeatureRows::columns(std::int64_t first, std::int64_t count) const {
  check(is_plain(), "columns of scaled features");
  return {rows_.narrow(1, first, count)};
}

void FeatureRows::finish(at::Tensor& values, const at::Tensor& absent) const {
  if (scaling_.mean.defined()) {
    values.sub_(scaling_.mean).div_(scaling_.deviation);
    values.clamp_(scaling_.lowest, scaling_.highest);
  }
  if (absent.defined()) values.masked_fill_(absent.unsqueeze(1), 0);
}

at::Tensor FeatureRows::index_select(std::int64_t dimension, const at::Tensor& index) const {
  check(dimension == 0, "features are taken by row");
  auto values = rows_.index_select(0, index);
  if (is_plain()) return values;
  at::NoGradGuard no_gradient;
  finish(values, absent_.defined() ? absent_.index_select(0, index) : at::Tensor());
  return values;
}

at::Tensor FeatureRows::narrow_rows(std::int64_t first, std::int64_t count) const {
  auto values = rows_.narrow(0, first, count);
  if (is_plain()) return values;
  at::NoGradGuard no_gradient;
  values = values.clone();
  finish(values, absent_.defined() ? absent_.narrow(0, first, count) : at::Tensor());
  return values;
}

}  // namespace hardy
