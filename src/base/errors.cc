#include "hardy/errors.h"

namespace hardy {

void check(bool ok, const char* what, const char* file, int line) {
  if (ok) return;
  throw InternalError(std::string("internal error: ") + what + " (" + file + ":" +
                      std::to_string(line) + "); please report it");
}

}  // namespace hardy
