#include "hardy/stream.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "inference/recogniser_impl.h"

namespace hardy {

DialogueStream::DialogueStream(Recogniser recogniser)
    : recogniser_(std::move(recogniser)), kept_(recogniser_.info().modalities.size()) {}

void DialogueStream::add_modality(std::size_t m, const UtteranceView& turn, Workspace& workspace) {
  const auto& network = recogniser_.impl_->network;
  const auto& modality = network.modalities[m];
  auto& buffers = workspace.impl().buffers;
  Kept& kept = kept_[m];
  const std::int64_t width = network.hidden;
  const std::int64_t before = static_cast<std::int64_t>(kept.positions.size());
  kept.positions.push_back(turns_);
  kept.speakers.push_back(turn.speaker);
  float* input = predict::room(buffers.input, modality.embed.in);
  buffers.limited[m] =
      predict::standardise(turn.features[m], modality.scaling, modality.embed.in, input);
  predict::transform_input(modality, {input, modality.embed.in}, 1, buffers);
  kept.embedded.resize(static_cast<std::size_t>((before + 1) * width));
  const predict::Rows embedded = {kept.embedded.data() + before * width, width};
  predict::linear({input, modality.embed.in}, 1, modality.embed, embedded, false);
  kept.qkv.resize(static_cast<std::size_t>((before + 1) * 3 * width));
  predict::project_first_unit(network, modality, predict::constant(embedded), 1,
                              {kept.qkv.data() + before * 3 * width, 3 * width}, buffers);

  predict::ModalityRows& rows = buffers.present[m];
  rows.positions.assign(kept.positions.begin(), kept.positions.end());
  rows.speakers.assign(kept.speakers.begin(), kept.speakers.end());
  rows.rows.resize(kept.positions.size());  // only their number matters inside the units
  rows.offsets.assign({0, before + 1});
  std::copy(kept.embedded.begin(), kept.embedded.end(),
            predict::room(buffers.state, (before + 1) * width));
  predict::run_units(network, modality, {rows, before, kept.qkv.data(), nullptr}, buffers);
  std::copy_n(buffers.state.data() + before * width, width,
              buffers.stacked.data() + static_cast<std::int64_t>(m) * width);
  rows.rows.assign(1, 0);  // only the new turn is fused
}

Predictions DialogueStream::add_turn(const UtteranceView& turn, Workspace& workspace,
                                     const PredictOptions& options) {
  workspace.impl().suspected.clear();
  if (options.set_aside_rate == 0) return add_kept_turn(turn, workspace, options);
  const auto kept = set_aside_of(turn, workspace, options);
  const auto predictions = add_kept_turn(kept, workspace, options);
  for (std::size_t m = 0; m < last_.size(); ++m) {  // a refused turn leaves no trace
    const bool is_judged =
        options.available.has(static_cast<int>(m)) && turn.features[m] != nullptr;
    if (!is_judged) continue;
    const auto width = recogniser_.info().modalities[m].width;
    last_[m].assign(turn.features[m], turn.features[m] + width);
  }
  return predictions;
}

Predictions DialogueStream::add_kept_turn(const UtteranceView& turn, Workspace& workspace,
                                          const PredictOptions& options) {
  const BundleInfo& info = recogniser_.info();
  const auto& network = recogniser_.impl_->network;
  const Pattern used = turn.present() & options.available &
                       Pattern::complete(static_cast<int>(info.modalities.size()));
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    if (!used.has(static_cast<int>(m))) continue;
    if (!predict::all_finite(turn.features[m], info.modalities[m].width)) {
      throw DataError(fmt::format(
          "turn {}: modality '{}' holds a value that is NaN or infinite; leave the modality out if "
          "it is missing",
          turns_, info.modalities[m].name));
    }
  }
  if (recogniser_.impl_->other != nullptr) return add_whole_turn(turn, used, workspace);
  auto& work = workspace.impl();
  work.buffers.present.resize(info.modalities.size());
  work.buffers.limited.assign(info.modalities.size(), 0);
  std::fill_n(predict::room(work.buffers.stacked, network.stacked()), network.stacked(), 0.0F);
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    work.buffers.present[m].rows.clear();
    if (used.has(static_cast<int>(m))) add_modality(m, turn, workspace);
  }
  predict::fuse_and_classify(network, 1, work.buffers);
  work.used.assign(1, used);
  try {
    const auto predictions = read_out(*recogniser_.impl_, 1, work);
    ++turns_;
    return predictions;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    // Later turns must not depend on a refused one.
    for (std::size_t m = 0; m < info.modalities.size(); ++m) {
      if (used.has(static_cast<int>(m))) kept_[m].forget_last(network.hidden);
    }
    throw DataError(fmt::format(
        "turn {}: no answer can be computed, because its features are too large; give what the "
        "extractor gives that the model was trained with",
        turns_));
  }
}

