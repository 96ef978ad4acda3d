// The context network taught by cross-fitted grades (docs/methods/crossfit.md).
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "methods/context/context_network.h"
#include "methods/crossfit/settings.h"
#include "train/recogniser_data.h"

namespace hardy {
namespace {

struct Grades {
  at::Tensor teacher;   ///< [N, C] logits under complete input of an estimator that never saw it
  at::Tensor hardness;  ///< [P, N] in [0, 1]
  std::vector<Pattern> patterns;
};

FoldData part_of(const FoldData& data, const std::vector<std::int64_t>& dialogues) {
  FoldData part = data;
  part.fold.train = dialogues;
  part.train = utterances_of(*data.corpus, dialogues);
  part.train_rows.assign(static_cast<std::size_t>(data.corpus->size()), -1);
  for (std::size_t i = 0; i < part.train.size(); ++i) {
    part.train_rows[static_cast<std::size_t>(part.train[i])] = static_cast<std::int64_t>(i);
  }
  return part;
}

/// Rank of every value among all, scaled to [0, 1].
std::vector<float> ranks_of(const float* x, std::size_t n) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  std::vector<float> rank(n);
  for (std::size_t i = 0; i < n; ++i) {
    rank[order[i]] = static_cast<float>((static_cast<double>(i) + .5) / static_cast<double>(n));
  }
  return rank;
}

class CrossfitFold final : public PlainFold {
 public:
  explicit CrossfitFold(const FoldRequest& request)
      : PlainFold(request, 1),
        settings_(request.config.methods.of<CrossfitSettings>("crossfit")),
        network_(request.config.methods.of<ContextSettings>("context")),
        patterns_(request.patterns) {}

  [[nodiscard]] std::vector<SharedStage> shared_stages() override {
    return {{"grades", 1 + static_cast<double>(network_.epochs),
             [this](const FoldData& data, TaskContext& context) {
               static_cast<void>(grades(data, context));
             }}};
  }

