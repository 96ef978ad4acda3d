#include "hardy/training/recogniser_data.h"

namespace hardy {
namespace {

/// Utterances of a pass without gradients: large enough for full speed, small enough for memory.
constexpr std::int64_t kChunkRows = 512;

constexpr const char* kLoop = "loop";  // metadata of a checkpoint: which loop wrote it

}  // namespace

BackboneOptions backbone_options(const FoldData& data, const EncoderConfig& encoder) {
  BackboneOptions options;
  options.modality_names = data.corpus->modality_names();
  options.widths = data.table.widths();
  options.outputs = data.objective->outputs();
  options.encoder = encoder;
  return options;
}

std::vector<BatchPlan> chunk_plans(const FoldData& data, const std::vector<std::int64_t>& dialogues,
                                   Pattern pattern) {
  std::vector<BatchPlan> plans;
  for (const auto dialogue : dialogues) {
    const bool is_full =
        plans.empty() || static_cast<std::int64_t>(plans.back().rows.size()) >= kChunkRows;
    if (is_full) plans.emplace_back();
    plans.back().add_dialogue(*data.corpus, data.table, dialogue, pattern);
  }
  return plans;
}

StageServices stage_services(const StageServices& services, std::int64_t before, std::int64_t total,
                             const std::string& loop) {
  StageServices own = services;
  if (services.report) {
    own.report = [report = services.report, before, total](double done, double) {
      report(static_cast<double>(before) + done, static_cast<double>(total));
    };
  }
  if (services.find_checkpoint) {
    own.find_checkpoint = [find = services.find_checkpoint, loop]() -> std::optional<TensorFile> {
      auto found = find();
      if (!found || !found->metadata.contains(kLoop) || found->metadata.at(kLoop) != loop) {
        return std::nullopt;
      }
      return found;
    };
  }
  if (services.store_checkpoint) {
    own.store_checkpoint = [store = services.store_checkpoint, loop](const TensorFile& state) {
      TensorFile named = state;
      named.metadata[kLoop] = loop;
      store(named);
    };
  }
  return own;
}

}  // namespace hardy
