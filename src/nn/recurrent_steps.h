// Processing order of recurrent layers over packed sequences.
#pragma once

#include <cstdint>
#include <vector>

namespace hardy {

/// A step and its predecessor in processing order; the rows of both begin with the same sequence.
struct RecurrentStep {
  std::int64_t first = 0;         ///< row of the first sequence of this step
  std::int64_t rows = 0;          ///< number of sequences with this step
  std::int64_t first_before = 0;  ///< row of the first sequence in the preceding step
  std::int64_t rows_before = 0;   ///< number of sequences in both steps; 0 at the start
};

/// Steps in processing order. `sizes`: rows of each step in time; may not increase.
std::vector<RecurrentStep> recurrent_steps(const std::vector<std::int64_t>& sizes,
                                           bool runs_backwards);

}  // namespace hardy
