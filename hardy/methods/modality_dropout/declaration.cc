#include "hardy/config/method_settings.h"

namespace hardy {

MethodDeclaration declare_modality_dropout() {
  return {.name = "modality_dropout",
          .title = "Modality dropout",
          .summary =
              "Control: HARDY-MER's recogniser and training without hardness, retrieval and "
              "reconstruction.",
          .sections = {"recogniser"}};
}

}  // namespace hardy
