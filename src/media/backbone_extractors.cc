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

constexpr std::size_t kHashDigits = 12;
/// Texts that go through a network together have about so many tokens: enough for fast products.
constexpr std::size_t kTokensTogether = 256;

std::string short_hash(const std::string& checksum) { return checksum.substr(0, kHashDigits); }

/// The states that the options name, if a network of so many layers has them.
StateRange states_of(const BackboneFiles& files, std::size_t layers) {
  const StateRange range{files.first_state, files.last_state};
  const int count = static_cast<int>(layers) + 1;
  if (-count <= range.first && range.first <= range.last && range.last <= -1) return range;
  throw ConfigError(fmt::format("--layers {}..{}: the network has the states -{}..-1", range.first,
                                range.last, count));
}

/// "4" for the last four states, "8to5" for others.
std::string states_text(StateRange range) {
  return range.last == -1 ? fmt::format("{}", -range.first)
                          : fmt::format("{}to{}", -range.first, -range.last);
}

std::vector<float> full_scale_one(std::span<const std::int16_t> samples) {
  std::vector<float> values;
  values.reserve(samples.size());
  for (const std::int16_t sample : samples) values.push_back(static_cast<float>(sample) / 32768.0F);
  return values;
}

class TextBackbone final : public TextExtractor {
 public:
  explicit TextBackbone(const BackboneFiles& files) : is_gcnet_(files.like == "gcnet") {
    const auto& folder = files.text;
    const auto settings = NetworkSettings::read(folder / "config.json");
    const auto kind = settings.text_or("model_type", "");
    auto weights = WeightSet::open(folder);
    tokenizer_ = make_tokenizer(folder, kind);
    const auto checksum = short_hash(weights.checksum());
    network_ = make_text_network(settings, std::move(weights));
    states_ = states_of(files, network_->layers());
    maker_ = fmt::format("{}-{}-{}-{}{}", kind, checksum, short_hash(tokenizer_->checksum()),
                         is_gcnet_ ? "words" : "tokens", states_text(states_));
  }

  [[nodiscard]] std::string maker() const override { return maker_; }

  [[nodiscard]] std::int64_t width() const override { return network_->width(); }

  void extract(std::span<const std::string> texts, const Take& take) const override {
    std::vector<Prepared> waiting;
    std::size_t tokens = 0;
    std::size_t first = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      waiting.push_back(prepare(texts[i]));
      for (const auto& each : waiting.back().parts.sequences) tokens += each.ids.size();
      if (tokens < kTokensTogether && i + 1 < texts.size()) continue;
      finish(waiting, first, take);
      waiting.clear();
      tokens = 0;
      first = i + 1;
    }
  }

 private:
  /// A text before it goes through the network.
  struct Prepared {
    TextParts parts;
    std::string reason;  ///< why it cannot
  };

  [[nodiscard]] Prepared prepare(const std::string& text) const {
    Prepared prepared;
    try {
      prepared.parts = is_gcnet_ ? gcnet_parts(*tokenizer_, text) : whole_parts(*tokenizer_, text);
      // One that the network cannot read must not cost the others.
      for (const auto& each : prepared.parts.sequences) static_cast<void>(network_->embed(each));
    } catch (const DataError& error) {
      prepared = {{}, error.what()};
    }
    return prepared;
  }

  void finish(const std::vector<Prepared>& texts, std::size_t first, const Take& take) const {
    std::vector<TokenSequence> sequences;
    for (const auto& text : texts) {
      sequences.insert(sequences.end(), text.parts.sequences.begin(), text.parts.sequences.end());
    }
    const auto sums = network_->summed_states(sequences, states_);
    std::size_t at = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::vector<float> values;
      std::string reason = texts[i].reason;
      const auto own = std::span(sums).subspan(at, texts[i].parts.sequences.size());
      at += own.size();
      try {
        if (reason.empty()) values = mean_row(pooled_rows(texts[i].parts, own));
      } catch (const DataError& error) {
        reason = error.what();
      }
      take(first + i, std::move(values), std::move(reason));
    }
  }

  bool is_gcnet_;
  StateRange states_;
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
  explicit SpeechBackbone(const BackboneFiles& files)
      : piece_(files.like == "merbench" ? kMerbenchPiece : 0) {
    const auto& folder = files.sound;
    const auto settings = NetworkSettings::read(folder / "config.json");
    auto weights = WeightSet::open(folder);
    normalises_ =
        NetworkSettings::read(folder / "preprocessor_config.json").flag_or("do_normalize", true);
    const auto checksum = short_hash(weights.checksum());
    network_.emplace(settings, std::move(weights));
    states_ = states_of(files, network_->layers());
    maker_ = fmt::format("{}-{}-{}{}{}", settings.text_or("model_type", ""), checksum,
                         piece_ > 0 ? "pieces" : "frames", states_text(states_),
                         normalises_ ? "" : "-raw");
  }

  [[nodiscard]] std::string maker() const override { return maker_; }

  [[nodiscard]] std::int64_t width() const override { return network_->width(); }

  [[nodiscard]] std::vector<float> extract(std::span<const std::int16_t> samples) const override {
    auto values = full_scale_one(samples);
    if (normalises_) values = normalised_samples(values);
    return mean_row(summed_frames(*network_, values, states_, piece_));
  }

 private:
  std::size_t piece_;
  StateRange states_;
  bool normalises_ = true;
  std::string maker_;
  std::optional<SpeechEncoder> network_;
};

std::shared_ptr<const SoundExtractor> open_sound(const BackboneFiles& files) {
  std::error_code ignored;
  if (fs::is_directory(files.sound, ignored)) {
    return std::make_shared<SpeechBackbone>(files);
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
    opened->text =
        is_script(files.text) ? open_script_text(files) : std::make_shared<TextBackbone>(files);
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
