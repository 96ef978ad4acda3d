// Reads every transcript and table in fuzz/corpus again.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "base/files.h"
#include "fuzz/media_entry_points.h"
#include "tests/support/places.h"

namespace hardy {
namespace {

void expect_kept_inputs(const char* name,
                        const std::function<void(std::span<const std::byte>)>& run) {
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(test::fuzz_corpus_dir() / name)) {
    SCOPED_TRACE(file.path().string());
    EXPECT_NO_THROW(run(read_file(file.path())));
    ++files;
  }
  EXPECT_GT(files, 5);
}

TEST(MediaFuzzRegression, KeptTranscriptsAreReadOrRefused) {
  expect_kept_inputs("transcript", fuzz::run_transcript);
}

TEST(MediaFuzzRegression, KeptTablesAreReadOrRefused) {
  expect_kept_inputs("segment_table", fuzz::run_segment_table);
}

}  // namespace
}  // namespace hardy
