#include "methods/mean_mlp/settings.h"

#include "config/fields.h"

namespace hardy {

void MeanMlpSettings::describe(FieldTable& table) {
  table.add("hidden", &hidden, IntegerRange{2, kMaxWidth},
            {"Width of both hidden layers.", "Larger: more capacity, longer epochs."});
  table.add("dropout", &dropout, NumberRange{0, 1, false, true},
            {"Share of activations dropped in training.", "Larger: less overfitting, slower fit."});
  table.add("epochs", &epochs, IntegerRange{1, kMaxEpochs},
            {"Most passes over the training part.", "More: a longer run."});
  table.add("patience", &patience, IntegerRange{0, kMaxEpochs},
            {"Epochs without a better validation loss before training stops; 0 = never.",
             "Small: shorter training; the best epoch is kept."});
  describe_optimiser(table.inner("optimiser"), optimiser);
}

void MeanMlpSettings::apply_preset(const std::string& preset) {
  if (preset != "quick") return;
  hidden = 64;
  epochs = 10;
}

MethodDeclaration declare_mean_mlp() {
  return {.name = "mean_mlp",
          .title = "Early-fusion MLP",
          .summary = "Control: a perceptron on all features side by side, absent ones at the mean.",
          .settings = std::make_shared<MeanMlpSettings>(),
          .is_control = true,
          .takes_one_modality = true,
          .epochs = {{"mean_mlp.epochs"}},
          .patience = {"mean_mlp.patience"},
          .search = {"mean_mlp.optimiser.learning_rate=log:1e-4..1e-2", "mean_mlp.dropout=0.2..0.6",
                     "mean_mlp.optimiser.weight_decay=log:1e-6..1e-3"}};
}

}  // namespace hardy
