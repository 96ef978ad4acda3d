// Every input that fuzzing of weights and tokenizers kept (fuzz/corpus) goes through them again.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "base/files.h"
#include "fuzz/backbone_entry_points.h"
#include "tests/support/places.h"

namespace hardy {
namespace {

void expect_kept_files(const char* name,
                        const std::function<void(std::span<const std::byte>)>& run) {
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(test::fuzz_corpus_dir() / name)) {
    SCOPED_TRACE(file.path().string());
    EXPECT_NO_THROW(run(read_file(file.path())));
    ++files;
  }
  EXPECT_GE(files, 2);
}

TEST(BackboneFuzzRegression, KeptWeightsAreReadOrRefused) {
  expect_kept_files("weights", fuzz::run_weights);
}

TEST(BackboneFuzzRegression, KeptTokenizersAreReadOrRefused) {
  expect_kept_files("tokenizer", fuzz::run_tokenizer);
}

}  // namespace
}  // namespace hardy
