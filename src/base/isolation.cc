#include "base/isolation.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

namespace hardy {

void Outlet::write(const void* data, std::size_t size) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const auto written = ::write(descriptor_, next, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) std::_Exit(IsolationLimits::kParentGone);
    next += written;
    size -= static_cast<std::size_t>(written);
  }
}

void Inlet::read(void* data, std::size_t size) {
  char* next = static_cast<char*>(data);
  while (size > 0) {
    pollfd waiting{descriptor_, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, IsolationLimits::kSilenceSeconds * 1000);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) throw StreamEnded("it gave no answer");
    const auto got = ::read(descriptor_, next, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw StreamEnded("it ended early");
    next += got;
    size -= static_cast<std::size_t>(got);
  }
}

std::uint64_t Inlet::read_number() {
  std::uint64_t number = 0;
  read(&number, sizeof number);
  return number;
}

std::uint64_t Inlet::read_number(std::uint64_t most) {
  const std::uint64_t number = read_number();
  if (number > most)
    throw StreamEnded(fmt::format("it sent {} where {} is the most", number, most));
  return number;
}

std::string Inlet::read_text(std::uint64_t most) {
  std::string text(static_cast<std::size_t>(read_number(most)), '\0');
  read(text.data(), text.size());
  return text;
}

}  // namespace hardy
