#include "config/stage_settings.h"

#include "config/fields.h"
#include "hardy/errors.h"

namespace hardy {

std::string estimator_settings(Config config) {
  const HardnessConfig defaults;
  config.hardness.alpha1 = defaults.alpha1;
  config.hardness.alpha2 = defaults.alpha2;
  config.hardness.beta = defaults.beta;
  config.hardness.indirect_sign = defaults.indirect_sign;
  config.hardness.centre = defaults.centre;
  config.hardness.components = defaults.components;
  return config_section_toml(config, {"hardness"});
}

std::string complete_stage_settings(Config config) {
  const RecogniserConfig defaults;
  config.recogniser.pattern_epochs = defaults.pattern_epochs;
  config.recogniser.reconstruction_weight = defaults.reconstruction_weight;
  config.recogniser.pattern_unit = defaults.pattern_unit;
  return config_section_toml(config, {"recogniser"});
}

std::vector<std::int64_t> stage_epochs(const MethodDeclaration& method, const Config& config) {
  Config copy = config;  // fields point into what they describe
  const auto fields = describe(copy);
  const auto integer_of = [&](const std::string& key) {
    for (const auto& field : fields) {
      if (field.key == key) return *std::get<std::int64_t*>(field.value);
    }
    throw InternalError("a method declares epochs by the unknown setting " + key);
  };
  std::vector<std::int64_t> totals;
  for (const auto& stage : method.epochs) {
    std::int64_t total = 0;
    for (const auto& key : stage) total += integer_of(key);
    totals.push_back(total);
  }
  return totals;
}

}  // namespace hardy
