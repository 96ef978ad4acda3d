#include "hardy/explain.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "inference/recogniser_impl.h"

namespace hardy {
namespace {

/// Distance below which a training utterance is the explained one, in standard deviations.
constexpr double kSame = 1e-5;

PatternOutcome outcome_of(const Predictions& predictions, std::int64_t i, Pattern pattern) {
  const auto row = predictions.row(i);
  const auto place = static_cast<std::size_t>(i);
  const auto width = static_cast<std::size_t>(predictions.outputs);
  const auto raw = predictions.raw_probabilities.subspan(place * width, width);
  return {pattern,
          std::vector<float>(row.begin(), row.end()),
          std::vector<float>(raw.begin(), raw.end()),
          predictions.labels[place],
          predictions.confidence[place],
          predictions.calibrated[place] != 0};
}

/// phi_m = sum over S without m of |S|! (k - |S| - 1)! / k! (v(S + m) - v(S)), k modalities.
/// Shapes: values by pattern bits.
std::vector<double> shapley_values(const std::vector<double>& values, Pattern players, int count) {
  const int k = players.count();
  std::vector<double> factorial = {1};
  for (int i = 1; i <= k; ++i) factorial.push_back(factorial.back() * i);
  std::vector<double> shares(static_cast<std::size_t>(count), 0.0);
  for (int m = 0; m < count; ++m) {
    if (!players.has(m)) continue;
    const auto own = Pattern::only(m).bits();
    for (std::uint32_t others = 0; others < values.size(); ++others) {
      if ((others & own) != 0 || (others & ~players.bits()) != 0) continue;
      const auto size = static_cast<std::size_t>(Pattern(others).count());
      const double weight = factorial[size] * factorial[static_cast<std::size_t>(k) - size - 1] /
                            factorial[static_cast<std::size_t>(k)];
      shares[static_cast<std::size_t>(m)] += weight * (values[others | own] - values[others]);
    }
  }
  return shares;
}

/// Mean over units and heads of the attention row of one utterance.
std::vector<ModalityAttention> attention_of(const predict::Buffers& buffers,
                                            std::int64_t utterance) {
  std::vector<ModalityAttention> result;
  for (std::size_t m = 0; m < buffers.present.size(); ++m) {
    const auto& rows = buffers.present[m].rows;
    const auto found = std::find(rows.begin(), rows.end(), utterance);
    const auto n = rows.size();
    if (found == rows.end() || buffers.attention[m].size() < n * n) continue;
    const auto own = static_cast<std::size_t>(found - rows.begin());
    const std::size_t maps = buffers.attention[m].size() / (n * n);
    ModalityAttention attention{static_cast<int>(m), rows, std::vector<float>(n, 0.0F)};
    for (std::size_t map = 0; map < maps; ++map) {
      const float* row = buffers.attention[m].data() + (map * n + own) * n;
      for (std::size_t j = 0; j < n; ++j) {
        attention.weights[j] += row[j] / static_cast<float>(maps);
      }
    }
    result.push_back(std::move(attention));
  }
  return result;
}

/// Fuses the encodings of one utterance under several patterns, one row per pattern. Modalities are
/// encoded separately, so one encoding of each serves all patterns. Shapes: encoded [M D] ->
/// buffers.logits [patterns, C].
void fuse_under(const predict::NetworkView& network, const std::vector<float>& encoded,
                const std::vector<Pattern>& patterns, predict::Buffers& buffers) {
  const auto n = static_cast<std::int64_t>(patterns.size());
  const std::int64_t stacked = network.stacked();
  std::fill_n(predict::room(buffers.stacked, n * stacked), n * stacked, 0.0F);
  for (std::size_t m = 0; m < network.modalities.size(); ++m) {
    auto& rows = buffers.present[m].rows;
    rows.clear();
    const std::int64_t block = static_cast<std::int64_t>(m) * network.hidden;
    for (std::int64_t i = 0; i < n; ++i) {
      if (!patterns[static_cast<std::size_t>(i)].has(static_cast<int>(m))) continue;
      rows.push_back(i);
      std::copy_n(encoded.data() + block, network.hidden,
                  buffers.stacked.data() + i * stacked + block);
    }
  }
  predict::fuse_and_classify(network, n, buffers);
}

/// The logits of one utterance under several patterns, with the rest of its dialogue unchanged, for
/// networks without separate encodings. Shapes: -> buffers.logits [patterns, C].
void run_under(const Recogniser::Impl& model, std::span<const UtteranceView> dialogue,
               std::int64_t utterance, const std::vector<Pattern>& patterns,
               predict::Buffers& buffers) {
  std::vector<UtteranceView> views(dialogue.begin(), dialogue.end());
  const auto place = static_cast<std::size_t>(utterance);
  const std::int64_t outputs = model.network.outputs;
  const std::array<std::int64_t, 2> offsets = {0, static_cast<std::int64_t>(views.size())};
  const auto complete = Pattern::complete(static_cast<int>(model.info.modalities.size()));
  std::vector<float> all;
  for (const auto pattern : patterns) {
    views[place] = dialogue[place];
    for (std::size_t m = 0; m < model.info.modalities.size(); ++m) {
      if (!pattern.has(static_cast<int>(m))) views[place].features[m] = nullptr;
    }
    model.run_other({views, offsets, complete}, buffers);
    const auto first = buffers.logits.begin() + utterance * outputs;
    all.insert(all.end(), first, first + outputs);
  }
  std::copy(all.begin(), all.end(),
            predict::room(buffers.logits, static_cast<std::int64_t>(all.size())));
}

}  // namespace

Explainer::Explainer(Recogniser recogniser) : recogniser_(std::move(recogniser)) {
  const auto& contents = recogniser_.impl_->contents;
  if (TrainingSection::exists(contents)) {
    training_ = std::make_unique<const TrainingSection>(contents, recogniser_.info());
  }
}

Explainer::~Explainer() = default;
Explainer::Explainer(Explainer&&) noexcept = default;
Explainer& Explainer::operator=(Explainer&&) noexcept = default;

Explanation Explainer::explain(std::span<const UtteranceView> dialogue, std::int64_t utterance,
                               Workspace& workspace, std::size_t k) const {
  if (utterance < 0 || utterance >= static_cast<std::int64_t>(dialogue.size())) {
    throw ShapeError(
        fmt::format("utterance {} is not in the dialogue of {}", utterance, dialogue.size()));
  }
  PredictOptions options;
  options.keeps_attention = recogniser_.impl_->other == nullptr;
  const auto predictions = recogniser_.predict(dialogue, workspace, options);
  Explanation explanation;
  explanation.utterance = utterance;
  explanation.used = predictions.used[static_cast<std::size_t>(utterance)];
  if (explanation.used.empty()) {
    throw DataError(
        fmt::format("utterance {} has no modality; there is nothing to explain", utterance));
  }
  explanation.outcome = outcome_of(predictions, utterance, explanation.used);
  if (options.keeps_attention) {
    explanation.attention = attention_of(workspace.impl().buffers, utterance);
  }
  add_patterns(dialogue, workspace, explanation);
  if (training_ != nullptr) {
    add_similar(dialogue[static_cast<std::size_t>(utterance)], k, explanation);
  }
  return explanation;
}

void Explainer::add_patterns(std::span<const UtteranceView> dialogue, Workspace& workspace,
                             Explanation& explanation) const {
  const Recogniser::Impl& model = *recogniser_.impl_;
  const int modalities = static_cast<int>(model.info.modalities.size());
  if (explanation.used.count() > kMostExact) return;
  std::vector<Pattern> patterns = {Pattern()};
  for (const auto pattern : all_patterns(modalities)) {
    if ((pattern & explanation.used) == pattern) patterns.push_back(pattern);
  }
  auto& work = workspace.impl();
  if (model.other != nullptr) {
    run_under(model, dialogue, explanation.utterance, patterns, work.buffers);
  } else {
    const std::int64_t stacked = model.network.stacked();
    const float* row = work.buffers.stacked.data() + explanation.utterance * stacked;
    fuse_under(model.network, std::vector<float>(row, row + stacked), patterns, work.buffers);
  }
  work.used = patterns;
  const auto predictions = read_out(model, static_cast<std::int64_t>(patterns.size()), work);
  const auto label = static_cast<std::size_t>(explanation.outcome.label);
  std::vector<double> values(explanation.used.bits() + std::size_t{1}, 0.0);
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    auto outcome = outcome_of(predictions, static_cast<std::int64_t>(i), patterns[i]);
    values[patterns[i].bits()] = static_cast<double>(outcome.outputs[label]);
    if (i > 0) explanation.patterns.push_back(std::move(outcome));
  }
  explanation.baseline = values[0];
  explanation.contributions = shapley_values(values, explanation.used, modalities);
}

