// Owner of a file descriptor.
#pragma once

#include <unistd.h>

namespace hardy {

/// Closes a file descriptor when it goes out of scope. A negative number (a failed open) is kept,
/// for the caller to test.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  ~Descriptor() { close(); }

  [[nodiscard]] int number() const { return number_; }

  /// The result of close(2); 0 when nothing is open.
  int close() {
    const int number = number_;
    number_ = -1;
    return number >= 0 ? ::close(number) : 0;
  }

 private:
  int number_;
};

}  // namespace hardy
