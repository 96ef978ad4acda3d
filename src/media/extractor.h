// Interface of extractors, which turn one utterance's sound or pictures into a vector. The embedded
// extractors implement it, and so can frozen networks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "media/decode.h"

namespace hardy {

class TextExtractor {
 public:
  /// Takes the vector of text i, or the reason why there is none.
  using Take = std::function<void(std::size_t i, std::vector<float> values, std::string reason)>;

  virtual ~TextExtractor() = default;
  [[nodiscard]] virtual std::string maker() const = 0;
  [[nodiscard]] virtual std::int64_t width() const = 0;

  /// Calls `take` for each text, in order. A text has the same vector alone and among others.
  /// Shapes: texts in UTF-8 -> [width] each.
  virtual void extract(std::span<const std::string> texts, const Take& take) const = 0;
};

class SoundExtractor {
 public:
  virtual ~SoundExtractor() = default;

  /// Name of the extractor with everything that influences its values.
  [[nodiscard]] virtual std::string maker() const = 0;
  [[nodiscard]] virtual std::int64_t width() const = 0;

  /// Features of an utterance. Shapes: samples [n] mono at kSoundRate -> [width]. Throws DataError
  /// with the reason if there is nothing to measure.
  [[nodiscard]] virtual std::vector<float> extract(std::span<const std::int16_t> samples) const = 0;
};

/// Summarises the pictures of one utterance, one after the other.
class PictureSummary {
 public:
  virtual ~PictureSummary() = default;
  virtual void add(const Picture& picture) = 0;

  /// Number of pictures with a finding.
  [[nodiscard]] virtual std::int64_t found() const = 0;

  /// Features. Shapes: -> [width]. Throws DataError with the reason if nothing was found.
  [[nodiscard]] virtual std::vector<float> finish() const = 0;
};

class PictureExtractor {
 public:
  virtual ~PictureExtractor() = default;
  [[nodiscard]] virtual std::string maker() const = 0;
  [[nodiscard]] virtual std::int64_t width() const = 0;
  [[nodiscard]] virtual PixelForm form() const = 0;
  [[nodiscard]] virtual std::unique_ptr<PictureSummary> start() const = 0;
};

/// What stands in the place of the embedded extractors; null = nothing does.
struct Backbones {
  std::shared_ptr<const SoundExtractor> sound;
  std::shared_ptr<const TextExtractor> text;
  std::shared_ptr<const PictureExtractor> pictures;
};

/// The embedded acoustic extractor (acoustic.h).
std::unique_ptr<SoundExtractor> make_acoustic_extractor();

/// The embedded visual extractor (faces.h). `cascade`: empty = opencv-data's. Throws ArtifactError.
std::unique_ptr<PictureExtractor> make_face_extractor(const std::string& cascade);

/// The name of the embedded visual extractor, without loading it.
inline constexpr const char* kVisualMaker = "hardy-face-2";

/// Width of its vectors: mean and standard deviation of seven expressions over the pictures, mean
/// of the 256 channels before them.
inline constexpr std::int64_t kVisualWidth = 7 + 7 + 256;

}  // namespace hardy
