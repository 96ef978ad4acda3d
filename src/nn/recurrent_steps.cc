#include "nn/recurrent_steps.h"

#include <algorithm>

#include "hardy/errors.h"

namespace hardy {

std::vector<RecurrentStep> recurrent_steps(const std::vector<std::int64_t>& sizes,
                                           bool runs_backwards) {
  check(std::is_sorted(sizes.rbegin(), sizes.rend()), "steps of a recurrent layer may not grow");
  std::vector<RecurrentStep> steps;
  std::int64_t first = 0;
  for (const auto size : sizes) {
    steps.push_back({first, size, 0, 0});
    first += size;
  }
  if (runs_backwards) std::reverse(steps.begin(), steps.end());
  for (std::size_t s = 1; s < steps.size(); ++s) {
    steps[s].first_before = steps[s - 1].first;
    steps[s].rows_before = std::min(steps[s].rows, steps[s - 1].rows);
  }
  return steps;
}

}  // namespace hardy