  [[nodiscard]] double fit_cost() const override {
    return 1 + static_cast<double>(network_.epochs);
  }

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    const StageName name = {"crossfit.fit",
                            {bits_text(patterns), settings_text("context"),
                             settings_text("crossfit")},
                            "fit " + bits_text(patterns)};
    const auto graded = grades_of(data, grades(data, context));
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      auto initial = services.seeds.stream("context.init");
      ContextNetwork network(data, network_, &initial);
      const auto loss = [&](const BatchPlan& plan, DropoutStream& stream, Generator& draws) {
        return taught_loss(data, network, graded, plan, patterns, stream, draws);
      };
      const auto curve = train(data, network, patterns, services, loss);
      return network_file(network, curve);
    });
  }

 private:
  template <typename Loss>
  std::vector<CurvePoint> train(const FoldData& data, ContextNetwork& network,
                                const std::vector<Pattern>& patterns,
                                const StageServices& services, const Loss& loss) const {
    NetworkStage stage;
    stage.loop.stage = "context";
    stage.loop.epochs = network_.epochs;
    stage.loop.patience = network_.patience;
    stage.loop.optimiser = network_.optimiser;
    stage.loop.average = network_.average;
    stage.patterns = patterns;
    stage.loss = loss;
    stage.validation_loss = [&] {
      return validation_value(data, network, patterns, config_.protocol.selection);
    };
    return train_network(data, network.parameters(), stage, services);
  }

  [[nodiscard]] std::vector<Pattern> graded_patterns(const FoldData& data) const {
    auto all = patterns_;
    const auto complete = Pattern::complete(data.table.modality_count());
    if (std::find(all.begin(), all.end(), complete) == all.end()) all.push_back(complete);
    return all;
  }

  TensorFile grades(const FoldData& data, TaskContext& context) const {
    const auto patterns = graded_patterns(data);
    const StageName name = {"crossfit.grades",
                            {bits_text(patterns), settings_text("context"),
                             fmt::format("parts {}", settings_.parts)},
                            "grades"};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      return compute_grades(data, patterns, services);
    });
  }

  TensorFile compute_grades(const FoldData& data, const std::vector<Pattern>& patterns,
                            const StageServices& services) const {
    auto cut = services.seeds.stream("crossfit.parts");
    const auto order = draw_permutation(cut, static_cast<std::int64_t>(data.fold.train.size()));
    const auto c = data.objective->outputs();
    const auto n = static_cast<std::int64_t>(data.train.size());
    std::vector<at::Tensor> outputs;
    for (std::size_t p = 0; p < patterns.size(); ++p) outputs.push_back(at::zeros({n, c}));
    for (std::int64_t k = 0; k < settings_.parts; ++k) {
      std::vector<std::int64_t> own;
      std::vector<std::int64_t> others;
      for (std::size_t i = 0; i < order.size(); ++i) {
        const auto dialogue = data.fold.train[static_cast<std::size_t>(order[i])];
        const bool is_own = static_cast<std::int64_t>(i) % settings_.parts == k;
        (is_own ? own : others).push_back(dialogue);
      }
      std::sort(own.begin(), own.end());
      std::sort(others.begin(), others.end());
      const auto part = part_of(data, others);
      auto loop = stage_services(services, k * network_.epochs, settings_.parts * network_.epochs,
                                 fmt::format("part {}", k));
      loop.seeds = Seeds(services.seeds.key("part", {k}));
      auto initial = loop.seeds.stream("context.init");
      ContextNetwork network(part, network_, &initial);
      train(part, network, patterns, loop,
            [&](const BatchPlan& plan, DropoutStream& stream, Generator&) {
              return context_loss(part, network, network_, plan, true, stream);
            });
      const at::NoGradGuard no_gradient;
      for (std::size_t p = 0; p < patterns.size(); ++p) {
        for (const auto& plan : chunk_plans(data, own, patterns[p])) {
          DropoutStream off;
          outputs[p].index_copy_(0, train_rows(data, plan), network.logits(plan, off).cpu());
        }
      }
    }
    TensorFile file;
    for (std::size_t p = 0; p < patterns.size(); ++p) {
      file.add(fmt::format("outputs.{}", patterns[p].bits()), {n, c}, to_floats(outputs[p]));
    }
    return file;
  }

  static at::Tensor train_rows(const FoldData& data, const BatchPlan& plan) {
    std::vector<std::int64_t> rows;
    for (const auto& row : plan.rows) {
      rows.push_back(data.train_rows[static_cast<std::size_t>(row.utterance)]);
    }
    return index_tensor(rows, at::kCPU);
  }

  [[nodiscard]] Grades grades_of(const FoldData& data, const TensorFile& file) const {
    Grades result;
    result.patterns = graded_patterns(data);
    const auto n = static_cast<std::int64_t>(data.train.size());
    const auto c = data.objective->outputs();
    const auto read = [&](Pattern pattern) {
      const auto values = file.floats(fmt::format("outputs.{}", pattern.bits()));
      return at::tensor(std::vector<float>(values.begin(), values.end())).view({n, c});
    };
    result.teacher = read(Pattern::complete(data.table.modality_count()));
    const auto targets =
        data.objective->targets(index_tensor(data.train, data.table.features.front().device()));
    std::vector<at::Tensor> rows;
    for (const auto pattern : result.patterns) {
      const auto shown = read(pattern);
      const auto loss = data.objective->losses(shown, targets).contiguous();
      const auto p = result.teacher.softmax(1);
      const auto apart = (data.objective->is_classification()
                              ? (p * (result.teacher.log_softmax(1) - shown.log_softmax(1))).sum(1)
                              : (shown - result.teacher).square().mean(1))
                             .contiguous();
      const auto count = static_cast<std::size_t>(n);
      const auto a = ranks_of(loss.data_ptr<float>(), count);
      const auto b = ranks_of(apart.data_ptr<float>(), count);
      const bool is_complete = pattern == result.patterns.back();
      std::vector<float> score(count);
      for (std::size_t i = 0; i < count; ++i) {
        const auto share = static_cast<float>(is_complete ? 1.0 : settings_.loss_share);
        score[i] = share * a[i] + (1 - share) * b[i];
      }
      rows.push_back(at::tensor(ranks_of(score.data(), count)));
    }
    result.hardness = at::stack(rows);
    return result;
  }

  [[nodiscard]] at::Tensor taught_loss(const FoldData& data, const ContextNetwork& network,
                                       const Grades& grades, const BatchPlan& drawn,
                                       const std::vector<Pattern>& patterns,
                                       DropoutStream& stream, Generator& draws) const {
    BatchPlan plan = drawn;
    const auto rows = train_rows(data, plan);
    const auto index_of = [&](Pattern pattern) {
      return std::find(grades.patterns.begin(), grades.patterns.end(), pattern) -
             grades.patterns.begin();
    };
    if (settings_.pattern_slope != 0 && patterns.size() > 1) {
      for (std::size_t r = 0; r < plan.rows.size(); ++r) {
        std::vector<double> odds;
        double sum = 0;
        for (const auto pattern : patterns) {
          const auto h = grades.hardness.data_ptr<float>()[index_of(pattern) * grades.hardness.size(1) +
                                                           rows.data_ptr<std::int64_t>()[r]];
          odds.push_back(std::exp(settings_.pattern_slope * static_cast<double>(h)));
          sum += odds.back();
        }
        double u = draw_unit(draws) * sum;
        std::size_t chosen = 0;
        while (chosen + 1 < odds.size() && u >= odds[chosen]) u -= odds[chosen++];
        plan.rows[r].pattern = patterns[chosen];
      }
    }
    std::vector<float> hard;
    for (std::size_t r = 0; r < plan.rows.size(); ++r) {
      hard.push_back(
          grades.hardness.data_ptr<float>()[index_of(plan.rows[r].pattern) * grades.hardness.size(1) +
                                            rows.data_ptr<std::int64_t>()[r]]);
    }
    const auto h = at::tensor(hard);
    const auto targets = targets_of(data, plan);
    const auto outputs = network.run(plan, stream);
    const auto weights = 1 + settings_.weight_slope * (2 * h - 1);
    auto total = data.objective->loss(outputs.logits, targets, weights);
    for (std::size_t m = 0; network_.unimodal_weight > 0 && m < outputs.rows.size(); ++m) {
      if (outputs.rows[m].empty()) continue;
      const auto own = index_tensor(outputs.rows[m], network.device());
      total = total + network_.unimodal_weight *
                          data.objective->loss(outputs.unimodal[m], targets.index_select(0, own),
                                               weights.index_select(0, own));
    }
    if (settings_.teacher > 0) {
      const auto given = grades.teacher.index_select(0, rows) * settings_.teacher_power;
      const auto beta = 1 + settings_.teacher_slope * (2 * h - 1);
      at::Tensor apart;
      if (data.objective->is_classification()) {
        const auto p = given.softmax(1);
        apart = (p * (given.log_softmax(1) - outputs.logits.log_softmax(1))).sum(1);
      } else {
        apart = (outputs.logits - given).square().mean(1);
      }
      total = total + settings_.teacher * (beta * apart).mean();
    }
    if (patterns.size() <= 1 || network_.distillation <= 0) return total;
    at::Tensor complete;
    {
      const at::NoGradGuard no_gradient;
      DropoutStream off;
      complete = network.logits(completed(data.table, plan), off);
    }
    return total + network_.distillation * divergence(*data.objective, outputs.logits, complete);
  }

  const CrossfitSettings& settings_;
  const ContextSettings& network_;
  std::vector<Pattern> patterns_;
};

class Crossfit final : public NetworkMethod {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<CrossfitFold>(request);
  }

  [[nodiscard]] std::unique_ptr<Network> make_network(const FoldData& data, const Config& config,
                                                      Generator* initial) const override {
    return std::make_unique<ContextNetwork>(data, config.methods.of<ContextSettings>("context"),
                                            initial);
  }
};

}  // namespace

std::unique_ptr<const Method> make_crossfit() { return std::make_unique<Crossfit>(); }

}  // namespace hardy
