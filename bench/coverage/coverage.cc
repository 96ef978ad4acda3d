// Coverage of 95 % intervals, and the size and power of comparisons, by simulation of two methods
// on one test set (docs/statistics.md has the table). Prints one line per design.
//
// A dialogue has a difficulty; training a method on a fold under a seed has luck of its own; the
// methods see the same dialogues, and their answers to an utterance are correlated through a part
// that both share.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "analysis/bootstrap.h"
#include "analysis/comparison.h"
#include "analysis/prediction_table.h"
#include "base/random.h"
#include "hardy/modality.h"

namespace hardy {
namespace {

struct Design {
  int folds = 1;
  int seeds = 1;
  double gain = 0;          ///< true difference of the methods
  double training = 0.015;  ///< deviation of accuracy between trainings
  int dialogues = 150;      ///< of the whole corpus
  int utterances = 20;      ///< of a dialogue
};

/// Chance that a standard normal variable is at most x.
double normal_share(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// Threshold of the latent score under which a share `p` of answers is right.
double threshold_of(double p) {
  double low = -6;
  double high = 6;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (normal_share(middle) < p ? low : high) = middle;
  }
  return low;
}

/// Latent scores have variance 1: dialogue .1, what both methods find hard in an utterance .5, what
/// one method always finds hard .2, what one training finds hard .2.
class Simulation {
 public:
  Simulation(const Design& design, std::uint64_t number)
      : design_(design), generator_(mix64(number)) {
    const int count = design.dialogues * design.utterances;
    for (int d = 0; d < design.dialogues; ++d) {
      const double dialogue = std::sqrt(0.1) * draw_normal(generator_);
      for (int u = 0; u < design.utterances; ++u) {
        shared_.push_back(dialogue + std::sqrt(0.5) * draw_normal(generator_));
      }
    }
    own_.resize(static_cast<std::size_t>(count));
  }

  /// Predictions of one method of mean accuracy `accuracy`.
  PredictionTable method(double accuracy) {
    for (double& value : own_) value = std::sqrt(0.2) * draw_normal(generator_);
    PredictionTableBuilder builder({TaskKind::kClass, {"calm", "angry"}}, {"acoustic", "textual"});
    const int in_fold = design_.dialogues / design_.folds;
    for (int fold = 0; fold < design_.folds; ++fold) {
      for (int seed = 1; seed <= design_.seeds; ++seed) {
        builder.start("unified", parse_condition("a", {"acoustic", "textual"}), fold, seed);
        const double limit = threshold_of(accuracy + design_.training * draw_normal(generator_));
        for (int d = fold * in_fold; d < (fold + 1) * in_fold; ++d) add_dialogue(builder, d, limit);
      }
    }
    return builder.finish();
  }

 private:
  void add_dialogue(PredictionTableBuilder& builder, int d, double limit) {
    for (int u = 0; u < design_.utterances; ++u) {
      const auto i = static_cast<std::size_t>(d * design_.utterances + u);
      const double score = shared_[i] + own_[i] + std::sqrt(0.2) * draw_normal(generator_);
      const int truth = (d + u) % 2;
      builder.add({.dialogue = fmt::format("d{:03}", d),
                   .utterance = fmt::format("d{:03}u{}", d, u),
                   .speaker = "",
                   .truth = static_cast<double>(truth),
                   .predicted = static_cast<double>(score < limit ? truth : 1 - truth)});
    }
  }

  Design design_;
  Generator generator_;
  std::vector<double> shared_;
  std::vector<double> own_;
};

Resampled accuracy_of(const PredictionTable& table) {
  for (const auto& number : resample(table, {.resamples = 400})) {
    if (number.metric == "wa" && number.condition != "average") return number;
  }
  std::abort();
}

struct Counts {
  int number = 0;      ///< intervals of a number that hold the truth
  int difference = 0;  ///< intervals of a difference that hold the truth
  int found = 0;       ///< differences called beyond chance
};

Counts simulate(const Design& design, int worlds) {
  constexpr double kAccuracy = 0.6;
  Counts counts;
  for (int w = 0; w < worlds; ++w) {
    Simulation simulation(design, static_cast<std::uint64_t>(w));
    const auto first = accuracy_of(simulation.method(kAccuracy + design.gain));
    const auto second = accuracy_of(simulation.method(kAccuracy));
    const auto holds = [](const Interval& interval, double truth) {
      return interval.low <= truth && truth <= interval.high ? 1 : 0;
    };
    counts.number += holds(interval_of(second, 0.95), kAccuracy);
    const auto difference = difference_of(first, second);
    counts.difference += holds(interval_of(difference, 0.95), design.gain);
    counts.found += p_value_of(difference) <= 0.05 ? 1 : 0;
  }
  return counts;
}

}  // namespace
}  // namespace hardy

int main(int count, char** arguments) {
  const int worlds = count > 1 ? std::atoi(arguments[1]) : 1000;
  const double training = count > 2 ? std::atof(arguments[2]) : 0.015;
  fmt::print("{} worlds, deviation of training {}\n", worlds, training);
  fmt::print(
      "| seeds | folds | number | difference | false alarms | power, 1 point | 2 points |\n");
  for (const int seeds : {1, 2, 5}) {
    for (const int folds : {1, 5}) {
      hardy::Design design{.folds = folds, .seeds = seeds, .training = training};
      const auto share = [&](int of) { return static_cast<double>(of) / worlds; };
      const auto none = simulate(design, worlds);
      design.gain = 0.01;
      const auto one = simulate(design, worlds);
      design.gain = 0.02;
      const auto two = simulate(design, worlds);
      fmt::print("| {} | {} | {:.3f} | {:.3f} | {:.3f} | {:.3f} | {:.3f} |\n", seeds, folds,
                 share(none.number), share(none.difference), share(none.found), share(one.found),
                 share(two.found));
    }
  }
  return 0;
}
