// The control closest to HARDY-MER: its recogniser with the same pretraining and patterns drawn per
// utterance, without hardness, retrieval and supports. It shares HARDY-MER's pretraining in the
// cache.
#include <torch/types.h>

#include "methods/hardymer/settings.h"
#include "methods/hardymer/stages.h"
#include "methods/hardymer/train_recogniser.h"
#include "methods/method.h"

namespace hardy {
namespace {

/// The settings with hardness, retrieval and reconstruction switched off. Settings of switched-off
/// parts get their defaults, so that they do not change cache keys.
Config without_ideas(Config config) {
  HardyMerSettings& settings = hardymer_settings(config);
  settings.tuning = {};
  settings.hardness = {};
  settings.retrieval = {};
  settings.hardness.components = HardnessTerms::kNone;
  settings.retrieval.supports = SupportUse::kNone;
  settings.recogniser.input = FeatureKind::kPlain;
  settings.recogniser.reconstruction_weight = 0;
  return config;
}

class ModalityDropoutFold final : public FoldMethod {
 public:
  explicit ModalityDropoutFold(const FoldRequest& request)
      : config_(without_ideas(request.config)), stage_(request, kHardyMerVersion) {}

  [[nodiscard]] std::vector<SharedStage> shared_stages() override {
    return {{"pretraining",
             1 + static_cast<double>(hardymer_settings(config_).recogniser.complete_epochs),
             [this](const FoldData& data, TaskContext& context) {
               static_cast<void>(FoldStages(data, config_, stage_).pretrained(context));
             }}};
  }

  [[nodiscard]] double fit_cost() const override {
    return 1 + static_cast<double>(hardymer_settings(config_).recogniser.pattern_epochs);
  }

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    return FoldStages(data, config_, stage_).fit(patterns, Curriculum{}, context);
  }

 private:
  Config config_;
  FoldStage stage_;
};

class ModalityDropout final : public Method {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<ModalityDropoutFold>(request);
  }

  [[nodiscard]] std::vector<float> predict(const FoldData& data, const Config& config,
                                           const TensorFile& model,
                                           const std::vector<std::int64_t>& dialogues,
                                           Pattern pattern) const override {
    return predict_dialogues(data, hardymer_settings(config).recogniser, model, dialogues, pattern);
  }
};

}  // namespace

std::unique_ptr<const Method> make_modality_dropout() {
  return std::make_unique<ModalityDropout>();
}

}  // namespace hardy
