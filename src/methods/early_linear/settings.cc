#include "methods/early_linear/settings.h"

#include "config/fields.h"
#include "hardy/errors.h"

namespace hardy {

void StrengthPath::describe(FieldTable& table) {
  table.add("strongest", &strongest, NumberRange{0, 1e9, true, false},
            {"Strongest penalty that validation may choose.", "Larger: smaller weights."});
  table.add("weakest", &weakest, NumberRange{0, 1e9, true, false},
            {"Weakest penalty that validation may choose.", "Smaller: a closer fit."});
  table.add("count", &count, IntegerRange{1, 100},
            {"Penalties tried, in equal steps of the logarithm.", "More: a finer choice."});
  table.add("iterations", &iterations, IntegerRange{1, 100'000},
            {"Most L-BFGS iterations per penalty.", "More: closer to the optimum."});
}

void StrengthPath::check(const std::string& section) const {
  if (weakest <= strongest) return;
  throw ConfigError(section + ".weakest is above " + section + ".strongest; swap them");
}

void EarlyLinearSettings::describe(FieldTable& table) {
  path.describe(table);
  table.add("draws", &draws, IntegerRange{1, 100},
            {"How often the unified model sees every utterance, each time under a pattern of its "
             "own draw.",
             "More: steadier, more memory."});
}

void EarlyLinearSettings::apply_preset(const std::string& preset) {
  if (preset != "quick") return;
  path.count = 3;
  path.iterations = 30;
}

MethodDeclaration declare_early_linear() {
  return {.name = "early_linear",
          .title = "Early fusion, linear",
          .summary =
              "Control: ridge or logistic regression on all features side by side, absent "
              "ones at the mean.",
          .settings = std::make_shared<EarlyLinearSettings>(),
          .is_control = true,
          .takes_one_modality = true};
}

}  // namespace hardy
