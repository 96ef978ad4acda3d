// A dialogue that grows turn by turn: every turn is recognised from the turns so far.
#pragma once

#include <cstdint>
#include <vector>

#include "hardy/recogniser.h"

namespace hardy {

/// Gives for each new turn what Recogniser::predict gives for the last utterance of the dialogue so
/// far, and does less for it. The model's attention looks both ways, so a new turn changes the
/// representations of all earlier ones: with depth 1 only the new turn is computed; with more, what
/// is independent of later turns (embeddings, the first unit's queries, keys and values) is kept,
/// the last unit is computed for the new turn alone, and what lies between for all turns. A
/// modality that the new turn lacks costs nothing. Models of other methods than HARDY-MER compute
/// the whole dialogue anew, or the turn alone where they read no context. Not thread-safe.
class DialogueStream {
 public:
  explicit DialogueStream(Recogniser recogniser);

  /// Appends a turn and predicts it. Throws as Recogniser::predict; then nothing was appended.
  Predictions add_turn(const UtteranceView& turn, Workspace& workspace,
                       const PredictOptions& options = {});

  /// Turns so far.
  [[nodiscard]] std::int64_t size() const { return turns_; }

  /// Memory that the turns so far hold.
  [[nodiscard]] std::int64_t bytes() const;

  [[nodiscard]] const Recogniser& recogniser() const { return recogniser_; }

 private:
  /// The turns that have one modality.
  struct Kept {
    std::vector<float> embedded;  ///< [n_m, D]
    std::vector<float> qkv;       ///< [n_m, 3D] of the first unit
    std::vector<std::int64_t> positions;
    std::vector<std::int64_t> speakers;

    void forget_last(std::int64_t width);  ///< width D
  };

  /// A turn as it came, for networks of other methods than HARDY-MER.
  struct KeptTurn {
    std::vector<std::vector<float>> features;  ///< [M]; empty = absent
    std::int64_t speaker = -1;
  };

  /// Computes the whole dialogue anew, or the turn alone where the context is not read.
  Predictions add_whole_turn(const UtteranceView& turn, Pattern used, Workspace& workspace);
  void add_modality(std::size_t m, const UtteranceView& turn, Workspace& workspace);

  Recogniser recogniser_;
  std::vector<Kept> kept_;  ///< [M]
  std::vector<KeptTurn> earlier_;
  std::int64_t turns_ = 0;
};

}  // namespace hardy
