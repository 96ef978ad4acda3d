#include "hardy/method_settings.h"

namespace hardy {

MethodDeclaration declare_majority() {
  return {.name = "majority",
          .title = "Majority",
          .summary = "Control: the commonest class (or mean value) of the training part.",
          .is_control = true,
          .takes_one_modality = true};
}

}  // namespace hardy
