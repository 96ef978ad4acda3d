#include "hardy/errors.h"

namespace hardy {

Error::Error(ErrorKind kind, std::string message, std::string remedy) : kind_(kind) {
  State state{std::move(message), std::move(remedy), {}, {}};
  state.text = state.remedy.empty() ? state.message : state.message + "; " + state.remedy;
  state_ = std::make_shared<const State>(std::move(state));
}

Error& Error::add_context(std::string context) {
  State state = *state_;
  state.text.insert(0, context + ": ");
  state.context.insert(state.context.begin(), std::move(context));
  state_ = std::make_shared<const State>(std::move(state));
  return *this;
}

void check(bool ok, const char* what, const char* file, int line) {
  if (ok) return;
  throw InternalError(std::string("internal error: ") + what + " (" + file + ":" +
                      std::to_string(line) + "); please report it");
}

}  // namespace hardy
