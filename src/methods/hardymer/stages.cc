#include "methods/hardymer/stages.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/checksum.h"
#include "base/scratch_array.h"
#include "hardy/errors.h"
#include "methods/hardymer/estimate_hardness.h"
#include "methods/hardymer/score.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer/tune_features.h"

namespace hardy {
namespace {

/// The inputs of a stage with those that a variant adds.
std::vector<std::string> with(std::vector<std::string> inputs,
                              const std::vector<std::string>& further) {
  inputs.insert(inputs.end(), further.begin(), further.end());
  return inputs;
}

/// The supports themselves instead of the settings behind them: settings with equal supports share
/// the fits.
std::string supports_text(const CurriculumPlan& plan) {
  Sha256 digest;
  for (const auto& supports : plan.supports) {
    for (const auto& list : supports.of) {
      const auto count = static_cast<std::int64_t>(list.size());
      digest.add(&count, sizeof count);
      digest.add(list.data(), list.size() * sizeof(list[0]));
    }
  }
  return digest.hex();
}

/// Use of supports, as part of a key.
std::string supports_mode(const RetrievalConfig& retrieval) {
  if (retrieval.supports != SupportUse::kMix) return std::string(word_of(retrieval.supports));
  return fmt::format("mix {} {} of {}", retrieval.mix_rate, retrieval.mix_share, retrieval.k);
}

/// Adds the recall of the list search to its result.
void add_search_reports(const std::vector<ListSearchReport>& reports, TensorFile& file) {
  if (reports.empty()) return;
  std::vector<std::int64_t> counts;
  std::vector<float> recalls;
  for (const auto& report : reports) {
    counts.insert(counts.end(), {report.rows, report.lists, report.probes, report.queries});
    recalls.push_back(static_cast<float>(report.recall));
  }
  const auto modalities = static_cast<std::int64_t>(reports.size());
  file.add("search.counts", {modalities, 4}, std::move(counts));
  file.add("search.recalls", {modalities}, std::move(recalls));
}

std::vector<ListSearchReport> search_reports(const TensorFile& file) {
  std::vector<ListSearchReport> reports;
  if (!file.arrays.contains("search.counts")) return reports;
  const auto counts = file.integers("search.counts");
  const auto recalls = file.floats("search.recalls");
  for (std::size_t m = 0; m < recalls.size(); ++m) {
    reports.push_back({counts[4 * m], counts[4 * m + 1], counts[4 * m + 2], counts[4 * m + 3],
                       static_cast<double>(recalls[m])});
  }
  return reports;
}

std::int64_t numbers_of(const FeatureTable& table) {
  std::int64_t numbers = 0;
  for (const auto& features : table.features) numbers += features.size(0) * features.size(1);
  return numbers;
}

/// A tensor in a scratch file, which lives as long as the tensor.
at::Tensor scratch_tensor(const std::filesystem::path& folder, std::int64_t rows,
                          std::int64_t width) {
  const auto array = std::make_shared<ScratchArray>(folder, static_cast<std::size_t>(rows * width));
  return at::from_blob(
      array->values().data(), {rows, width}, [array](void*) {}, at::TensorOptions(at::kFloat));
}

/// The training rows of each modality as retrieval reads them: in place, scaled when they are read.
class RetrievalRows {
 public:
  RetrievalRows(const FeatureTable& table, const std::vector<std::int64_t>& train,
                const std::vector<Metric>& metrics) {
    for (std::size_t m = 0; m < table.features.size(); ++m) {
      const auto& features = table.features[m];
      const auto& scaling = features.scaling();
      views_.push_back({numbers_of(features.stored()),
                        features.size(1),
                        metrics[m],
                        train,
                        {numbers_of(scaling.mean), numbers_of(scaling.deviation),
                         numbers_of(scaling.lowest), numbers_of(scaling.highest)}});
    }
  }

  [[nodiscard]] const std::vector<DatabaseView>& views() const { return views_; }

 private:
  /// In the memory of the processor, without a copy where they are there already.
  std::span<const float> numbers_of(const at::Tensor& tensor) {
    if (!tensor.defined()) return {};
    const auto& kept = tensors_.emplace_back(tensor.to(at::kCPU).contiguous());
    return {kept.data_ptr<float>(), static_cast<std::size_t>(kept.numel())};
  }

