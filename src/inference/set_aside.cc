// Setting modalities aside that are suspected of damage.
#include <algorithm>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "inference/recogniser_impl.h"

namespace hardy {

void check_set_aside_rate(const Recogniser::Impl& impl, double rate) {
  if (!(rate > 0 && rate < 1)) {
    throw ConfigError(fmt::format(
        "a rate of false alarms of {} cannot be promised; give one between 0 and 1, e.g. 0.01",
        rate));
  }
  bool has_any = false;
  for (std::size_t m = 0; m < impl.reliability.size(); ++m) {
    const auto& view = impl.reliability[m];
    if (view.directions == 0) continue;
    has_any = true;
    const double smallest = predict::smallest_rate(view);
    if (rate >= smallest) continue;
    throw ConfigError(fmt::format(
        "a rate of false alarms of {} cannot be promised for '{}': its validation utterances are "
        "too few; the smallest possible is {:.3g}",
        rate, impl.info.modalities[m].name, smallest));
  }
  if (has_any) return;
  throw ArtifactError(
      "the model stores no reliability estimate, so nothing can be set aside: it was trained by an "
      "older hardy, converted, or without a validation part; train it again");
}

JudgedModalities judge_modalities(const Recogniser::Impl& impl, const UtteranceView& utterance,
                                  const std::array<const float*, kMaxModalities>& previous,
                                  const PredictOptions& options, std::vector<float>& scratch) {
  const auto complete = Pattern::complete(static_cast<int>(impl.info.modalities.size()));
  JudgedModalities judged;
  judged.in_use = utterance.present() & options.available & complete;
  Pattern best;
  double most = -1;
  for (std::size_t m = 0; m < impl.reliability.size(); ++m) {
    const Pattern own(std::uint32_t{1} << m);
    if (!judged.in_use.has(static_cast<int>(m))) continue;
    const auto& view = impl.reliability[m];
    double reliability = 1;
    if (view.directions > 0) {
      const auto& scaling = impl.network.modalities[m].scaling;
      float* z = predict::room(scratch, 2 * view.width);
      float* before = previous[m] == nullptr ? nullptr : z + view.width;
      predict::standardise(utterance.features[m], scaling, view.width, z);
      if (before != nullptr) predict::standardise(previous[m], scaling, view.width, before);
      reliability = predict::reliability_of(view, predict::strangeness_of(view, z, before));
    }
    if (reliability <= options.set_aside_rate) {
      judged.suspected = Pattern(judged.suspected.bits() | own.bits());
    }
    if (reliability <= most) continue;
    most = reliability;
    best = own;
  }
  judged.remaining = Pattern(judged.in_use.bits() & ~judged.suspected.bits());
  if (judged.remaining.empty()) judged.remaining = best;
  return judged;
}

std::span<const UtteranceView> set_aside(const Recogniser::Impl& impl,
                                         std::span<const UtteranceView> utterances,
                                         std::span<const std::int64_t> offsets,
                                         const PredictOptions& options,
                                         Workspace::Impl& workspace) {
  check_set_aside_rate(impl, options.set_aside_rate);
  workspace.kept.assign(utterances.begin(), utterances.end());
  workspace.suspected.assign(utterances.size(), Pattern());
  for (std::size_t d = 0; d + 1 < offsets.size(); ++d) {
    std::array<const float*, kMaxModalities> previous{};
    for (auto i = offsets[d]; i < offsets[d + 1]; ++i) {
      const auto place = static_cast<std::size_t>(i);
      const UtteranceView& utterance = utterances[place];
      const auto judged = judge_modalities(impl, utterance, previous, options, workspace.judged);
      workspace.suspected[place] = judged.suspected;
      for (std::size_t m = 0; m < impl.info.modalities.size(); ++m) {
        if (!judged.in_use.has(static_cast<int>(m))) continue;
        previous[m] = utterance.features[m];
        if (!judged.remaining.has(static_cast<int>(m))) workspace.kept[place].features[m] = nullptr;
      }
    }
  }
  return workspace.kept;
}

}  // namespace hardy
