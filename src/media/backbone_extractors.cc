// The frozen networks of backbones/ as extractors.
#include <dlfcn.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "backbones/sound_network.h"
#include "backbones/text_pooling.h"
#include "hardy/errors.h"
#include "hardy/extract.h"
#include "media/extractor.h"
#include "media/manet_extractor.h"
#include "media/script_network.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr int kSummedLayers = 4;
constexpr std::size_t kHashDigits = 12;

std::string short_hash(const std::string& checksum) { return checksum.substr(0, kHashDigits); }

std::vector<float> full_scale_one(std::span<const std::int16_t> samples) {
  std::vector<float> values;
  values.reserve(samples.size());
  for (const std::int16_t sample : samples) values.push_back(static_cast<float>(sample) / 32768.0F);
  return values;
}

class TextBackbone final : public TextExtractor {
 public:
  TextBackbone(const fs::path& folder, const std::string& like) : is_gcnet_(like == "gcnet") {
    const auto settings = NetworkSettings::read(folder / "config.json");
    const auto kind = settings.text_or("model_type", "");
    auto weights = WeightSet::open(folder);
    tokenizer_ = make_tokenizer(folder, kind);
    maker_ = fmt::format("{}-{}-{}-{}{}", kind, short_hash(weights.checksum()),
                         short_hash(tokenizer_->checksum()), is_gcnet_ ? "words" : "tokens",
                         kSummedLayers);
    network_ = make_text_network(settings, std::move(weights));
  }

  [[nodiscard]] std::string maker() const override { return maker_; }

  [[nodiscard]] std::int64_t width() const override { return network_->width(); }

  [[nodiscard]] std::vector<float> extract(const std::string& text) const override {
    return mean_row(is_gcnet_ ? gcnet_word_rows(*network_, *tokenizer_, text, kSummedLayers)
                              : token_rows(*network_, *tokenizer_, text, kSummedLayers));
  }

 private:
  bool is_gcnet_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<TextNetwork> network_;
  std::string maker_;
};

class Wav2vecBackbone final : public SoundExtractor {
 public:
  explicit Wav2vecBackbone(WeightSet weights)
      : maker_(fmt::format("wav2vec-{}-c", short_hash(weights.checksum()))),
        network_(std::move(weights)) {}

  [[nodiscard]] std::string maker() const override { return maker_; }

  [[nodiscard]] std::int64_t width() const override { return network_.context_width(); }

  [[nodiscard]] std::vector<float> extract(std::span<const std::int16_t> samples) const override {
    return mean_row(network_.frames(full_scale_one(samples)).context);
  }

 private:
  std::string maker_;
  Wav2vec network_;
};

class SpeechBackbone final : public SoundExtractor {
 public:
  SpeechBackbone(const fs::path& folder, const std::string& like)
      : piece_(like == "merbench" ? kMerbenchPiece : 0) {
    const auto settings = NetworkSettings::read(folder / "config.json");
    auto weights = WeightSet::open(folder);
    normalises_ =
        NetworkSettings::read(folder / "preprocessor_config.json").flag_or("do_normalize", true);
    maker_ = fmt::format("{}-{}-{}{}{}", settings.text_or("model_type", ""),
                         short_hash(weights.checksum()), piece_ > 0 ? "pieces" : "frames",
                         kSummedLayers, normalises_ ? "" : "-raw");
    network_.emplace(settings, std::move(weights));
  }

  [[nodiscard]] std::string maker() const override { return maker_; }

  [[nodiscard]] std::int64_t width() const override { return network_->width(); }

  [[nodiscard]] std::vector<float> extract(std::span<const std::int16_t> samples) const override {
    auto values = full_scale_one(samples);
    if (normalises_) values = normalised_samples(values);
    return mean_row(summed_frames(*network_, values, kSummedLayers, piece_));
  }

 private:
  std::size_t piece_;
  bool normalises_ = true;
  std::string maker_;
  std::optional<SpeechEncoder> network_;
};

std::shared_ptr<const SoundExtractor> open_sound(const BackboneFiles& files) {
  std::error_code ignored;
  if (fs::is_directory(files.sound, ignored)) {
    return std::make_shared<SpeechBackbone>(files.sound, files.like);
  }
  return std::make_shared<Wav2vecBackbone>(WeightSet::open(files.sound));
}

/// Recordings are processed in parallel already, and a forked process must not wait for threads
/// that do not exist in it. The library of the products starts none before its first product.
void use_one_thread() {
  using SetThreads = void (*)(int);
  const auto set_threads =
      reinterpret_cast<SetThreads>(::dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  if (set_threads != nullptr) set_threads(1);
}

void require_there(const char* option, const fs::path& path) {
  std::error_code ignored;
  if (path.empty() || fs::exists(path, ignored)) return;
  throw ArtifactError(fmt::format("{} {}: no such file or folder", option, path.string()),
                      "give a network as its authors distribute it (docs/recordings.md)");
}

}  // namespace

std::shared_ptr<const Backbones> open_backbones(const BackboneFiles& files) {
  if (!files.like.empty() && files.like != "gcnet" && files.like != "merbench") {
    throw ConfigError(fmt::format("--like {}: known are gcnet and merbench", files.like));
  }
  require_there("--text", files.text);
  require_there("--audio", files.sound);
  require_there("--video", files.pictures);
  use_one_thread();
  auto opened = std::make_shared<Backbones>();
  if (!files.text.empty()) {
    opened->text = is_script(files.text) ? open_script_text(files)
                                         : std::make_shared<TextBackbone>(files.text, files.like);
  }
  if (!files.sound.empty()) {
    opened->sound = is_script(files.sound) ? open_script_sound(files) : open_sound(files);
  }
  if (!files.pictures.empty()) {
    opened->pictures =
        is_script(files.pictures) ? open_script_pictures(files) : make_manet_extractor(files);
  }
  return opened;
}

}  // namespace hardy
