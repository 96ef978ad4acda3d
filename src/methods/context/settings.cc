#include "methods/context/settings.h"

#include <fmt/format.h>

#include "config/fields.h"
#include "hardy/errors.h"

namespace hardy {

void ContextSettings::describe(FieldTable& table) {
  table.add("hidden", &hidden, IntegerRange{2, kMaxWidth},
            {"Width of an utterance's representation; even, half of it for each direction in time.",
             "Larger: more capacity; cost grows with the square."});
  table.add("roles", &roles, IntegerRange{1, 64},
            {"Speakers of a dialogue that are told apart, in order of appearance.",
             "More: for dialogues of many people."});
  table.add("dropout", &dropout, NumberRange{0, 1, false, true},
            {"Share of activations dropped in training.", "Larger: less overfitting, slower fit."});
  table.add("unimodal_weight", &unimodal_weight, NumberRange{0, 100},
            {"Weight of the losses of the single modalities' own heads.",
             "0: no such heads; larger: stronger single modalities."});
  table.add("distillation", &distillation, NumberRange{0, 100},
            {"Weight of the divergence from the answer under complete input.",
             "0: none; larger: incomplete input imitates complete input more."});
  table.add("average", &average, NumberRange{0, 1, false, true},
            {"Decay of the moving average of the weights, which is what predicts; 0 = no average.",
             "Nearer to 1: smoother, later."});
  table.add("epochs", &epochs, IntegerRange{1, kMaxEpochs},
            {"Most passes over the training part.", "More: a longer run."});
  table.add("patience", &patience, IntegerRange{0, kMaxEpochs},
            {"Epochs without a better validation loss before training stops; 0 = never.",
             "Small: shorter training; the best epoch is kept."});
  describe_optimiser(table.inner("optimiser"), optimiser);
}

void ContextSettings::apply_preset(const std::string& preset) {
  if (preset != "quick") return;
  hidden = 64;
  epochs = 12;
  patience = 4;
}

void ContextSettings::validate(const std::string& section) const {
  if (hidden % 2 != 0) {
    throw ConfigError(
        fmt::format("{}.hidden = {} is odd; half of it is one direction's width", section, hidden));
  }
}

MethodDeclaration declare_context() {
  return {.name = "context",
          .title = "Context network",
          .summary =
              "A recurrent network over the dialogue with modality dropout, heads of single "
              "modalities, distillation from complete input and averaged weights.",
          .settings = std::make_shared<ContextSettings>(),
          .is_control = true,
          .takes_one_modality = true,
          .epochs = {{"context.epochs"}},
          .patience = {"context.patience"},
          .search = {"context.optimiser.learning_rate=log:3e-4..3e-3", "context.dropout=0.2..0.6",
                     "context.distillation=0..2"}};
}

}  // namespace hardy
