// Networks that come as TorchScript programs, around a loader that the program with libtorch
// supplies. Internal to media/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hardy/extract.h"
#include "media/extractor.h"

namespace hardy {

/// A loaded program with one tensor as input and one as output.
class ScriptNetwork {
 public:
  virtual ~ScriptNetwork() = default;

  /// The extra file "hardy.json" of the archive; empty when there is none.
  [[nodiscard]] virtual std::string description() const = 0;

  /// The mean over all but the last dimension of the output. Shapes: input [shape] float32 -> [W].
  /// Throws DataError with the reason when the program fails.
  [[nodiscard]] virtual std::vector<float> mean_output(
      std::span<const float> input, const std::vector<std::int64_t>& shape) const = 0;

  /// The same for ids of tokens. Shapes: [T] int64, passed as [1, T] -> [W].
  [[nodiscard]] virtual std::vector<float> mean_output(std::span<const std::int64_t> ids) const = 0;
};

/// Loads a program, which runs its code. Throws ArtifactError.
using ScriptLoader = std::unique_ptr<ScriptNetwork> (*)(const std::filesystem::path& file);

/// Makes TorchScript available in this process; called before any thread runs.
void set_script_loader(ScriptLoader loader);

/// Whether a file is a TorchScript archive: a zip with code in it.
bool is_script(const std::filesystem::path& file);

/// The extractors of BackboneFiles::sound, text and pictures as programs. Throws ConfigError unless
/// `files` trusts programs, ArtifactError for a program or a description that does not fit.
std::shared_ptr<const SoundExtractor> open_script_sound(const BackboneFiles& files);
std::shared_ptr<const TextExtractor> open_script_text(const BackboneFiles& files);
std::shared_ptr<const PictureExtractor> open_script_pictures(const BackboneFiles& files);

}  // namespace hardy
