#include "methods/hardymer/tune_features.h"

#include <torch/types.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "hardy/errors.h"
#include "methods/hardymer/tuning_net.h"

namespace hardy {
namespace {

const std::string kNets = "tuning.";

std::vector<std::int64_t> having(const FoldData& data, const std::vector<std::int64_t>& utterances,
                                 int m) {
  std::vector<std::int64_t> result;
  for (const auto u : utterances) {
    if (data.table.present[static_cast<std::size_t>(u)].has(m)) result.push_back(u);
  }
  return result;
}

/// Rows that go through a net at once; with fewer, a table goes through as a whole.
constexpr std::int64_t kMappedAtOnce = 16'384;

/// Tuned features of every utterance by one net, absent rows zero, written to `mapped` where that
/// is defined, else to new memory.
template <typename Net>
at::Tensor map_all(const FeatureTable& table, const Net& net, int m, at::Tensor mapped = {}) {
  at::NoGradGuard no_gradient;
  const auto& features = table.features[static_cast<std::size_t>(m)];
  if (!mapped.defined() && features.size(0) <= kMappedAtOnce) {
    mapped = net.feature(features.all());
  } else {
    if (!mapped.defined()) mapped = at::empty(features.sizes(), features.options());
    for (std::int64_t first = 0; first < features.size(0); first += kMappedAtOnce) {
      const auto count = std::min(kMappedAtOnce, features.size(0) - first);
      mapped.narrow(0, first, count).copy_(net.feature(features.narrow_rows(first, count)));
    }
  }
  for (std::size_t i = 0; i < table.present.size(); ++i) {
    if (!table.present[i].has(m)) mapped[static_cast<std::int64_t>(i)].zero_();
  }
  return mapped;
}

/// Whether an utterance counts in a loss.
bool has_target(const Corpus& corpus, std::int64_t u) {
  const auto i = static_cast<std::size_t>(u);
  return corpus.utterances[i].is_labelled() && (corpus.values.empty() || corpus.values[i] != 0);
}

/// The mean loss over the utterances that count, a part of them after the other.
double mean_loss(const Corpus& corpus, const std::vector<std::int64_t>& utterances,
                 const std::function<at::Tensor(const std::vector<std::int64_t>&)>& loss_of) {
  at::NoGradGuard no_gradient;
  if (static_cast<std::int64_t>(utterances.size()) <= kMappedAtOnce) {
    return loss_of(utterances).item<double>();
  }
  double sum = 0;
  double counted = 0;
  for (auto first = utterances.begin(); first != utterances.end();) {
    const auto last = first + std::min<std::ptrdiff_t>(kMappedAtOnce, utterances.end() - first);
    const std::vector<std::int64_t> part(first, last);
    const auto count = static_cast<double>(
        std::count_if(first, last, [&](std::int64_t u) { return has_target(corpus, u); }));
    if (count > 0) sum += count * loss_of(part).item<double>();
    counted += count;
    first = last;
  }
  return sum / std::max(1.0, counted);
}

std::string net_prefix(const Corpus& corpus, std::size_t m) {
  return kNets + corpus.modalities[m].name + ".";
}

/// Adds a net without its auxiliary head.
void add_net(const ParameterSet& parameters, const std::string& prefix, TensorFile& result) {
  TensorFile all;
  parameters.save(all, prefix);
  for (auto& [name, array] : all.arrays) {
    if (name.starts_with(prefix + "adapter")) result.arrays.emplace(name, std::move(array));
  }
}

}  // namespace

TensorFile tune_features(const FoldData& data, const TuningConfig& config,
                         const StageServices& services, TunedResult wanted) {
  TensorFile result;
  const auto validation = utterances_of(*data.corpus, data.fold.validation);
  const auto modalities = data.table.modality_count();
  for (int m = 0; m < modalities; ++m) {
    const auto& name = data.corpus->modalities[static_cast<std::size_t>(m)].name;
    const auto& features = data.table.features[static_cast<std::size_t>(m)];
    const at::Device device = features.device();
    const auto members = having(data, data.train, m);
    const auto judges = having(data, validation, m);
    ParameterSet parameters(device);
    Generator initial = services.seeds.stream("tuning.init", {m});
    const TuningNet net(features.size(1), data.objective->outputs(), parameters, initial);
    const auto loss_of = [&](const std::vector<std::int64_t>& utterances) {
      const auto index = index_tensor(utterances, device);
      return data.objective->loss(net.head(net.feature(features.index_select(0, index))),
                                  data.objective->targets(index), {});
    };
    EpochLoopOptions options;
    options.stage = "tuning." + name;
    options.items = static_cast<std::int64_t>(members.size());
    options.epochs = config.epochs;
    options.patience = config.patience;
    options.optimiser = {.batch = config.batch,
                         .learning_rate = config.learning_rate,
                         .weight_decay = config.weight_decay};
    StageServices own = services;
    own.find_checkpoint = nullptr;  // one checkpoint per stage, and tuning has many short loops
    own.store_checkpoint = nullptr;
    own.report = [&](double done, double total) {
      if (services.report) services.report(m + done / total, modalities);
    };
    const auto run_batch = [&](const std::vector<std::int64_t>& items, BatchStreams&,
                               const auto& update) {
      std::vector<std::int64_t> utterances;
      for (const auto item : items) utterances.push_back(members[static_cast<std::size_t>(item)]);
      update(loss_of(utterances));
    };
    std::function<double()> validate;
    if (!judges.empty()) {
      validate = [&] { return mean_loss(*data.corpus, judges, loss_of); };
    }
    if (!members.empty()) run_epochs(options, own, parameters, run_batch, validate);
    if (wanted == TunedResult::kFeatures) {
      const auto mapped = map_all(data.table, net, m);
      result.add("tuned." + name, mapped.sizes().vec(), to_floats(mapped));
    }
    add_net(parameters, net_prefix(*data.corpus, static_cast<std::size_t>(m)), result);
  }
  return result;
}

FeatureTable tuned_table(const FoldData& data, const TensorFile& tuned) {
  FeatureTable table = data.table;
  for (std::size_t m = 0; m < table.features.size(); ++m) {
    const auto values = tuned.floats("tuned." + data.corpus->modalities[m].name);
    auto host = at::empty(table.features[m].sizes(), at::TensorOptions(at::kFloat));
    check(static_cast<std::int64_t>(values.size()) == host.numel(),
          "tuned features of another size");
    std::memcpy(host.data_ptr<float>(), values.data(), values.size_bytes());
    table.features[m] = host.to(table.features[m].device());
  }
  return table;
}

bool has_tuning_nets(const TensorFile& file) {
  return std::any_of(file.arrays.begin(), file.arrays.end(),
                     [](const auto& entry) { return entry.first.starts_with(kNets); });
}

void copy_tuning_nets(const TensorFile& source, TensorFile& target) {
  for (const auto& [name, array] : source.arrays) {
    if (name.starts_with(kNets)) target.arrays.emplace(name, array);
  }
}

FeatureTable mapped_by_nets(const Corpus& corpus, const FeatureTable& scaled,
                            const TensorFile& model, const TableMemory& memory) {
  FeatureTable table = scaled;
  Generator unused(0);
  for (std::size_t m = 0; m < table.features.size(); ++m) {
    ParameterSet parameters(table.features[m].device());
    parameters.skip_drawing();
    const TuningAdapter net(table.features[m].size(1), parameters, unused);
    parameters.load(model, net_prefix(corpus, m));
    table.features[m] =
        map_all(scaled, net, static_cast<int>(m), memory ? memory(m) : at::Tensor());
  }
  return table;
}

}  // namespace hardy
