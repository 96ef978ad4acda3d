#include "methods/cif_mmin/settings.h"

#include "config/fields.h"

namespace hardy {

void CifMminSettings::describe(FieldTable& table) {
  table.add("hidden", &hidden, IntegerRange{2, kMaxWidth},
            {"Width of every specific and invariant representation.",
             "Larger: more capacity, longer epochs."});
  table.add("blocks", &blocks, IntegerRange{1, 64},
            {"Autoencoders in the imagination cascade.", "More: a deeper imagination."});
  table.add("batch", &batch, IntegerRange{1, 65'536},
            {"Utterances per step; also the negatives of the contrastive loss.",
             "Larger: faster epochs, fewer steps."});
  table.add("contrast_weight", &contrast_weight, NumberRange{0, 1000},
            {"Weight of the contrastive loss in pretraining.",
             "0 leaves the invariant encoders untrained before the second stage."});
  table.add("imagination_weight", &imagination_weight, NumberRange{0, 1000},
            {"Weight of the distance between imagined and true specific representations.",
             "0 trains on the other terms alone."});
  table.add("invariance_weight", &invariance_weight, NumberRange{0, 1000},
            {"Weight of the distance between invariant representations of the incomplete and of "
             "the complete input.",
             "0 lets them drift apart."});
  table.add("patience", &patience, IntegerRange{0, kMaxEpochs},
            {"Epochs without a better validation loss before a stage stops; 0 = never.",
             "Small: shorter training; the best epoch is kept."});
  pretraining.describe(table.inner("pretraining"));
  training.describe(table.inner("training"));
}

void CifMminSettings::apply_preset(const std::string& preset) {
  if (preset != "quick") return;
  hidden = 64;
  blocks = 2;
  pretraining.constant_epochs = training.constant_epochs = 5;
  pretraining.decay_epochs = training.decay_epochs = 10;
  pretraining.learning_rate = training.learning_rate = 1e-3;
}

void CifMminSettings::validate(const std::string& section) const {
  check_some_epochs(section + ".training", training.constant_epochs + training.decay_epochs);
}

MethodDeclaration declare_cif_mmin() {
  return {.name = "cif_mmin",
          .title = "CIF-MMIN",
          .summary = "Imagination with contrastive modality-invariant features (Liu et al. 2024).",
          .settings = std::make_shared<CifMminSettings>(),
          .epochs = {{"cif_mmin.pretraining.constant_epochs", "cif_mmin.pretraining.decay_epochs"},
                     {"cif_mmin.training.constant_epochs", "cif_mmin.training.decay_epochs"}},
          .patience = {"cif_mmin.patience"},
          .search = {"cif_mmin.pretraining.learning_rate=log:5e-5..1e-3",
                     "cif_mmin.training.learning_rate=log:5e-5..1e-3",
                     "cif_mmin.training.dropout=0.2..0.6", "cif_mmin.imagination_weight=2,4,8,16"}};
}

}  // namespace hardy
