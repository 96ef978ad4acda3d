// HARDY-MER as the config knows it; its settings are members of Config.
#include "hardy/method_settings.h"

namespace hardy {

MethodDeclaration declare_hardymer() {
  return {.name = "hardymer",
          .title = "HARDY-MER",
          .summary = "Hardness-aware curriculum with retrieved supports (arXiv 2508.06800).",
          .sections = {"tuning", "hardness", "retrieval", "recogniser", "published"},
          .epochs = {{"tuning.epochs"},
                     {"hardness.complete_epochs"},
                     {"hardness.pattern_epochs"},
                     {"recogniser.complete_epochs"},
                     {"recogniser.pattern_epochs"}},
          .patience = {"tuning.patience", "hardness.patience", "recogniser.patience"},
          .search = {"recogniser.optimiser.learning_rate=log:1e-4..2e-3",
                     "recogniser.encoder.dropout=0.2..0.6",
                     "recogniser.optimiser.weight_decay=log:1e-6..1e-3", "retrieval.k=1,3,5,7",
                     "hardness.alpha1=0.2,0.4,0.6,0.8"}};
}

}  // namespace hardy
