// Files whose contents do not match their name.
#include "base/foreign.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/csv.h"
#include "formats/npy.h"
#include "formats/pickle.h"
#include "hardy/errors.h"
#include "hardy/tensor_file.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::message_of;
using testing::HasSubstr;

struct Sample {
  std::string bytes;
  const char* said;
};

std::vector<Sample> samples() {
  return {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n", "Git LFS pointer"},
      {"<!DOCTYPE html><html><title>Google Drive - Virus scan warning</title>", "a web page"},
      {"\n  <HTML>", "a web page"},
      {std::string("\x1f\x8b\x08\x00", 4) + "xxxx", "gzip"},
      {"\x89HDF\r\n\x1a\n....", "HDF5"},
      {"PK\x03\x04....", "torch.save"},
      {std::string("\0\5\x16\7\0\2\0\0", 8), "side file of a Mac"},
      {"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", "torch.save"},
      {std::string(600, '\0'), "zero bytes"}};
}

TEST(ForeignContents, EveryReaderSaysWhatItGot) {
  const test::TempDir folder;
  for (const auto& sample : samples()) {
    const std::string& bytes = sample.bytes;
    const char* said = sample.said;
    EXPECT_THAT(foreign_contents(bytes), HasSubstr(said));
    const auto file = folder / "file";
    test::put_file(file, bytes);
    EXPECT_THAT(message_of<DataError>([&] { load_npy(file); }), HasSubstr(said));
    EXPECT_THAT(message_of<DataError>([&] { load_pickle(file); }), HasSubstr(said));
    EXPECT_THAT(message_of<DataError>([&] { parse_csv(bytes, "t.csv"); }), HasSubstr(said));
    EXPECT_THAT(message_of<ArtifactError>([&] { load_tensor_file(file); }), HasSubstr(said));
  }
}

TEST(ForeignContents, OurOwnFilesAreNotForeign) {
  for (const std::string_view text :
       {"id,label\nu,1\n", "version,id\n", "(lp0\n.", "name = \"x\"\n"}) {
    EXPECT_EQ(foreign_contents(text), "") << text;
  }
}

TEST(SideFiles, AreTheOnesThatSystemsLeave) {
  for (const char* name : {"._a.npy", ".DS_Store", "__MACOSX", ".ipynb_checkpoints", "Thumbs.db"}) {
    EXPECT_TRUE(is_side_file(name)) << name;
  }
  for (const char* name : {"a.npy", "_a.npy", "__init__", "MACOSX"}) {
    EXPECT_FALSE(is_side_file(name)) << name;
  }
}

}  // namespace
}  // namespace hardy
