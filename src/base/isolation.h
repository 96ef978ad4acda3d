// Work in a separate process, for libraries that a damaged file can crash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "hardy/errors.h"

namespace hardy {

/// The child's stream ended before what was expected; run_isolated says why.
class StreamEnded : public DataError {
 public:
  using DataError::DataError;
};

/// The child's end: what is written arrives at the parent's Inlet.
class Outlet {
 public:
  explicit Outlet(int descriptor) : descriptor_(descriptor) {}

  /// Writes all bytes. Ends the child when the parent has stopped reading.
  void write(const void* data, std::size_t size);

  void write_number(std::uint64_t number) { write(&number, sizeof number); }

  void write_text(const std::string& text) {
    write_number(text.size());
    write(text.data(), text.size());
  }

 private:
  int descriptor_;
};

/// The parent's end of the pipe. Data of the child is untrusted: it is bounded and checked here.
class Inlet {
 public:
  explicit Inlet(int descriptor) : descriptor_(descriptor) {}

  /// Fills `data`. Throws DataError when the child ended early, or was silent for
  /// IsolationLimits::kSilenceSeconds.
  void read(void* data, std::size_t size);

  std::uint64_t read_number();

  /// A number up to `most`. Throws DataError when it is larger.
  std::uint64_t read_number(std::uint64_t most);

  /// A text of at most `most` bytes.
  std::string read_text(std::uint64_t most);

 private:
  int descriptor_;
};

/// Resource limits of the child.
struct IsolationLimits {
  static constexpr int kSilenceSeconds = 120;
  static constexpr int kParentGone = 4;  ///< exit status of a child whose parent no longer reads
  std::uint64_t memory = std::uint64_t{8} << 30;  ///< bytes beyond what this process has mapped
  std::uint64_t cpu_seconds = 600;
};

/// Forks; the child runs `work` and ends; the parent meanwhile runs `consume`, which reads the
/// child's output. The child has a copy of this process's memory, no standard error and default
/// signals; it must not use locks that other threads may hold. `name` stands for the file in
/// messages. Throws what `consume` throws; if that is DataError because the child crashed or
/// exceeded its limits, the message says so. Throws IoError when no process can be created.
void run_isolated(const std::string& name, const IsolationLimits& limits,
                  const std::function<void(Outlet&)>& work,
                  const std::function<void(Inlet&)>& consume);

}  // namespace hardy