void Explainer::add_similar(const UtteranceView& utterance, std::size_t k,
                            Explanation& explanation) const {
  const auto& network = recogniser_.impl_->network;
  std::vector<std::vector<float>> scaled(network.modalities.size());
  std::vector<const float*> query(network.modalities.size(), nullptr);
  for (std::size_t m = 0; m < network.modalities.size(); ++m) {
    if (!explanation.used.has(static_cast<int>(m))) continue;
    const auto& modality = network.modalities[m];
    scaled[m].resize(static_cast<std::size_t>(modality.embed.in));
    predict::standardise(utterance.features[m], modality.scaling, modality.embed.in,
                         scaled[m].data());
    query[m] = scaled[m].data();
  }
  HardnessParts mean;
  double weights = 0;
  for (const auto& [row, distance] : training_->nearest(query, k + 1)) {
    HardnessParts parts;
    const bool is_measured = training_->hardness(row, explanation.used, parts);
    if (distance <= kSame && explanation.similar.empty() && !explanation.is_training_utterance) {
      explanation.is_training_utterance = true;
      if (is_measured) explanation.hardness = parts;
      continue;
    }
    if (explanation.similar.size() == k) break;
    SimilarUtterance similar{training_->id(row),
                             training_->dialogue(row),
                             training_->transcript(row),
                             training_->label(row),
                             distance,
                             {}};
    if (is_measured) {
      similar.hardness = parts;
      const double weight = 1 / std::max(distance, 1e-12);
      mean.direct += weight * parts.direct;
      mean.indirect += weight * parts.indirect;
      mean.score += weight * parts.score;
      weights += weight;
    }
    explanation.similar.push_back(std::move(similar));
  }
  if (weights == 0 || explanation.hardness) return;
  explanation.hardness = {mean.direct / weights, mean.indirect / weights, mean.score / weights};
}

}  // namespace hardy
