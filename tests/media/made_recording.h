// Tiny recordings made by the ffmpeg program for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/support/shared_data.h"

namespace hardy::test {

inline bool has_ffmpeg() {
  static const bool found = std::system("ffmpeg -version > /dev/null 2>&1") == 0;
  return found;
}

/// Runs ffmpeg; `arguments` are for a shell, `file` comes last.
inline bool make_recording(const std::string& arguments, const std::filesystem::path& file) {
  const std::string command =
      "ffmpeg -nostdin -v error -y " + arguments + " '" + file.string() + "'";
  return std::system(command.c_str()) == 0;
}

/// A source of sound for ffmpeg: an intermittent 200 Hz tone, `seconds` long.
inline std::string tone(double seconds) {
  return "-f lavfi -i \"aevalsrc='0.4*sin(2*PI*200*t)*(0.6+0.4*sin(2*PI*3*t))':s=16000:d=" +
         std::to_string(seconds) + "\" ";
}

/// A source of pictures: 64 x 48, 25 a second.
inline std::string pictures(double seconds) {
  return "-f lavfi -i testsrc=size=64x48:rate=25:duration=" + std::to_string(seconds) + " ";
}

}  // namespace hardy::test

/// Skips the test with a notice without the ffmpeg program, or fails it when CI=true.
#define HARDY_NEEDS_FFMPEG()                                              \
  do {                                                                    \
    if (!hardy::test::has_ffmpeg()) {                                     \
      ASSERT_FALSE(hardy::test::is_ci()) << "no ffmpeg program under CI"; \
      GTEST_SKIP() << "the ffmpeg program is not installed";              \
    }                                                                     \
  } while (false)
