#include "hardy/recogniser.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/checksum.h"
#include "hardy/errors.h"
#include "inference/bundle_settings.h"
#include "inference/recogniser_impl.h"

namespace hardy {
namespace {

/// With more modalities, patterns are searched in the list instead of a table.
constexpr std::uint32_t kTableBits = kMaxModalities;

void check_finite(const BundleInfo& info, std::span<const UtteranceView> utterances) {
  for (std::size_t i = 0; i < utterances.size(); ++i) {
    for (std::size_t m = 0; m < info.modalities.size(); ++m) {
      const float* values = utterances[i].features[m];
      if (values == nullptr || predict::all_finite(values, info.modalities[m].width)) continue;
      throw DataError(fmt::format(
          "utterance {}: modality '{}' holds a value that is NaN or infinite; leave the "
          "modality out if it is missing",
          i, info.modalities[m].name));
    }
  }
}

void check_offsets(std::span<const std::int64_t> offsets, std::size_t count) {
  const bool fits = !offsets.empty() && offsets.front() == 0 &&
                    offsets.back() == static_cast<std::int64_t>(count) &&
                    std::is_sorted(offsets.begin(), offsets.end());
  if (!fits) {
    throw ShapeError(fmt::format(
        "offsets of dialogues must ascend from 0 to the number of utterances, {}", count));
  }
}

/// Finite features can still be large enough to overflow float32 in the network.
void check_answers(std::span<const float> logits, std::int64_t outputs) {
  if (predict::all_finite(logits.data(), static_cast<std::int64_t>(logits.size()))) return;
  std::int64_t i = 0;
  while (predict::all_finite(logits.data() + i * outputs, outputs)) ++i;
  throw DataError(fmt::format(
      "utterance {}: no answer can be computed, because its features or those of its dialogue are "
      "too large; give what the extractor gives that the model was trained with",
      i));
}

/// Estimates the absent modalities.
void rebuild(const predict::NetworkView& network, std::int64_t n, Workspace::Impl& workspace,
             Predictions& predictions) {
  workspace.reconstruction.resize(network.modalities.size());
  for (std::size_t m = 0; m < network.modalities.size(); ++m) {
    if (static_cast<std::int64_t>(workspace.buffers.present[m].rows.size()) == n) continue;
    auto& result = workspace.reconstruction[m];
    predict::reconstruct(network, m, n, workspace.buffers, result);
    predictions.reconstruction[m] = {
        result.data(), static_cast<std::size_t>(n * network.modalities[m].decoder.out)};
  }
}

}  // namespace

Recogniser::Impl::Impl(const std::filesystem::path& file, Residence residence, Weights weights)
    : mapped(file, residence), contents(view_tensor_file(mapped.bytes(), file.string())) {
  info = read_bundle_info(contents, file.string());
  Sha256 digest;
  for (const auto& [name, text] : contents.metadata) digest.add(name).add(text);
  digest.add(mapped.bytes().data(), std::min<std::size_t>(mapped.bytes().size(), 1 << 16));
  fingerprint = digest.hex();
  if (is_hardymer(info)) {
    network = predict::make_network(contents, "model.", info);
    if (weights == Weights::kPacked) packed.take(network, mapped, contents);
  } else {
    load_other(file.string());
  }
  for (const auto& modality : info.modalities) {
    reliability.push_back(predict::find_reliability(contents, modality));
  }
  const auto patterns = std::size_t{1} << std::min<std::size_t>(info.modalities.size(), kTableBits);
  temperatures.assign(patterns, 0.0F);
  errors.assign(patterns, 0.0F);
  for (const auto& calibration : info.calibrations) {
    temperatures[calibration.pattern.bits()] = static_cast<float>(calibration.temperature);
    errors[calibration.pattern.bits()] = static_cast<float>(calibration.expected_error);
  }
}

void Recogniser::Impl::load_other(const std::string& file) {
  try {
    network = predict::make_inputs(contents, info);
    other = predict::make_method_network(contents, info);
  } catch (Error& error) {
    if (error.kind() == ErrorKind::kArtifact) error.add_context(file);
    throw;
  }
}

Pattern UtteranceView::present() const {
  std::uint32_t bits = 0;
  for (std::size_t m = 0; m < features.size(); ++m) {
    if (features[m] != nullptr) bits |= 1U << m;
  }
  return Pattern(bits);
}

Workspace::Workspace() : impl_(std::make_unique<Impl>()) {}

Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

Recogniser Recogniser::load(const std::filesystem::path& file, Residence residence) {
  return Recogniser(std::make_shared<const Impl>(file, residence));
}

const BundleInfo& Recogniser::info() const { return impl_->info; }

const std::string& Recogniser::fingerprint() const { return impl_->fingerprint; }

Predictions Recogniser::predict(std::span<const UtteranceView> dialogue, Workspace& workspace,
                                const PredictOptions& options) const {
  const std::array<std::int64_t, 2> offsets = {0, static_cast<std::int64_t>(dialogue.size())};
  return predict(dialogue, offsets, workspace, options);
}

Predictions Recogniser::predict(std::span<const UtteranceView> utterances,
                                std::span<const std::int64_t> offsets, Workspace& workspace,
                                const PredictOptions& options) const {
  check_offsets(offsets, utterances.size());
  check_finite(impl_->info, utterances);
  if (options.keeps_attention && offsets.size() > 2) {
    throw ShapeError("attention can be kept for one dialogue at a time");
  }
  Workspace::Impl& work = workspace.impl();
  work.suspected.clear();
  if (options.set_aside_rate != 0) {
    utterances = set_aside(*impl_, utterances, offsets, options, work);
  }
  const auto n = static_cast<std::int64_t>(utterances.size());
  const auto complete = Pattern::complete(static_cast<int>(impl_->info.modalities.size()));
  work.used.clear();
  for (const auto& utterance : utterances) {
    work.used.push_back(utterance.present() & options.available & complete);
  }
  if (n == 0) return {};
  if (impl_->other != nullptr) {
    if (options.reconstructs) {
      throw ConfigError(
          fmt::format("a model of '{}' does not estimate the features of absent "
                      "modalities; ask for predictions alone",
                      stored_method(impl_->info)));
    }
    impl_->run_other({utterances, offsets, options.available}, work.buffers);
    return read_out(*impl_, n, work);
  }
  predict::run_network(impl_->network, utterances, offsets, options, work.buffers);
  Predictions predictions = read_out(*impl_, n, work);
  if (options.reconstructs) rebuild(impl_->network, n, work, predictions);
  return predictions;
}

void Recogniser::Impl::run_other(const predict::DialogueRows& rows,
                                 predict::Buffers& buffers) const {
  buffers.limited.assign(static_cast<std::size_t>(rows.count()) * info.modalities.size(), 0);
  other->run(rows, buffers);
}

Predictions read_out(const Recogniser::Impl& impl, std::int64_t n, Workspace::Impl& workspace) {
  const auto count = static_cast<std::size_t>(n);
  const auto outputs = impl.network.outputs;
  const auto width = static_cast<std::size_t>(outputs);
  check_answers({workspace.buffers.logits.data(), count * width}, outputs);
  workspace.probabilities.resize(count * width);
  workspace.raw_probabilities.resize(count * width);
  workspace.labels.resize(count);
  workspace.confidence.resize(count);
  workspace.calibrated.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const float* logits = workspace.buffers.logits.data() + i * width;
    float* shares = workspace.probabilities.data() + i * width;
    float* raw = workspace.raw_probabilities.data() + i * width;
    std::copy_n(logits, width, shares);
    const std::uint32_t bits = workspace.used[i].bits();
    const float temperature = impl.temperatures[bits];
    workspace.calibrated[i] = temperature > 0 ? 1 : 0;
    if (!impl.info.is_classification()) {
      if (impl.info.label_kind == "labels") {
        for (std::size_t t = 0; t < width; ++t) shares[t] = 1.0F / (1.0F + std::exp(-shares[t]));
      }
      std::copy_n(shares, width, raw);
      workspace.labels[i] = 0;
      workspace.confidence[i] = impl.errors[bits];
      continue;
    }
    std::copy_n(logits, width, raw);
    predict::softmax(raw, outputs, 1.0F);
    predict::softmax(shares, outputs, temperature > 0 ? 1.0F / temperature : 1.0F);
    // Both have the same order; two that the raw ones tell apart may be equal after calibration.
    workspace.labels[i] = std::max_element(raw, raw + width) - raw;
    workspace.confidence[i] = *std::max_element(shares, shares + width);
  }
  Predictions predictions;
  predictions.count = n;
  predictions.outputs = outputs;
  predictions.logits = {workspace.buffers.logits.data(), count * width};
  predictions.probabilities = workspace.probabilities;
  predictions.raw_probabilities = workspace.raw_probabilities;
  predictions.labels = workspace.labels;
  predictions.confidence = workspace.confidence;
  predictions.calibrated = workspace.calibrated;
  predictions.used = workspace.used;
  predictions.limited = workspace.buffers.limited;
  predictions.suspected = workspace.suspected;
  return predictions;
}

}  // namespace hardy
