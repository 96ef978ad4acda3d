#include "methods/network.h"

#include <torch/types.h>

#include "train/recogniser_data.h"

namespace hardy {
namespace {

/// Training utterances (indices into FoldData::train) as the rows of one segment.
BatchPlan utterance_plan(const FoldData& data, const std::vector<std::int64_t>& items) {
  BatchPlan plan;
  for (const auto item : items) {
    const auto utterance = data.train[static_cast<std::size_t>(item)];
    const auto u = static_cast<std::size_t>(utterance);
    plan.rows.push_back({utterance, data.corpus->utterances[u].position, data.table.speakers[u],
                         Pattern::complete(data.table.modality_count())});
  }
  plan.close_dialogue();
  return plan;
}

/// Gives every row a pattern of its own.
void draw_patterns(BatchPlan& plan, const std::vector<Pattern>& patterns, Generator& draws) {
  const auto count = static_cast<std::int64_t>(patterns.size());
  for (auto& row : plan.rows) {
    const auto drawn = count > 1 ? draw_index(draws, count) : 0;
    row.pattern = patterns[static_cast<std::size_t>(drawn)];
  }
}

}  // namespace

std::vector<CurvePoint> train_network(const FoldData& data, ParameterSet& parameters,
                                      const NetworkStage& stage, const StageServices& services) {
  const bool by_dialogue = stage.unit == BatchUnit::kDialogues;
  EpochLoopOptions loop = stage.loop;
  loop.items = static_cast<std::int64_t>(by_dialogue ? data.fold.train.size() : data.train.size());
  const auto run_batch = [&](const std::vector<std::int64_t>& items, BatchStreams& streams,
                             const auto& update) {
    BatchPlan plan = by_dialogue ? training_plan(data, items, stage.patterns.front())
                                 : utterance_plan(data, items);
    draw_patterns(plan, stage.patterns, streams.draws);
    DropoutStream dropout_stream(streams.dropout);
    update(stage.loss(plan, dropout_stream, streams.draws));
  };
  return run_epochs(loop, services, parameters, run_batch, judge_of(data, stage.validation_loss));
}

std::vector<at::Tensor> Network::logits_by_pattern(const BatchPlan& plan,
                                                   const std::vector<Pattern>& patterns) const {
  std::vector<at::Tensor> result;
  for (const auto pattern : patterns) {
    BatchPlan masked = plan;
    for (auto& row : masked.rows) row.pattern = pattern;
    DropoutStream off;
    result.push_back(logits(masked, off));
  }
  return result;
}

at::Tensor label_loss(const FoldData& data, const at::Tensor& logits, const BatchPlan& plan) {
  return data.objective->loss(logits, targets_of(data, plan), {});
}

double validation_value(const FoldData& data, const Network& network,
                        const std::vector<Pattern>& patterns, Selection selection) {
  return validation_value(data, patterns, selection, [&](const BatchPlan& plan) {
    return network.logits_by_pattern(plan, patterns);
  });
}

InputBlock shown_features(const FeatureTable& table, const BatchPlan& plan, int m) {
  const auto& features = table.features[static_cast<std::size_t>(m)];
  InputBlock block;
  std::vector<std::int64_t> sources;
  for (std::size_t r = 0; r < plan.rows.size(); ++r) {
    const auto& row = plan.rows[r];
    const auto present = table.present[static_cast<std::size_t>(row.utterance)];
    if (!(row.pattern & present).has(m)) continue;
    sources.push_back(row.utterance);
    block.rows.push_back(static_cast<std::int64_t>(r));
  }
  block.x = features.index_select(0, index_tensor(sources, features.device()));
  return block;
}

std::vector<InputBlock> shown_features(const FeatureTable& table, const BatchPlan& plan) {
  std::vector<InputBlock> blocks;
  for (int m = 0; m < table.modality_count(); ++m) {
    blocks.push_back(shown_features(table, plan, m));
  }
  return blocks;
}

at::Tensor masked_features(const FeatureTable& table, const BatchPlan& plan, int m) {
  const auto block = shown_features(table, plan, m);
  const auto n = static_cast<std::int64_t>(plan.rows.size());
  if (block.covers(n)) return block.x;
  return at::zeros({n, block.x.size(1)}, block.x.options())
      .index_copy(0, index_tensor(block.rows, block.x.device()), block.x);
}

BatchPlan completed(const FeatureTable& table, const BatchPlan& plan) {
  BatchPlan result = plan;
  for (auto& row : result.rows) {
    row.pattern = table.present[static_cast<std::size_t>(row.utterance)];
  }
  return result;
}

BatchPlan complement(const FeatureTable& table, const BatchPlan& plan) {
  BatchPlan result = completed(table, plan);
  for (std::size_t r = 0; r < result.rows.size(); ++r) {
    auto& row = result.rows[r];
    row.pattern = Pattern(row.pattern.bits() & ~plan.rows[r].pattern.bits());
  }
  return result;
}

void load_part(Network& network, const TensorFile& file, const std::string& part) {
  TensorFile start;
  network.parameters().save(start);
  for (const auto& [name, value] : network.parameters().all()) {
    if (name.starts_with(part)) start.arrays[name] = file.arrays.at("model." + name);
  }
  network.parameters().load(start);
}

TensorFile network_file(const Network& network, const std::vector<CurvePoint>& curve) {
  TensorFile file;
  network.parameters().save(file, "model.");
  add_curve(file, curve);
  return file;
}

std::string PlainFold::settings_text(const std::string& section) const {
  return config_section_toml(config_, {section, "protocol.selection"});
}

TensorFile LabelFold::fit(const FoldData& data, const std::vector<Pattern>& patterns,
                          TaskContext& context) const {
  const auto& name = options_.method;
  const StageName fit_name = {
      name + ".fit", {bits_text(patterns), settings_text(name)}, "fit " + bits_text(patterns)};
  return stage_.get_or_compute(fit_name, context, [&](const StageServices& services) {
    auto initial = services.seeds.stream(name + ".init");
    const auto network = method_.make_network(data, config_, &initial);
    NetworkStage stage;
    stage.loop.stage = name;
    stage.loop.epochs = options_.epochs;
    stage.loop.patience = options_.patience;
    stage.loop.optimiser = options_.optimiser;
    stage.unit = options_.unit;
    stage.patterns = patterns;
    stage.loss = [&](const BatchPlan& plan, DropoutStream& dropout_stream, Generator&) {
      return label_loss(data, network->logits(plan, dropout_stream), plan);
    };
    stage.validation_loss = [&] {
      return validation_value(data, *network, patterns, config_.protocol.selection);
    };
    const auto curve = train_network(data, network->parameters(), stage, services);
    return network_file(*network, curve);
  });
}

std::vector<float> NetworkMethod::predict(const FoldData& data, const Config& config,
                                          const TensorFile& model,
                                          const std::vector<std::int64_t>& dialogues,
                                          Pattern pattern) const {
  at::NoGradGuard no_gradient;
  const auto network = make_network(data, config, nullptr);
  network->parameters().load(model, "model.");
  std::vector<float> outputs;
  for (const auto& plan : chunk_plans(data, dialogues, pattern)) {
    DropoutStream off;
    const auto part = to_floats(data.objective->outputs_of(network->logits(plan, off)));
    outputs.insert(outputs.end(), part.begin(), part.end());
  }
  return outputs;
}

}  // namespace hardy
