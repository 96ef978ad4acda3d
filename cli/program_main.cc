// The entry point of hardy and of the programs beside it.
#include <csignal>

#include "hardy/version.h"

int main(int argc, char** argv) {
  // A file that reaches the limit of its size is an error with a message, not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  return hardy::run_program({argv, argv + argc});
}
