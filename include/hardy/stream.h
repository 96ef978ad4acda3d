/// @file
/// Streaming prediction: each new turn of a dialogue is predicted from the turns so far.
#pragma once

#include <cstdint>
#include <vector>

#include "hardy/recogniser.h"

namespace hardy {

/// Predicts each new turn as Recogniser::predict would predict the last utterance of the dialogue
/// so far, at a lower cost. Attention is bidirectional, so a new turn changes the representations
/// of all earlier turns: with depth 1 only the new turn is computed; with more, values independent
/// of later turns (embeddings, queries, keys and values of the first unit) are kept, the last unit
/// is computed for the new turn alone, and the units between for all turns. A modality absent from
/// the new turn costs nothing. Models of other methods than HARDY-MER compute the whole dialogue
/// anew, or the turn alone if they read no context. Not thread-safe.
class DialogueStream {
 public:
  /// An empty dialogue.
  explicit DialogueStream(Recogniser recogniser);

  /// Appends a turn and predicts it. Shapes: as Predictions with n = 1. Throws as
  /// Recogniser::predict; then the dialogue is unchanged.
  Predictions add_turn(const UtteranceView& turn, Workspace& workspace,
                       const PredictOptions& options = {});

  /// Number of turns.
  [[nodiscard]] std::int64_t size() const { return turns_; }

  /// Memory of the kept turns, in bytes.
  [[nodiscard]] std::int64_t bytes() const;

  /// The model.
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

  /// The input of a turn, for networks of other methods than HARDY-MER.
  struct KeptTurn {
    std::vector<std::vector<float>> features;  ///< [M]; empty = absent
    std::int64_t speaker = -1;
  };

  /// Computes the whole dialogue anew, or the turn alone where the network reads no context.
  Predictions add_whole_turn(const UtteranceView& turn, Pattern used, Workspace& workspace);
  /// The turn without what is set aside (PredictOptions::set_aside_rate).
  UtteranceView set_aside_of(const UtteranceView& turn, Workspace& workspace,
                             const PredictOptions& options);
  /// add_turn of what was not set aside.
  Predictions add_kept_turn(const UtteranceView& turn, Workspace& workspace,
                            const PredictOptions& options);
  void add_modality(std::size_t m, const UtteranceView& turn, Workspace& workspace);

  Recogniser recogniser_;
  std::vector<Kept> kept_;  ///< [M]
  std::vector<KeptTurn> earlier_;
  std::vector<std::vector<float>> last_;  ///< [M] features as given last, if they are judged
  std::int64_t turns_ = 0;
};

}  // namespace hardy
