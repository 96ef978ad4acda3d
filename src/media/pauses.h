// Divides a recording without transcript at pauses.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace hardy {

/// Stretches of speech by energy. The level of 10 ms frames is compared with a threshold 30 % of
/// the way from the 10th to the 95th percentile of the recording's levels (in dB), at least 6 dB
/// above the former: frames above are speech. Pauses of 0.5 s or more separate stretches, stretches
/// below 0.3 s are left out, 0.1 s is kept on both sides, and a stretch longer than 15 s is cut at
/// its quietest point between its 5th and its 15th second.
class PauseCutter {
 public:
  /// Adds samples of the recording, in order, from time 0 on.
  void add(double start_s, std::span<const std::int16_t> samples);

  /// (start, end) of each stretch in seconds, in order.
  [[nodiscard]] std::vector<std::pair<double, double>> cuts() const;

 private:
  std::vector<float> levels_;  // dB of full 10 ms frames
  double first_s_ = 0;
  double energy_ = 0;
  std::size_t filled_ = 0;  // samples of the incomplete frame
};

}  // namespace hardy
