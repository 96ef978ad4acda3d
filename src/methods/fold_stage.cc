#include "methods/fold_stage.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/numerics.h"
#include "pipeline/cpu_time.h"
#include "train/scaling.h"

namespace hardy {
namespace {

constexpr const char* kCpuSeconds = "cpu_s";
constexpr const char* kCurveStage = "curve.stage";
constexpr const char* kValidation = "validation_loss";

std::string fold_text(const Fold& fold) {
  return fmt::format("train {}\nvalidation {}", fmt::join(fold.train, " "),
                     fmt::join(fold.validation, " "));
}

/// Whether an utterance lacks a modality in the data.
bool lacks_any(const Corpus& corpus) {
  return std::any_of(corpus.modalities.begin(), corpus.modalities.end(), [](const auto& modality) {
    return std::find(modality.present.begin(), modality.present.end(), 0) != modality.present.end();
  });
}

/// CPU seconds of the stages that the current stage of this thread requested.
thread_local double inner_cpu_s = 0;

/// Computes a result and records its CPU time, without the stages that it requested.
TensorFile with_cost(const std::function<TensorFile()>& compute) {
  const double outer = inner_cpu_s;
  inner_cpu_s = 0;
  const double before = thread_cpu_s();
  TensorFile result = compute();
  const double total = thread_cpu_s() - before;
  FoldStage::set_cpu_seconds(result, total - inner_cpu_s);
  inner_cpu_s = outer + total;
  return result;
}

}  // namespace

FoldStage::FoldStage(const FoldRequest& request, int version)
    : fold_(request.fold.index),
      seed_(request.seed),
      version_(version),
      cache_(request.cache),
      costs_(request.costs) {
  base_ = fmt::format("data {}\nscaling {}\n{}\nseed {}\ndevice {}\nnumerics {}",
                      request.corpus.checksum, kScalingVersion, fold_text(request.fold),
                      request.seed, device_class(request.config.run.device), numerics_class());
  if (lacks_any(request.corpus)) {
    base_ += "\nutterances without anything to read are not trained on";
  }
}

std::string FoldStage::key_of(const std::string& stage,
                              const std::vector<std::string>& inputs) const {
  std::vector<std::string> all = {base_};
  all.insert(all.end(), inputs.begin(), inputs.end());
  return stage_key(stage, version_, all);
}

StageServices FoldStage::services(const std::string& key, const std::string& stream,
                                  TaskContext& context) const {
  StageServices services;
  services.seeds = seeds(stream);
  services.report = [&context](double done, double total) { context.report(done, total); };
  services.throw_if_stopping = [&context] { context.throw_if_stopping(); };
  services.find_checkpoint = [this, key] { return cache_.find_checkpoint(key); };
  services.store_checkpoint = [this, key](const TensorFile& state) {
    cache_.store_checkpoint(key, state);
  };
  services.checkpoint_interval_s = cache_.checkpoint_interval_s();
  return services;
}

Seeds FoldStage::seeds(const std::string& stream) const {
  const Seeds root(static_cast<std::uint64_t>(seed_));
  return Seeds(Seeds(root.key("fold", {fold_})).key(stream));
}

TensorFile FoldStage::get_or_compute(
    const StageName& name, TaskContext& context,
    const std::function<TensorFile(const StageServices&)>& compute) const {
  const auto key = key_of(name.stage, name.inputs);
  auto result = cache_.get_or_compute(
      key, [&] { return with_cost([&] { return compute(services(key, name.stream, context)); }); });
  costs_.note(key, cpu_seconds(result));
  return result;
}

void FoldStage::set_cpu_seconds(TensorFile& result, double cpu_s) {
  result.metadata[kCpuSeconds] = fmt::format("{}", cpu_s);
}

double FoldStage::cpu_seconds(const TensorFile& result) {
  const auto found = result.metadata.find(kCpuSeconds);
  if (found == result.metadata.end()) return 0;
  double value = 0;
  const auto& text = found->second;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string bits_text(const std::vector<Pattern>& patterns) {
  std::string text;
  for (const auto pattern : patterns) text += fmt::format("{} ", pattern.bits());
  return text;
}

void add_curve(TensorFile& file, const std::vector<CurvePoint>& curve) {
  if (curve.empty()) return;
  std::vector<float> values;
  std::vector<std::int64_t> places;
  for (const auto& point : curve) {
    values.push_back(static_cast<float>(point.value));
    places.push_back(point.epoch);
    places.push_back(point.name == kValidation ? 1 : 0);
  }
  const auto count = static_cast<std::int64_t>(values.size());
  file.add("curve.values", {count}, std::move(values));
  file.add("curve.places", {count, 2}, std::move(places));
  file.metadata[kCurveStage] = curve.front().stage;
}

std::vector<CurvePoint> curve_of(const TensorFile& file) {
  std::vector<CurvePoint> curve;
  if (!file.metadata.contains(kCurveStage)) return curve;
  const auto values = file.floats("curve.values");
  const auto places = file.integers("curve.places");
  for (std::size_t i = 0; i < values.size(); ++i) {
    curve.push_back({file.metadata.at(kCurveStage), places[2 * i],
                     places[2 * i + 1] == 1 ? kValidation : "train_loss",
                     static_cast<double>(values[i])});
  }
  return curve;
}

}  // namespace hardy
