// The failures hardy reports: one type with a kind, the chain of contexts in which it happened and,
// where there is one, a remedy.
#pragma once

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace hardy {

/// Causes of a failure. The command line maps each to an exit code (docs/errors.md), the service to
/// an HTTP status.
enum class ErrorKind {
  kConfig,      ///< a flag, option or name is unknown, out of range or contradictory
  kData,        ///< a data file is missing, malformed or inconsistent
  kShape,       ///< sizes at a public boundary disagree
  kArtifact,    ///< a model, run folder or cache entry is damaged or of an unsupported version
  kDivergence,  ///< the loss or a weight became NaN or infinite
  kIo,          ///< the operating system refused to read or write, or memory ran out
  kInterrupted  ///< the user asked to stop; work finished so far is kept
};

/// A failure that a user can cause. what() is "outer context: inner context: message; remedy".
/// Copies share their text until one of them gets a context.
class Error : public std::exception {
 public:
  /// `message` says what happened, with which value and where; `remedy` what to do about it, unless
  /// the message ends with that already.
  Error(ErrorKind kind, std::string message, std::string remedy = {});

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

  /// Without contexts and remedy.
  [[nodiscard]] const std::string& message() const noexcept { return state_->message; }

  [[nodiscard]] const std::string& remedy() const noexcept { return state_->remedy; }

  /// Outermost first, e.g. {"fold 2, seed 1: unified", "corpus/labels.pkl"}.
  [[nodiscard]] const std::vector<std::string>& context() const noexcept { return state_->context; }

  /// Adds what was being done or read as the outermost context. For handlers that rethrow:
  /// `catch (Error& error) { error.add_context(file); throw; }`.
  Error& add_context(std::string context);

  [[nodiscard]] const char* what() const noexcept override { return state_->text.c_str(); }

 private:
  struct State {
    std::string message;
    std::string remedy;
    std::vector<std::string> context;
    std::string text;
  };

  ErrorKind kind_;
  std::shared_ptr<const State> state_;  ///< never null; copying an exception must not throw
};

// The spellings of the throwing side: each fixes the kind and adds nothing. Handlers catch Error
// and ask for its kind.

class ConfigError : public Error {
 public:
  explicit ConfigError(std::string message, std::string remedy = {})
      : Error(ErrorKind::kConfig, std::move(message), std::move(remedy)) {}
};

class DataError : public Error {
 public:
  explicit DataError(std::string message, std::string remedy = {})
      : Error(ErrorKind::kData, std::move(message), std::move(remedy)) {}
};

class ShapeError : public Error {
 public:
  explicit ShapeError(std::string message, std::string remedy = {})
      : Error(ErrorKind::kShape, std::move(message), std::move(remedy)) {}
};

class ArtifactError : public Error {
 public:
  explicit ArtifactError(std::string message, std::string remedy = {})
      : Error(ErrorKind::kArtifact, std::move(message), std::move(remedy)) {}
};

class DivergenceError : public Error {
 public:
  explicit DivergenceError(std::string message, std::string remedy = {})
      : Error(ErrorKind::kDivergence, std::move(message), std::move(remedy)) {}
};

class IoError : public Error {
 public:
  explicit IoError(std::string message, std::string remedy = {})
      : Error(ErrorKind::kIo, std::move(message), std::move(remedy)) {}
};

class Interrupted : public Error {
 public:
  Interrupted() : Error(ErrorKind::kInterrupted, "interrupted", "the same command resumes") {}
};

/// A bug of hardy's own.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Throws InternalError with the caller's place when `ok` is false. For invariants of our own only,
/// never for what a user can cause.
void check(bool ok, const char* what, const char* file = __builtin_FILE(),
           int line = __builtin_LINE());

}  // namespace hardy
