// The few kinds of failure hardy knows, by cause; each maps to one documented exit code.
#pragma once

#include <stdexcept>
#include <string>

namespace hardy {

/// Exit codes of every hardy program (docs/errors.md). 0 is success.
enum class ExitCode : int {
  kOk = 0,
  kFinding = 1,       ///< an audit did its work and found something that must not be
  kInternal = 70,     ///< a broken invariant of our own: please report
  kConfig = 2,        ///< a flag, option or config field
  kData = 3,          ///< a corpus, feature or label file, or a shape
  kArtifact = 4,      ///< a model, run folder or cache entry
  kDivergence = 5,    ///< training produced NaN or infinity
  kIo = 6,            ///< the system refused to read or write (full disk, read-only folder)
  kInterrupted = 130  ///< SIGINT or SIGTERM; the same command resumes
};

/// Base of everything a user can cause. what() says what happened, with which value, where, and
/// what to do about it.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& what) : std::runtime_error(what), code_(code) {}

  [[nodiscard]] ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// A flag, option or name is unknown, out of range or contradictory.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& what) : Error(ExitCode::kConfig, what) {}
};

/// A data file is missing, malformed or inconsistent; names file, record and remedy.
class DataError : public Error {
 public:
  explicit DataError(const std::string& what) : Error(ExitCode::kData, what) {}
};

/// Sizes at a public boundary disagree; names both.
class ShapeError : public Error {
 public:
  explicit ShapeError(const std::string& what) : Error(ExitCode::kData, what) {}
};

/// A model, run folder or cache entry is truncated, damaged or of an unsupported version.
class ArtifactError : public Error {
 public:
  explicit ArtifactError(const std::string& what) : Error(ExitCode::kArtifact, what) {}
};

/// The loss or a weight became NaN or infinite; names stage, fold, epoch.
class DivergenceError : public Error {
 public:
  explicit DivergenceError(const std::string& what) : Error(ExitCode::kDivergence, what) {}
};

/// The operating system refused to read or write.
class IoError : public Error {
 public:
  explicit IoError(const std::string& what) : Error(ExitCode::kIo, what) {}
};

/// The user asked to stop; work finished so far is kept.
class Interrupted : public Error {
 public:
  Interrupted() : Error(ExitCode::kInterrupted, "interrupted; the same command resumes") {}
};

/// An audit found what must not be; its report has been written already.
class AuditFinding : public Error {
 public:
  explicit AuditFinding(const std::string& what) : Error(ExitCode::kFinding, what) {}
};

/// Our own bug.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Throws InternalError with the caller's place when `ok` is false. For our invariants only, never
/// for what a user can cause.
void check(bool ok, const char* what, const char* file = __builtin_FILE(),
           int line = __builtin_LINE());

}  // namespace hardy
