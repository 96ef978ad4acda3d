// Every input that fuzzing of forms and messages kept (fuzz/corpus) goes through them again.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "base/files.h"
#include "fuzz/exchange_entry_points.h"
#include "tests/support/places.h"

namespace hardy {
namespace {

void expect_kept_messages(const char* name,
                          const std::function<void(std::span<const std::byte>)>& run) {
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(test::fuzz_corpus_dir() / name)) {
    SCOPED_TRACE(file.path().string());
    EXPECT_NO_THROW(run(read_file(file.path())));
    ++files;
  }
  EXPECT_GT(files, 5);
}

TEST(ServeFuzzRegression, KeptFormsAreReadOrRefused) {
  expect_kept_messages("multipart", fuzz::run_multipart);
}

TEST(ServeFuzzRegression, KeptMessagesAreReadOrRefused) {
  expect_kept_messages("recording_exchange", fuzz::run_recording_exchange);
}

}  // namespace
}  // namespace hardy