UtteranceView DialogueStream::set_aside_of(const UtteranceView& turn, Workspace& workspace,
                                           const PredictOptions& options) {
  const Recogniser::Impl& model = *recogniser_.impl_;
  check_set_aside_rate(model, options.set_aside_rate);
  const auto count = model.info.modalities.size();
  last_.resize(count);
  std::array<const float*, kMaxModalities> previous{};
  for (std::size_t m = 0; m < count; ++m) {
    if (!last_[m].empty()) previous[m] = last_[m].data();
  }
  auto& work = workspace.impl();
  const auto judged = judge_modalities(model, turn, previous, options, work.judged);
  work.suspected.assign(1, judged.suspected);
  UtteranceView kept = turn;
  for (std::size_t m = 0; m < count; ++m) {
    if (!judged.remaining.has(static_cast<int>(m))) kept.features[m] = nullptr;
  }
  return kept;
}

Predictions DialogueStream::add_whole_turn(const UtteranceView& turn, Pattern used,
                                           Workspace& workspace) {
  const Recogniser::Impl& model = *recogniser_.impl_;
  const auto& modalities = model.info.modalities;
  if (!model.other->reads_context()) earlier_.clear();
  KeptTurn& own = earlier_.emplace_back();
  own.speaker = turn.speaker;
  own.features.resize(modalities.size());
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    if (!used.has(static_cast<int>(m))) continue;
    own.features[m].assign(turn.features[m], turn.features[m] + modalities[m].width);
  }
  std::vector<UtteranceView> views(earlier_.size());
  for (std::size_t t = 0; t < views.size(); ++t) {
    views[t].speaker = earlier_[t].speaker;
    for (std::size_t m = 0; m < modalities.size(); ++m) {
      const auto& values = earlier_[t].features[m];
      views[t].features[m] = values.empty() ? nullptr : values.data();
    }
  }
  auto& work = workspace.impl();
  const std::array<std::int64_t, 2> offsets = {0, static_cast<std::int64_t>(views.size())};
  const auto complete = Pattern::complete(static_cast<int>(modalities.size()));
  model.run_other({views, offsets, complete}, work.buffers);
  // Only the last turn is returned.
  const auto before = static_cast<std::int64_t>(views.size()) - 1;
  const std::int64_t outputs = model.network.outputs;
  auto& logits = work.buffers.logits;
  std::copy_n(logits.begin() + before * outputs, outputs, logits.begin());
  auto& limited = work.buffers.limited;
  const auto width = static_cast<std::int64_t>(modalities.size());
  std::copy_n(limited.begin() + before * width, width, limited.begin());
  limited.resize(modalities.size());
  work.used.assign(1, used);
  try {
    const auto predictions = read_out(model, 1, work);
    ++turns_;
    return predictions;
  } catch (Error& error) {
    earlier_.pop_back();
    error.add_context(fmt::format("turn {}", turns_));
    throw;
  }
}

void DialogueStream::Kept::forget_last(std::int64_t width) {
  positions.pop_back();
  speakers.pop_back();
  const std::size_t floats = positions.size() * static_cast<std::size_t>(width);
  embedded.resize(floats);
  qkv.resize(3 * floats);
}

std::int64_t DialogueStream::bytes() const {
  std::size_t floats = 0;
  std::size_t integers = 0;
  for (const auto& kept : kept_) {
    floats += kept.embedded.capacity() + kept.qkv.capacity();
    integers += kept.positions.capacity() + kept.speakers.capacity();
  }
  for (const auto& turn : earlier_) {
    for (const auto& values : turn.features) floats += values.capacity();
    ++integers;
  }
  return static_cast<std::int64_t>(floats * sizeof(float) + integers * sizeof(std::int64_t));
}

}  // namespace hardy
