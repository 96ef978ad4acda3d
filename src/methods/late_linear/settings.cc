#include "methods/late_linear/settings.h"

#include "config/fields.h"

namespace hardy {

void LateLinearSettings::apply_preset(const std::string& preset) {
  if (preset != "quick") return;
  path.count = 3;
  path.iterations = 30;
}

MethodDeclaration declare_late_linear() {
  return {.name = "late_linear",
          .title = "Late fusion, linear",
          .summary = "Control: a ridge or logistic regression per modality, outputs averaged.",
          .settings = std::make_shared<LateLinearSettings>(),
          .is_control = true,
          .takes_one_modality = true};
}

}  // namespace hardy