  std::vector<at::Tensor> tensors_;  ///< own what the views show
  std::vector<DatabaseView> views_;
};

bool is_named_like_text(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  constexpr std::array kBeginnings = {"text", "word", "transcript", "language"};
  return name.find("bert") != std::string::npos ||
         std::any_of(kBeginnings.begin(), kBeginnings.end(),
                     [&](const char* beginning) { return name.starts_with(beginning); });
}

}  // namespace

std::vector<Metric> retrieval_metrics(const std::vector<std::string>& modality_names,
                                      const std::string& setting) {
  const auto parse = [&](const std::string& text) {
    if (text == "l2") return Metric::kL2;
    if (text == "cosine") return Metric::kCosine;
    throw ConfigError(fmt::format("retrieval.metric: '{}' is no metric; use l2 or cosine", text));
  };
  if (setting == "l2" || setting == "cosine") {
    return std::vector<Metric>(modality_names.size(), parse(setting));
  }
  std::vector<Metric> metrics;
  for (const auto& name : modality_names) {
    metrics.push_back(is_named_like_text(name) ? Metric::kCosine : Metric::kL2);
  }
  if (setting == "auto") return metrics;
  std::size_t start = 0;
  while (start < setting.size()) {
    const auto end = std::min(setting.find(',', start), setting.size());
    const auto word = setting.substr(start, end - start);
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    const auto found = std::find(modality_names.begin(), modality_names.end(), name);
    if (equals == std::string::npos || found == modality_names.end()) {
      throw ConfigError(
          fmt::format("retrieval.metric: '{}' is not of the form modality=metric with a modality "
                      "of this corpus "
                      "({})",
                      word, fmt::join(modality_names, ", ")));
    }
    metrics[static_cast<std::size_t>(found - modality_names.begin())] =
        parse(word.substr(equals + 1));
    start = end + 1;
  }
  return metrics;
}

CurriculumPlan Curriculum::plan_for(const std::vector<Pattern>& wanted) const {
  CurriculumPlan plan;
  plan.patterns = wanted;
  if (supports.empty()) return plan;
  for (const auto pattern : wanted) {
    const auto found = std::find(patterns.begin(), patterns.end(), pattern);
    check(found != patterns.end(), "no curriculum for this pattern");
    plan.supports.push_back(supports[static_cast<std::size_t>(found - patterns.begin())]);
  }
  return plan;
}

FoldStages::FoldStages(const FoldData& data, const Config& config, const FoldStage& stage,
                       const HardyMerSeams& seams, std::int64_t largest_in_memory)
    : data_(data),
      config_(config),
      settings_(hardymer_settings(config)),
      stage_(stage),
      seams_(seams),
      is_large_(numbers_of(data.table) > largest_in_memory) {}

std::string FoldStages::tuning_settings() const {
  std::string text = config_section_toml(config_, {"hardymer.tuning"});
  for (const auto& input : seams_.key_inputs(KeyedStage::kTuning)) text += input;
  return text;
}

std::string FoldStages::pretraining_settings() const {
  return complete_stage_settings(config_) +
         (settings_.recogniser.input == FeatureKind::kTuned ? tuning_settings() : "");
}

TensorFile FoldStages::own_tuned_file(const std::string& stage, TaskContext& context) const {
  const auto wanted = is_large_ ? TunedResult::kNothing : TunedResult::kFeatures;
  return stage_.get_or_compute({wanted == TunedResult::kFeatures ? stage : "tune.nets only",
                                {config_section_toml(config_, {"hardymer.tuning"})},
                                "tune"},
                               context, [&](const auto& services) {
                                 return tune_features(data_, settings_.tuning, services, wanted);
                               });
}

TensorFile FoldStages::tuned_file(TaskContext& context) const {
  if (auto shared = seams_.shared_tuning(data_, context)) return std::move(*shared);
  return own_tuned_file("tune", context);
}

void FoldStages::add_tuning_nets(TensorFile& model, TaskContext& context) const {
  check(!seams_.shares_tuning(), "the nets of a shared tuning belong to no fold");
  TensorFile file = own_tuned_file("tune", context);
  // A cache entry of an older version has the features without the nets.
  if (!has_tuning_nets(file)) file = own_tuned_file("tune.nets", context);
  copy_tuning_nets(file, model);
}

FeatureTable FoldStages::tuned_features(TaskContext& context) const {
  const TensorFile tuned = tuned_file(context);
  if (!is_large_ || seams_.shares_tuning()) return tuned_table(data_, tuned);
  // The nets are kept; their output is mapped again by who needs it, which takes one pass.
  return mapped_by_nets(*data_.corpus, data_.table, tuned, [&](std::size_t m) {
    const auto& features = data_.table.features[m];
    return scratch_tensor(stage_.scratch_folder(), features.size(0), features.size(1));
  });
}

TensorFile FoldStages::hardness_file(const std::vector<Pattern>& patterns,
                                     TaskContext& context) const {
  return stage_.get_or_compute({"hardness",
                                with({estimator_settings(config_), bits_text(patterns)},
                                     seams_.key_inputs(KeyedStage::kHardness)),
                                "hardness"},
                               context, [&](const auto& services) {
                                 return estimate_hardness(data_, settings_.hardness, patterns,
                                                          services, seams_);
                               });
}

TensorFile FoldStages::neighbour_file(const std::vector<Pattern>& patterns,
                                      TaskContext& context) const {
  const bool is_tuned = settings_.retrieval.database == FeatureKind::kTuned;
  const bool has_lists = settings_.retrieval.index == RetrievalIndex::kLists;
  const auto metrics =
      retrieval_metrics(data_.corpus->modality_names(), settings_.retrieval.metric);
  std::string metric_text;  // what `auto` stands for may change with a version
  for (const auto metric : metrics) metric_text += metric == Metric::kCosine ? " cosine" : " l2";
  const StageName name = {"neighbours",
                          with({bits_text(patterns),
                                fmt::format("k {} metrics{}{}", settings_.retrieval.k, metric_text,
                                            has_lists ? " lists" : ""),
                                is_tuned ? tuning_settings() : "plain"},
                               seams_.key_inputs(KeyedStage::kNeighbours)),
                          "neighbours"};
  return stage_.get_or_compute(name, context, [&](const auto& /*services*/) {
    const FeatureTable table = is_tuned ? tuned_features(context) : data_.table;
    const RetrievalRows rows(table, data_.train, metrics);
    std::vector<Pattern> present;
    for (const auto u : data_.train) present.push_back(table.present[static_cast<std::size_t>(u)]);
    const NeighbourSearch search(rows.views(), std::move(present), settings_.retrieval.k,
                                 has_lists ? SearchKind::kLists : SearchKind::kExact,
                                 [&] { context.throw_if_stopping(); });
    TensorFile result;
    add_search_reports(search.reports(), result);
    for (const auto pattern : patterns) {
      auto found = seams_.neighbours(search, pattern, data_.corpus->modality_names());
      const auto n = static_cast<std::int64_t>(data_.train.size());
      const auto bits = std::to_string(pattern.bits());
      result.add("ids." + bits, {n, found.k}, std::move(found.ids));
      result.add("distances." + bits, {n, found.k}, std::move(found.distances));
      result.add("counts." + bits, {n}, std::move(found.counts));
      context.throw_if_stopping();
    }
    return result;
  });
}

Curriculum FoldStages::curriculum(const std::vector<Pattern>& patterns,
                                  TaskContext& context) const {
  Curriculum result;
  result.patterns = patterns;
  if (!settings_.retrieves()) return result;
  const auto n = data_.train.size();
  std::vector<float> direct(patterns.size() * n, 0.0F);
  result.indirect.assign(n, 0.0F);
  if (settings_.uses_hardness()) {
    const auto hardness = hardness_file(patterns, context);
    const auto values = hardness.floats("direct");
    direct.assign(values.begin(), values.end());
    const auto shared = hardness.floats("indirect");
    result.indirect.assign(shared.begin(), shared.end());
  }
  const auto found = neighbour_file(patterns, context);
  result.searches = search_reports(found);
  for (std::size_t p = 0; p < patterns.size(); ++p) {
    const auto first = direct.begin() + static_cast<std::ptrdiff_t>(p * n);
    result.direct.emplace_back(first, first + static_cast<std::ptrdiff_t>(n));
    result.score.push_back(
        seams_.score(data_, result.direct[p], result.indirect, settings_.hardness));
    add_supports(found, p, result);
  }
  return result;
}

void FoldStages::add_supports(const TensorFile& found, std::size_t pattern,
                              Curriculum& result) const {
  NeighbourTable table;
  const auto name = std::to_string(result.patterns[pattern].bits());
  table.k = settings_.retrieval.k;
  for (const auto id : found.integers("ids." + name)) table.ids.push_back(id);
  for (const auto count : found.integers("counts." + name)) table.counts.push_back(count);
  const auto distances = found.floats("distances." + name);
  table.distances.assign(distances.begin(), distances.end());
  auto supports = choose_supports(result.score[pattern], table);
  seams_.settle_supports(supports, table);
  result.supports.push_back(std::move(supports));
  result.distances.push_back(std::move(table.distances));
}

FoldData FoldStages::input_data(TaskContext& context) const {
  FoldData input = data_;
  if (settings_.recogniser.input == FeatureKind::kTuned) input.table = tuned_features(context);
  return input;
}

TensorFile FoldStages::pretrained(TaskContext& context) const {
  return stage_.get_or_compute(
      {"pretrain", {pretraining_settings()}, "pretrain"}, context, [&](const auto& services) {
        return pretrain_recogniser(input_data(context), settings_.recogniser, services);
      });
}

TensorFile FoldStages::fit(const std::vector<Pattern>& trained, const Curriculum& curriculum,
                           TaskContext& context) const {
  const auto plan = curriculum.plan_for(trained);
  std::string recogniser = config_section_toml(config_, {"hardymer.recogniser"});
  if (settings_.recogniser.input == FeatureKind::kTuned) recogniser += tuning_settings();
  const StageName name = {
      "fit",
      with({bits_text(trained), recogniser,
            fmt::format("supports {} label {} selection {}", supports_mode(settings_.retrieval),
                        word_of(settings_.retrieval.support_label),
                        word_of(config_.protocol.selection)),
            supports_text(plan)},
           seams_.key_inputs(KeyedStage::kFit)),
      "fit " + bits_text(trained)};
  return stage_.get_or_compute(name, context, [&](const auto& services) {
    const auto input = input_data(context);
    const auto result =
        train_recogniser(input, config_, pretrained(context), plan, services, seams_);
    TensorFile file = result.model;
    seams_.settle_fit(*this, trained, file, context);
    add_curve(file, result.curve);
    return file;
  });
}

}  // namespace hardy
