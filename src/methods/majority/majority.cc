// The control without features: every utterance gets the training part's label frequencies, or its
// mean values.
#include <torch/types.h>

#include "methods/network.h"

namespace hardy {
namespace {

class MajorityFold final : public PlainFold {
 public:
  explicit MajorityFold(const FoldRequest& request) : PlainFold(request, kStageVersion) {}

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& /*patterns*/,
                               TaskContext& context) const override {
    return stage_.get_or_compute({"majority.fit", {}, "fit"}, context, [&](const StageServices&) {
      const auto targets = data.objective->targets(index_tensor(data.train, at::kCPU));
      const auto outputs = data.objective->outputs();
      at::Tensor answer;
      if (targets.scalar_type() == at::kLong) {
        const auto known = targets.masked_select(targets >= 0);
        answer =
            at::bincount(known, {}, outputs).to(at::kFloat) / static_cast<double>(known.numel());
      } else {
        // Values, several labels or shares: means over the labelled utterances.
        const auto rows = targets.view({targets.size(0), outputs});
        const auto known = at::isfinite(rows.select(1, 0)).nonzero().squeeze(1);
        answer = rows.index_select(0, known).mean(0);
      }
      TensorFile model;
      model.add("model.answer", {outputs}, to_floats(answer));
      return model;
    });
  }

 private:
  static constexpr int kStageVersion = 1;
};

class Majority final : public Method {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<MajorityFold>(request);
  }

  [[nodiscard]] std::vector<float> predict(const FoldData& data, const Config& /*config*/,
                                           const TensorFile& model,
                                           const std::vector<std::int64_t>& dialogues,
                                           Pattern /*pattern*/) const override {
    const auto answer = model.floats("model.answer");
    std::vector<float> outputs;
    for (std::size_t i = 0; i < utterances_of(*data.corpus, dialogues).size(); ++i) {
      outputs.insert(outputs.end(), answer.begin(), answer.end());
    }
    return outputs;
  }
};

}  // namespace

std::unique_ptr<const Method> make_majority() { return std::make_unique<Majority>(); }

}  // namespace hardy
