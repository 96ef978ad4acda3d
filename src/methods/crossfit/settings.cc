#include "methods/crossfit/settings.h"

#include "config/fields.h"

namespace hardy {

void CrossfitSettings::describe(FieldTable& table) {
  table.add("parts", &parts, IntegerRange{2, 20}, {"Parts.", "More."});
  table.add("teacher", &teacher, NumberRange{0, 100}, {"Weight.", "More."});
  table.add("teacher_power", &teacher_power, NumberRange{0.1, 10}, {"Weight.", "More."});
  table.add("teacher_slope", &teacher_slope, NumberRange{-1, 1}, {"Weight.", "More."});
  table.add("weight_slope", &weight_slope, NumberRange{-1, 1}, {"Weight.", "More."});
  table.add("pattern_slope", &pattern_slope, NumberRange{-10, 10}, {"Weight.", "More."});
  table.add("loss_share", &loss_share, NumberRange{0, 1}, {"Weight.", "More."});
  table.add("mix", &mix, NumberRange{0, 1}, {"Weight.", "More."});
}

MethodDeclaration declare_crossfit() {
  return {.name = "crossfit",
          .title = "Cross-fitted curriculum",
          .summary = "The context network with cross-fitted hardness.",
          .sections = {"context"},
          .settings = std::make_shared<CrossfitSettings>(),
          .epochs = {{"context.epochs"}},
          .patience = {"context.patience"},
          .search = {"crossfit.teacher=0..2"}};
}

}  // namespace hardy
