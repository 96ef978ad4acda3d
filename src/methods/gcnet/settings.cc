#include "methods/gcnet/settings.h"

#include "config/fields.h"
#include "hardy/errors.h"

namespace hardy {

void GcnetSettings::describe(FieldTable& table) {
  table.add("hidden", &hidden, IntegerRange{2, kMaxWidth},
            {"Width of the first recurrent layer per direction; even. Graph layers are half as "
             "wide.",
             "Larger: more capacity; cost grows with the square."});
  table.add("past", &past, IntegerRange{0, 1000},
            {"Utterances before an utterance that its messages reach.", "More context."});
  table.add("future", &future, IntegerRange{0, 1000},
            {"Utterances after an utterance that its messages reach.", "More context."});
  table.add("speakers", &speakers, IntegerRange{1, 16},
            {"Speakers of a dialogue that are told apart, in order of appearance; later ones count "
             "as the last.",
             "Relations of the speaker graph grow with the square."});
  table.add("dropout", &dropout, NumberRange{0, 1, false, true},
            {"Share of activations dropped between recurrent layers.",
             "Larger: less overfitting, slower fit."});
  table.add("reconstruction_weight", &reconstruction_weight, NumberRange{0, 1000},
            {"Weight of the reconstruction of missing modalities.", "0 trains on labels alone."});
  table.add("epochs", &epochs, IntegerRange{1, kMaxEpochs},
            {"Passes over the training part.", "More: a longer run."});
  table.add("patience", &patience, IntegerRange{0, kMaxEpochs},
            {"Epochs without a better validation loss before training stops; 0 = never.",
             "Small: shorter training; the best epoch is kept."});
  describe_optimiser(table.inner("optimiser"), optimiser);
}

void GcnetSettings::apply_preset(const std::string& preset) {
  if (preset != "quick") return;
  hidden = 32;
  epochs = 15;
  optimiser.batch = 8;
}

void GcnetSettings::validate(const std::string& section) const {
  if (hidden % 2 != 0) {
    throw ConfigError(section + ".hidden must be even: graph layers are half as wide");
  }
}

MethodDeclaration declare_gcnet() {
  return {.name = "gcnet",
          .title = "GCNet",
          .summary = "Speaker and temporal graphs over a dialogue (Lian et al. 2023).",
          .settings = std::make_shared<GcnetSettings>(),
          .epochs = {{"gcnet.epochs"}},
          .patience = {"gcnet.patience"},
          .search = {"gcnet.optimiser.learning_rate=log:1e-4..3e-3", "gcnet.dropout=0.2..0.6",
                     "gcnet.optimiser.weight_decay=log:1e-6..1e-3",
                     "gcnet.reconstruction_weight=0.1,0.3,1,3"}};
}

}  // namespace hardy
