#include "hardy/method_settings.h"

namespace hardy {

MethodDeclaration declare_modality_dropout() {
  return {
      .name = "modality_dropout",
      .title = "Modality dropout",
      .summary =
          "Control: HARDY-MER's recogniser and training without hardness, retrieval and "
          "reconstruction.",
      .sections = {"hardymer.recogniser"},
      .is_control = true,
      .takes_one_modality = true,
      .epochs = {{"hardymer.recogniser.complete_epochs"}, {"hardymer.recogniser.pattern_epochs"}},
      .patience = {"hardymer.recogniser.patience"},
      .search = {"hardymer.recogniser.optimiser.learning_rate=log:1e-4..2e-3",
                 "hardymer.recogniser.encoder.dropout=0.2..0.6",
                 "hardymer.recogniser.optimiser.weight_decay=log:1e-6..1e-3"}};
}

}  // namespace hardy
