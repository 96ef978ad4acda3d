/// @file
/// The failures that hardy reports: one type with a kind, the chain of contexts in which it
/// happened and, where one is known, a remedy.
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
  /// `message`: what happened, with which value and where. `remedy`: what to do about it; empty
  /// when the message ends with the remedy.
  Error(ErrorKind kind, std::string message, std::string remedy = {});

  /// The cause; selects the exit code and the HTTP status.
  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

  /// The message without contexts and remedy.
  [[nodiscard]] const std::string& message() const noexcept { return state_->message; }

  /// Empty when none is known.
  [[nodiscard]] const std::string& remedy() const noexcept { return state_->remedy; }

  /// Contexts, outermost first, e.g. {"fold 2, seed 1: unified", "corpus/labels.pkl"}.
  [[nodiscard]] const std::vector<std::string>& context() const noexcept { return state_->context; }

  /// Adds the current step or file as the outermost context. For handlers that rethrow:
  /// `catch (Error& error) { error.add_context(file); throw; }`.
  Error& add_context(std::string context);

  /// Contexts, message and remedy in one line; valid until the next add_context.
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

// One class per kind for the throwing side; none adds state. Handlers catch Error and compare
// Error::kind.

/// An Error of ErrorKind::kConfig.
class ConfigError : public Error {
 public:
  /// Arguments as those of Error.
  explicit ConfigError(std::string message, std::string remedy = {})
      : Error(ErrorKind::kConfig, std::move(message), std::move(remedy)) {}
};

/// An Error of ErrorKind::kData.
class DataError : public Error {
 public:
  /// Arguments as those of Error.
  explicit DataError(std::string message, std::string remedy = {})
      : Error(ErrorKind::kData, std::move(message), std::move(remedy)) {}
};

/// An Error of ErrorKind::kShape.
class ShapeError : public Error {
 public:
  /// Arguments as those of Error.
  explicit ShapeError(std::string message, std::string remedy = {})
      : Error(ErrorKind::kShape, std::move(message), std::move(remedy)) {}
};

/// An Error of ErrorKind::kArtifact.
class ArtifactError : public Error {
 public:
  /// Arguments as those of Error.
  explicit ArtifactError(std::string message, std::string remedy = {})
      : Error(ErrorKind::kArtifact, std::move(message), std::move(remedy)) {}
};

/// An Error of ErrorKind::kDivergence.
class DivergenceError : public Error {
 public:
  /// Arguments as those of Error.
  explicit DivergenceError(std::string message, std::string remedy = {})
      : Error(ErrorKind::kDivergence, std::move(message), std::move(remedy)) {}
};

/// An Error of ErrorKind::kIo.
class IoError : public Error {
 public:
  /// Arguments as those of Error.
  explicit IoError(std::string message, std::string remedy = {})
      : Error(ErrorKind::kIo, std::move(message), std::move(remedy)) {}
};

/// An Error of ErrorKind::kInterrupted.
class Interrupted : public Error {
 public:
  /// The message is fixed; the remedy is to repeat the command.
  Interrupted() : Error(ErrorKind::kInterrupted, "interrupted", "the same command resumes") {}
};

/// A bug in hardy: a broken invariant that no input can cause. Not an Error.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Throws InternalError with the caller's file and line when `ok` is false. For invariants of this
/// library only, never for the input of a user.
void check(bool ok, const char* what, const char* file = __builtin_FILE(),
           int line = __builtin_LINE());

}  // namespace hardy
