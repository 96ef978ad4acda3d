#include "hardy/core/files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "hardy/core/errors.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::message_of;
using test::TempDir;

/// Makes every write beyond `bytes` fail, as a full disk does, until it goes out of scope.
class WriteLimit {
 public:
  explicit WriteLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_);
    rlimit limit = old_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }

  WriteLimit(const WriteLimit&) = delete;
  WriteLimit& operator=(const WriteLimit&) = delete;

  ~WriteLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit old_{};
  void (*handler_)(int);
};

TEST(Files, WrittenTextComesBackAndParentsAreCreated) {
  const TempDir folder;
  const std::string text("one\0two\n", 8);
  write_file_atomically(folder / "a/b/c.txt", std::string_view(text));
  EXPECT_EQ(read_text_file(folder / "a/b/c.txt"), text);
  EXPECT_EQ(read_file(folder / "a/b/c.txt"), test::to_bytes(text));
}

TEST(Files, WritingReplacesTheOldContentsWhole) {
  const TempDir folder;
  write_file_atomically(folder / "f", std::string_view("a long first text"));
  write_file_atomically(folder / "f", std::string_view("short"));
  EXPECT_EQ(read_text_file(folder / "f"), "short");
  EXPECT_EQ(test::entry_count(folder.path()), 1);
}

TEST(Files, AFailedWriteKeepsTheOldFileAndLeavesNoOther) {
  const TempDir folder;
  write_file_atomically(folder / "f", std::string_view("old"));
  std::string message;
  {
    const WriteLimit limit(1000);
    message = message_of<IoError>(
        [&] { write_file_atomically(folder / "f", std::string_view(std::string(5000, 'x'))); });
  }
  EXPECT_NE(message.find("cannot be written"), std::string::npos) << message;
  EXPECT_EQ(read_text_file(folder / "f"), "old");
  EXPECT_EQ(test::entry_count(folder.path()), 1);
}

TEST(Files, AFolderThatCannotBeMadeIsNamed) {
  const TempDir folder;
  test::put_file(folder / "file", "");
  const auto message = message_of<IoError>(
      [&] { write_file_atomically(folder / "file/below/f", std::string_view("x")); });
  EXPECT_NE(message.find("file/below"), std::string::npos) << message;
}

TEST(Files, MissingFoldersAndOversizedFilesAreDataErrors) {
  const TempDir folder;
  EXPECT_NE(message_of<DataError>([&] { read_file(folder / "gone"); }).find("no such file"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { read_file(folder.path()); }).find("not a regular file"),
            std::string::npos);
  test::put_file(folder / "f", "12345");
  EXPECT_NE(message_of<DataError>([&] { read_file(folder / "f", 4); }).find("5 bytes are more"),
            std::string::npos);
  EXPECT_EQ(read_file(folder / "f", 5).size(), 5U);
}

}  // namespace
}  // namespace hardy
