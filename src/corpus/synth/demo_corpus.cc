#include "corpus/synth/demo_corpus.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include "base/checksum.h"
#include "base/random.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

/// Probability that the other speaker takes the next turn.
constexpr double kTurnChange = 0.75;

/// Draws emotions with shares close to the requested ones although runs are long.
class EmotionChain {
 public:
  explicit EmotionChain(const DemoOptions& options)
      : options_(options), counts_(options.class_shares.size()) {
    const double sum =
        std::accumulate(options.class_shares.begin(), options.class_shares.end(), 0.0);
    for (const double share : options.class_shares) shares_.push_back(share / sum);
  }

  void begin_dialogue() { last_ = {}; }

  /// The emotion of the next utterance, by speaker 0 or 1 of the dialogue.
  std::size_t draw(std::size_t speaker, Generator& generator) {
    const double chance = draw_unit(generator);
    const auto& own = last_[speaker];
    const auto& other = last_[1 - speaker];
    std::size_t emotion = 0;
    if (own && chance < options_.inertia) {
      emotion = *own;
    } else if (other && chance >= options_.inertia &&
               chance < options_.inertia + options_.contagion) {
      emotion = *other;
    } else {
      emotion = draw_fresh(generator);
    }
    last_[speaker] = emotion;
    counts_[emotion] += 1;
    total_ += 1;
    return emotion;
  }

 private:
  /// A class with probability proportional to its deficit (never 0 or 1).
  std::size_t draw_fresh(Generator& generator) const {
    constexpr double kSlack = 40;  // utterances; a larger value lets shares vary more
    std::vector<double> weights;
    double sum = 0;
    for (std::size_t c = 0; c < shares_.size(); ++c) {
      const double wanted = shares_[c] * (total_ + kSlack);
      weights.push_back(std::max(0.05 * kSlack * shares_[c], wanted - counts_[c]));
      sum += weights.back();
    }
    double place = draw_unit(generator) * sum;
    for (std::size_t c = 0; c + 1 < weights.size(); ++c) {
      if (place < weights[c]) return c;
      place -= weights[c];
    }
    return weights.size() - 1;
  }

  const DemoOptions& options_;
  std::vector<double> shares_;
  std::vector<double> counts_;
  double total_ = 0;
  std::array<std::optional<std::size_t>, 2> last_;  ///< last emotion of each speaker
};

void require_count(const char* name, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value >= low && value <= high) return;
  throw ConfigError(
      fmt::format("demonstration corpus: {} = {}; it must lie in {}..{}", name, value, low, high));
}

void validate(const DemoOptions& options) {
  require_count("sessions", options.sessions, 1, 1000);
  require_count("dialogues_per_session", options.dialogues_per_session, 1, 10000);
  require_count("min_utterances", options.min_utterances, 1, 1000);
  require_count("max_utterances", options.max_utterances, options.min_utterances, 1000);
  if (options.class_names.size() < 2 || options.class_names.size() != options.class_shares.size()) {
    throw ConfigError(
        fmt::format("demonstration corpus: {} class names and {} class shares; give the same "
                    "number of both, at least 2",
                    options.class_names.size(), options.class_shares.size()));
  }
  for (const double share : options.class_shares) {
    if (share > 0 && std::isfinite(share)) continue;
    throw ConfigError(fmt::format(
        "demonstration corpus: a class share is {}; every share must be positive", share));
  }
  if (!(options.inertia >= 0 && options.contagion >= 0 &&
        options.inertia + options.contagion < 1)) {
    throw ConfigError(
        fmt::format("demonstration corpus: inertia {} and contagion {} must not be negative and "
                    "their sum must be below 1",
                    options.inertia, options.contagion));
  }
}

/// A speaker's name in the form of IEMOCAP.
std::string speaker_name(const std::string& group, std::size_t speaker) {
  return group + (speaker == 0 ? "_F" : "_M");
}

void add_dialogue(Corpus& corpus, const DemoOptions& options, Dialogue dialogue,
                  EmotionChain& chain) {
  const Seeds seeds(options.features.seed);
  const auto number = static_cast<std::int64_t>(corpus.dialogues.size());
  Generator generator = seeds.stream("turns", {number});
  dialogue.first = corpus.size();
  dialogue.count = options.min_utterances +
                   draw_index(generator, options.max_utterances - options.min_utterances + 1);
  std::array<int, 2> turns{};
  auto speaker = static_cast<std::size_t>(draw_index(generator, 2));
  chain.begin_dialogue();
  for (std::int64_t position = 0; position < dialogue.count; ++position) {
    Utterance utterance;
    utterance.id =
        fmt::format("{}_{}{:03}", dialogue.id, speaker == 0 ? 'F' : 'M', turns[speaker]++);
    utterance.dialogue = number;
    utterance.position = position;
    utterance.speaker = speaker_name(dialogue.group, speaker);
    utterance.label = static_cast<float>(chain.draw(speaker, generator));
    corpus.utterances.push_back(std::move(utterance));
    if (draw_unit(generator) < kTurnChange) speaker = 1 - speaker;
  }
  corpus.dialogues.push_back(std::move(dialogue));
}

}  // namespace

std::vector<DemoModality> demo_modalities() {
  return {{"acoustic", 48, 0.70}, {"textual", 64, 0.77}, {"visual", 32, 0.57}};
}

std::vector<DemoModality> published_modalities() {
  return {{"acoustic", 512, 0.70}, {"textual", 1024, 0.77}, {"visual", 1024, 0.57}};
}

std::vector<DemoModality> spread_modalities(int count) {
  if (count < 2 || count > kMaxModalities) {
    throw ConfigError(
        fmt::format("demonstration corpus: {} modalities; between 2 and {} are possible", count,
                    kMaxModalities));
  }
  if (count == 3) return demo_modalities();
  std::vector<DemoModality> modalities;
  for (int m = 0; m < count; ++m) {
    modalities.push_back({fmt::format("m{}", m + 1), 48, 0.77 - 0.20 * m / (count - 1)});
  }
  return modalities;
}

Corpus make_demo_labels(const DemoOptions& options) {
  validate(options);
  Corpus corpus;
  corpus.name = "demonstration";
  corpus.class_names = options.class_names;
  EmotionChain chain(options);
  for (std::int64_t session = 1; session <= options.sessions; ++session) {
    for (std::int64_t number = 1; number <= options.dialogues_per_session; ++number) {
      Dialogue dialogue;
      dialogue.group = fmt::format("Ses{:02}", session);
      dialogue.id = fmt::format("{}_demo{:02}", dialogue.group, number);
      add_dialogue(corpus, options, std::move(dialogue), chain);
    }
  }
  return corpus;
}

void name_demo_corpus(Corpus& corpus, std::uint64_t seed) {
  corpus.name = "demonstration (synthetic)";
  corpus.source = fmt::format("embedded demonstration corpus, seed {}", seed);
}

Corpus make_demo_corpus(const DemoOptions& options) {
  Corpus corpus = draw_features(make_demo_labels(options), options.features);
  name_demo_corpus(corpus, options.features.seed);
  return corpus;
}

}  // namespace hardy
