#include "methods/crossfit/settings.h"

#include "config/fields.h"

namespace hardy {

void CrossfitSettings::describe(FieldTable& table) {
  table.add("members", &members, IntegerRange{2, 32},
            {"Networks, each trained without another part of the data, which validates it.",
             "More: each sees more data; cost grows in proportion."});
  network.describe(table);
}

void CrossfitSettings::apply_preset(const std::string& preset) {
  network.apply_preset(preset);
  if (preset == "quick") members = 2;
}

void CrossfitSettings::validate(const std::string& section) const { network.validate(section); }

MethodDeclaration declare_crossfit() {
  return {.name = "crossfit",
          .title = "Cross-fitted context networks",
          .summary =
              "Context networks that each hold out another part of the training data, averaged; "
              "calibrated on the held-out answers.",
          .settings = std::make_shared<CrossfitSettings>(),
          .is_own = true,
          .takes_one_modality = true,
          .epochs = {{"crossfit.epochs"}},
          .patience = {"crossfit.patience"},
          .search = {"crossfit.optimiser.learning_rate=log:3e-4..3e-3", "crossfit.dropout=0.2..0.6",
                     "crossfit.distillation=0..2"}};
}

}  // namespace hardy
