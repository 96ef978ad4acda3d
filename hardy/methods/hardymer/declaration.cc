// HARDY-MER as the config knows it; its settings are members of Config.
#include "hardy/config/method_settings.h"

namespace hardy {

MethodDeclaration declare_hardymer() {
  return {.name = "hardymer",
          .title = "HARDY-MER",
          .summary = "Hardness-aware curriculum with retrieved supports (arXiv 2508.06800).",
          .sections = {"tuning", "hardness", "retrieval", "recogniser", "published"}};
}

}  // namespace hardy
