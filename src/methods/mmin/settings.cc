#include "methods/mmin/settings.h"

#include "config/fields.h"

namespace hardy {

void LinearDecayStage::describe(FieldTable table) {
  table.add("constant_epochs", &constant_epochs, IntegerRange{0, kMaxEpochs},
            {"Epochs at the full learning rate.", "More: a longer run."});
  table.add("decay_epochs", &decay_epochs, IntegerRange{0, kMaxEpochs},
            {"Epochs over which the learning rate then falls linearly.", "More: a longer run."});
  table.add("learning_rate", &learning_rate, NumberRange{0, 1, true, false},
            {"Step size of Adam.", "Larger: faster but less steady learning."});
  table.add("beta1", &beta1, NumberRange{0, 1, false, true},
            {"Adam's memory of gradients.", "Larger: smoother steps."});
  table.add("clip", &clip, NumberRange{0, 1e9},
            {"Largest norm of a step's gradient; 0 = no clipping.",
             "Guards against single steps that blow up."});
  table.add("dropout", &dropout, NumberRange{0, 1, false, true},
            {"Share of activations dropped in encoders and classifier.",
             "Larger: less overfitting, slower fit."});
}

void MminSettings::describe(FieldTable& table) {
  table.add("hidden", &hidden, IntegerRange{2, kMaxWidth},
            {"Width of every modality's representation.", "Larger: more capacity, longer epochs."});
  table.add("blocks", &blocks, IntegerRange{1, 64},
            {"Residual autoencoders in the cascade.", "More: a deeper imagination."});
  table.add("batch", &batch, IntegerRange{1, 65'536},
            {"Utterances per step.", "Larger: faster epochs, fewer steps."});
  table.add("imagination_weight", &imagination_weight, NumberRange{0, 1000},
            {"Weight of the distance between imagined and true representations.",
             "0 trains on labels alone."});
  table.add("cycle_weight", &cycle_weight, NumberRange{0, 1000},
            {"Weight of getting the input back from the imagined representation.",
             "0 leaves the way back untrained."});
  table.add("patience", &patience, IntegerRange{0, kMaxEpochs},
            {"Epochs without a better validation loss before a stage stops; 0 = never.",
             "Small: shorter training; the best epoch is kept."});
  pretraining.describe(table.inner("pretraining"));
  training.describe(table.inner("training"));
}

void MminSettings::apply_preset(const std::string& preset) {
  if (preset != "quick") return;
  hidden = 64;
  blocks = 2;
  batch = 64;
  pretraining.constant_epochs = training.constant_epochs = 5;
  pretraining.decay_epochs = training.decay_epochs = 10;
}

void MminSettings::validate(const std::string& section) const {
  check_some_epochs(section + ".training", training.constant_epochs + training.decay_epochs);
}

MethodDeclaration declare_mmin() {
  return {.name = "mmin",
          .title = "MMIN",
          .summary = "Missing modality imagination by residual autoencoders (Zhao et al. 2021).",
          .settings = std::make_shared<MminSettings>(),
          .epochs = {{"mmin.pretraining.constant_epochs", "mmin.pretraining.decay_epochs"},
                     {"mmin.training.constant_epochs", "mmin.training.decay_epochs"}},
          .patience = {"mmin.patience"},
          .search = {"mmin.pretraining.learning_rate=log:3e-4..3e-3",
                     "mmin.training.learning_rate=log:3e-4..3e-3", "mmin.training.dropout=0.2..0.6",
                     "mmin.imagination_weight=1,2,4,8"}};
}

}  // namespace hardy
