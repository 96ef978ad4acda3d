// Rows of one drawn modality, each from a random stream of its own: the second half of
// demo_corpus.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "corpus/synth/demo_corpus.h"
#include "corpus/synth/demo_strength.h"

namespace hardy {

inline constexpr int kSharedFactors = 6;  ///< latent factors that every modality shows

/// What every modality of one utterance has in common.
struct CommonDraw {
  std::vector<double> noise;   ///< [E]
  std::vector<double> shared;  ///< [kSharedFactors]
};

/// `count` draws of the normal distribution.
std::vector<double> draw_normals(Generator& generator, std::size_t count);

/// One modality: fixed loadings and speakers, then rows. What is given must outlive it. Const
/// methods are thread-safe.
class ModalityDrawer {
 public:
  ModalityDrawer(const Corpus& corpus, const std::vector<UtterancePlan>& plans,
                 const std::vector<CommonDraw>& common, const DrawOptions& options, int modality);

  /// Rows of utterances `first`.. one after another, as many as `rows` has room for.
  void draw_rows(std::size_t first, std::span<float> rows) const;

 private:
  [[nodiscard]] std::size_t latents() const { return axes_ + shared_ + private_; }

  void draw_columns();

  /// Solves for the evidence gains on the very noise that draw_latent will add.
  void draw_gains(double strength);

  [[nodiscard]] Generator row_generator(std::size_t i) const;

  static double evidence_noise(double common, double own);

  void draw_speakers();

  void add_latent(const std::vector<double>& latent, std::span<float> row) const;

  /// The latent vector of one utterance: evidence, shared factors, private factors.
  [[nodiscard]] std::vector<double> draw_latent(std::size_t i, Generator& generator) const;

  void draw_row(std::size_t i, std::span<float> row) const;

  const Corpus& corpus_;
  const std::vector<UtterancePlan>& plans_;
  const std::vector<CommonDraw>& common_;
  EvidenceSpace space_;
  Seeds seeds_;
  int modality_;
  std::int64_t width_;
  std::size_t axes_ = 0;                  ///< E
  std::size_t shared_ = 0;                ///< shared factors this modality shows
  std::size_t private_ = 0;               ///< private factors
  std::vector<double> gains_;             ///< [E]
  std::vector<float> scale_;              ///< [width]
  std::vector<float> offset_;             ///< [width]
  std::vector<float> loadings_;           ///< [latents, width], scaled by column
  std::vector<std::size_t> speaker_of_;   ///< [N]
  std::vector<double> speaker_evidence_;  ///< [speakers, E] offset on the evidence axes
  std::vector<float> speaker_rows_;       ///< [speakers, width] offset of column and speaker
};

}  // namespace hardy
