// Reads every input in fuzz/corpus again.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "base/files.h"
#include "fuzz/corpus_entry_points.h"
#include "fuzz/entry_points.h"
#include "tests/support/places.h"

namespace hardy {
namespace {

using Entry = void (*)(std::span<const std::byte>);

const std::map<std::string, Entry> kEntries = {
    {"config", fuzz::run_config},
    {"corpus_pickle", fuzz::run_corpus_pickle},
    {"csd", fuzz::run_csd},
    {"hdf5", fuzz::run_hdf5},
    {"label_csv", fuzz::run_label_csv},
    {"label_json", fuzz::run_label_json},
    {"npy", fuzz::run_npy},
    {"npz", fuzz::run_npz},
    {"pickle", fuzz::run_pickle},
    {"plain_csv", fuzz::run_plain_csv},
    {"run_folder", fuzz::run_run_folder},
    {"tensor_file", fuzz::run_tensor_file},
    {"torch_checkpoint", fuzz::run_torch_checkpoint},
};

class FuzzRegression : public testing::TestWithParam<std::string> {};

TEST_P(FuzzRegression, KeptInputsAreReadOrRefused) {
  int files = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(test::fuzz_corpus_dir() / GetParam())) {
    SCOPED_TRACE(file.path().string());
    EXPECT_NO_THROW(kEntries.at(GetParam())(read_file(file.path())));
    ++files;
  }
  EXPECT_GT(files, 5);
}

INSTANTIATE_TEST_SUITE_P(Readers, FuzzRegression,
                         testing::Values("config", "corpus_pickle", "csd", "hdf5", "label_csv",
                                         "label_json", "npy", "npz", "pickle", "plain_csv",
                                         "run_folder", "tensor_file", "torch_checkpoint"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace hardy
