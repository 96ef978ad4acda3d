#include "nn/batch.h"

#include <torch/types.h>

#include <algorithm>
#include <map>

namespace hardy {

std::vector<std::int64_t> FeatureTable::widths() const {
  std::vector<std::int64_t> result;
  for (const auto& modality : features) result.push_back(modality.size(1));
  return result;
}

FeatureTable make_feature_table(const Corpus& corpus, at::Device device) {
  FeatureTable table;
  for (const auto& modality : corpus.modalities) {
    // The view is never written to: every scaled table is a tensor of its own.
    auto* values = const_cast<float*>(modality.features.data());
    table.features.push_back(
        at::from_blob(values, {corpus.size(), modality.width}, at::TensorOptions(at::kFloat))
            .to(device));
  }
  std::map<std::string, std::int64_t> numbers;
  for (std::int64_t i = 0; i < corpus.size(); ++i) {
    table.present.push_back(corpus.present_pattern(i));
    const auto& speaker = corpus.utterances[static_cast<std::size_t>(i)].speaker;
    const auto next = static_cast<std::int64_t>(numbers.size());
    table.speakers.push_back(speaker.empty() ? -1 : numbers.emplace(speaker, next).first->second);
  }
  return table;
}

void BatchPlan::add_dialogue(const Corpus& corpus, const FeatureTable& table, std::int64_t dialogue,
                             Pattern pattern) {
  const Dialogue& turns = corpus.dialogues[static_cast<std::size_t>(dialogue)];
  for (std::int64_t i = turns.first; i < turns.first + turns.count; ++i) {
    const auto u = static_cast<std::size_t>(i);
    rows.push_back({i, corpus.utterances[u].position, table.speakers[u], pattern});
  }
  close_dialogue();
}

at::Tensor index_tensor(const std::vector<std::int64_t>& values, at::Device device) {
  auto host = at::empty({static_cast<std::int64_t>(values.size())}, at::TensorOptions(at::kLong));
  // Not memcpy: a modality that no row of the batch has gives an empty list, whose data() is null.
  std::copy(values.begin(), values.end(), host.data_ptr<std::int64_t>());
  return host.to(device);
}

Batch make_batch(const FeatureTable& table, const BatchPlan& plan) {
  Batch batch;
  batch.rows = static_cast<std::int64_t>(plan.rows.size());
  const at::Device device = table.features.front().device();
  std::vector<std::int64_t> utterances;
  for (const auto& row : plan.rows) utterances.push_back(row.utterance);
  batch.utterances = index_tensor(utterances, device);

  for (int m = 0; m < table.modality_count(); ++m) {
    ModalityRows present;
    std::vector<std::int64_t> sources;
    std::vector<std::int64_t> places;
    present.segments.offsets = {0};
    for (std::size_t d = 0; d + 1 < plan.offsets.size(); ++d) {
      for (std::int64_t r = plan.offsets[d]; r < plan.offsets[d + 1]; ++r) {
        const BatchRow& row = plan.rows[static_cast<std::size_t>(r)];
        const Pattern available =
            row.pattern & table.present[static_cast<std::size_t>(row.utterance)];
        if (!available.has(m)) continue;
        places.push_back(r);
        sources.push_back(row.utterance);
        present.segments.positions.push_back(row.position);
        present.segments.speakers.push_back(row.speaker);
      }
      present.segments.offsets.push_back(static_cast<std::int64_t>(places.size()));
    }
    present.count = static_cast<std::int64_t>(places.size());
    if (present.count > 0) {
      present.inputs = table.features[static_cast<std::size_t>(m)].index_select(
          0, index_tensor(sources, device));
      if (present.count < batch.rows) present.index = index_tensor(places, device);
    }
    batch.modalities.push_back(std::move(present));
  }
  return batch;
}

std::vector<std::int64_t> rows_with_target(const FeatureTable& table, const BatchPlan& plan, int m,
                                           bool everyone) {
  std::vector<std::int64_t> rows;
  for (std::size_t r = 0; r < plan.rows.size(); ++r) {
    const BatchRow& row = plan.rows[r];
    const bool exists = table.present[static_cast<std::size_t>(row.utterance)].has(m);
    if (exists && (everyone || !row.pattern.has(m))) rows.push_back(static_cast<std::int64_t>(r));
  }
  return rows;
}

}  // namespace hardy
