#include "methods/momke/settings.h"

#include "config/fields.h"

namespace hardy {

void MomkeSettings::describe(FieldTable& table) {
  table.add("hidden", &hidden, IntegerRange{2, kMaxWidth},
            {"Width of every representation; a multiple of `heads`.",
             "Larger: more capacity; cost grows with the square."});
  table.add("depth", &depth, IntegerRange{1, 64},
            {"Attention layers of each expert.", "More context mixing, longer epochs."});
  table.add("heads", &heads, IntegerRange{1, 256},
            {"Attention heads per layer.", "Splits `hidden` into this many attentions."});
  table.add("dropout", &dropout, NumberRange{0, 1, false, true},
            {"Share of activations (and of router logits) dropped in training.",
             "Larger: less overfitting, slower fit."});
  table.add("complete_epochs", &complete_epochs, IntegerRange{0, kMaxEpochs},
            {"Epochs of stage 1: complete data, every expert on its own modality.",
             "Published: 100 (IEMOCAP), 50 (MOSEI), 150 (MOSI)."});
  table.add("pattern_epochs", &pattern_epochs, IntegerRange{0, kMaxEpochs},
            {"Epochs of stage 2: patterns, experts mixed by the routers.",
             "Published: 100 (IEMOCAP), 50 (MOSEI), 150 (MOSI)."});
  table.add("patience", &patience, IntegerRange{0, kMaxEpochs},
            {"Epochs without a better validation loss before a stage stops; 0 = never.",
             "Small: shorter training; the best epoch is kept."});
  describe_optimiser(table.inner("optimiser"), optimiser);
}

void MomkeSettings::apply_preset(const std::string& preset) {
  if (preset != "quick") return;
  hidden = 64;
  depth = 2;
  dropout = 0.3;
  complete_epochs = 5;
  pattern_epochs = 10;
  optimiser.learning_rate = 1e-3;
}

void MomkeSettings::validate(const std::string& section) const {
  check_heads(section, hidden, heads);
  check_some_epochs(section, complete_epochs + pattern_epochs);
}

MethodDeclaration declare_momke() {
  return {.name = "momke",
          .title = "MoMKE",
          .summary = "Mixture of modality experts joined by routers (Xu et al. 2024).",
          .settings = std::make_shared<MomkeSettings>(),
          .epochs = {{"momke.complete_epochs"}, {"momke.pattern_epochs"}},
          .patience = {"momke.patience"},
          .search = {"momke.optimiser.learning_rate=log:3e-5..1e-3", "momke.dropout=0.2..0.6",
                     "momke.optimiser.weight_decay=log:1e-6..1e-3"}};
}

}  // namespace hardy
