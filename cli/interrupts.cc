#include "cli/interrupts.h"

#include <csignal>
#include <string_view>

#include <unistd.h>

namespace hardy {
namespace {

std::atomic<bool> stop_flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only use such");

void handle(int /*signal*/) {
  stop_flag.store(true);
  constexpr std::string_view kMessage =
      "\nhardy: stopping after the current step; once more to end at once\n";
  // A failed write in a handler cannot be handled.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
}

}  // namespace

const std::atomic<bool>& catch_interrupts() {
  struct sigaction action {};

  action.sa_handler = handle;
  action.sa_flags =
      static_cast<int>(SA_RESETHAND);  // restores the default effect for the second signal
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction inherited {};

    sigaction(signal, nullptr, &inherited);
    // If the parent (a shell's background job) ignores the signal, it stays ignored.
    if (inherited.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
  return stop_flag;
}

}  // namespace hardy
