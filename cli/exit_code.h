// Exit codes of the programs (docs/errors.md).
#pragma once

#include "hardy/errors.h"

namespace hardy {

enum class ExitCode : int {
  kOk = 0,
  kFinding = 1,  ///< an audit completed with a finding
  kConfig = 2,
  kData = 3,
  kArtifact = 4,
  kDivergence = 5,
  kIo = 6,
  kInternal = 70,     ///< a broken invariant of hardy: please report
  kInterrupted = 130  ///< SIGINT or SIGTERM
};

constexpr ExitCode exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kConfig:
      return ExitCode::kConfig;
    case ErrorKind::kData:
    case ErrorKind::kShape:
      return ExitCode::kData;
    case ErrorKind::kArtifact:
      return ExitCode::kArtifact;
    case ErrorKind::kDivergence:
      return ExitCode::kDivergence;
    case ErrorKind::kIo:
      return ExitCode::kIo;
    case ErrorKind::kInterrupted:
      return ExitCode::kInterrupted;
  }
  return ExitCode::kInternal;
}

}  // namespace hardy
