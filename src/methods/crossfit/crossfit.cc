// Cross-fitted context networks (docs/methods/crossfit.md). Letters: K members, n rows, C classes.
#include <torch/types.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "methods/context/context_network.h"
#include "methods/crossfit/settings.h"
#include "train/recogniser_data.h"

namespace hardy {
namespace {

constexpr const char* kModel = "model.";

std::string prefix_of(std::size_t member) { return fmt::format("model.member{}.", member); }

/// The same data with `held_out` as its validation part and all other known dialogues as its
/// training part. The scaling stays that of the fold, so that all members read one input.
FoldData member_data(const FoldData& data, const std::vector<std::int64_t>& held_out) {
  FoldData member = data;
  member.fold.validation = held_out;
  member.fold.train.clear();
  for (const auto d : known_dialogues(data.fold)) {
    if (!std::binary_search(held_out.begin(), held_out.end(), d)) member.fold.train.push_back(d);
  }
  member.train = utterances_of(*data.corpus, member.fold.train);
  std::fill(member.train_rows.begin(), member.train_rows.end(), -1);
  for (std::size_t i = 0; i < member.train.size(); ++i) {
    member.train_rows[static_cast<std::size_t>(member.train[i])] = static_cast<std::int64_t>(i);
  }
  return member;
}

/// Logits of one member for the utterances of some dialogues in order. Shapes: -> [n, C].
at::Tensor member_logits(const FoldData& data, const ContextSettings& settings,
                         const TensorFile& model, std::size_t member,
                         const std::vector<std::int64_t>& dialogues, Pattern pattern) {
  const at::NoGradGuard no_gradient;
  ContextNetwork network(data, settings, nullptr);
  network.parameters().load(model, prefix_of(member));
  std::vector<at::Tensor> parts;
  for (const auto& plan : chunk_plans(data, dialogues, pattern)) {
    DropoutStream off;
    parts.push_back(network.logits(plan, off));
  }
  return at::cat(parts);
}

std::size_t member_count(const TensorFile& model) {
  std::size_t count = 0;
  while (model.arrays.contains(prefix_of(count) + "roles")) ++count;
  return count;
}

class CrossfitFold final : public PlainFold {
 public:
  explicit CrossfitFold(const FoldRequest& request)
      : PlainFold(request, kStageVersion),
        settings_(request.config.methods.of<CrossfitSettings>("crossfit")),
        parts_(divide_dialogues(request.corpus, known_dialogues(request.fold), settings_.members,
                                config_.protocol.split_seed)) {}

  [[nodiscard]] double fit_cost() const override {
    return static_cast<double>(settings_.members * (1 + settings_.network.epochs));
  }

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    TensorFile model;
    std::vector<CurvePoint> curve;
    double cpu_s = 0;
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      const auto fitted = fit_member(k, data, patterns, context);
      cpu_s += FoldStage::cpu_seconds(fitted);
      for (auto point : curve_of(fitted)) {
        point.stage = fmt::format("crossfit.member{}", k);
        curve.push_back(std::move(point));
      }
      for (const auto& [name, array] : fitted.arrays) {
        if (!name.starts_with(kModel)) continue;
        model.arrays.emplace(prefix_of(k) + name.substr(std::string_view(kModel).size()), array);
      }
    }
    add_curve(model, curve);
    FoldStage::set_cpu_seconds(model, cpu_s);
    return model;
  }

  [[nodiscard]] std::optional<std::vector<float>> held_out(
      const FoldData& data, const TensorFile& model, const std::vector<std::int64_t>& dialogues,
      Pattern pattern) const override {
    if (parts_.size() < 2) return std::nullopt;  // the only member trained on everything
    const auto width = data.objective->outputs();
    std::vector<float> outputs(utterances_of(*data.corpus, dialogues).size() *
                               static_cast<std::size_t>(width));
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      std::vector<std::int64_t> own;
      std::set_intersection(parts_[k].begin(), parts_[k].end(), dialogues.begin(), dialogues.end(),
                            std::back_inserter(own));
      if (own.empty()) continue;
      const auto logits = member_logits(data, settings_.network, model, k, own, pattern);
      const auto values = to_floats(data.objective->outputs_of(logits));
      place(data, dialogues, own, values, outputs);
    }
    return outputs;
  }

 private:
  static constexpr int kStageVersion = 1;

  /// Copies the outputs of the dialogues `own` to their places among those of `dialogues`, both
  /// ascending.
  static void place(const FoldData& data, const std::vector<std::int64_t>& dialogues,
                    const std::vector<std::int64_t>& own, const std::vector<float>& values,
                    std::vector<float>& outputs) {
    const auto width = static_cast<std::ptrdiff_t>(data.objective->outputs());
    auto from = values.begin();
    auto to = outputs.begin();
    for (const auto d : dialogues) {
      const auto count = width * static_cast<std::ptrdiff_t>(
                                     data.corpus->dialogues[static_cast<std::size_t>(d)].count);
      if (std::binary_search(own.begin(), own.end(), d)) {
        std::copy(from, from + count, to);
        from += count;
      }
      to += count;
    }
  }

  /// A context network without part k, which selects its epoch.
  [[nodiscard]] TensorFile fit_member(std::size_t k, const FoldData& data,
                                      const std::vector<Pattern>& patterns,
                                      TaskContext& context) const {
    const StageName name = {"crossfit.fit",
                            {bits_text(patterns), settings_text("crossfit"),
                             fmt::format("{}", fmt::join(parts_[k], ","))},
                            fmt::format("fit {} member {}", bits_text(patterns), k)};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      const bool is_only = parts_.size() == 1;  // one dialogue: nothing can be held out
      const FoldData own = member_data(data, is_only ? std::vector<std::int64_t>{} : parts_[k]);
      auto initial = services.seeds.stream("context.init");
      ContextNetwork network(own, settings_.network, &initial);
      const auto curve = train_context(own, network, settings_.network, patterns,
                                       config_.protocol.selection, services);
      return network_file(network, curve);
    });
  }

  const CrossfitSettings& settings_;
  std::vector<std::vector<std::int64_t>> parts_;  ///< [K] known dialogues that each holds out
};

class Crossfit final : public Method {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<CrossfitFold>(request);
  }

  [[nodiscard]] std::vector<float> predict(const FoldData& data, const Config& config,
                                           const TensorFile& model,
                                           const std::vector<std::int64_t>& dialogues,
                                           Pattern pattern) const override {
    const auto& settings = config.methods.of<CrossfitSettings>("crossfit").network;
    const auto members = member_count(model);
    at::Tensor sum;
    for (std::size_t k = 0; k < members; ++k) {
      const auto logits = member_logits(data, settings, model, k, dialogues, pattern);
      sum = sum.defined() ? sum + logits : logits;
    }
    return to_floats(data.objective->outputs_of(sum / static_cast<double>(members)));
  }
};

}  // namespace

std::unique_ptr<const Method> make_crossfit() { return std::make_unique<Crossfit>(); }

}  // namespace hardy
