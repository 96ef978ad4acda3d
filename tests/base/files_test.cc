#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/shared_files.h"
#include "hardy/errors.h"
#include "hardy/mapped_file.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"
#include "tests/support/write_limit.h"

namespace hardy {
namespace {

using test::message_of;
using test::TempDir;
using test::WriteLimit;

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

TEST(Files, AFolderInTheWayOfAFileIsNamedWithARemedy) {
  const TempDir folder;
  test::put_file(folder / "f/inside", "x");
  const auto message =
      message_of<IoError>([&] { write_file_atomically(folder / "f", std::string_view("text")); });
  EXPECT_NE(message.find("f: cannot be written: Is a directory; move away"), std::string::npos)
      << message;
  EXPECT_EQ(test::entry_count(folder.path()), 2);
}

TEST(Files, AFolderThatCannotBeMadeIsNamed) {
  const TempDir folder;
  test::put_file(folder / "file", "");
  const auto message = message_of<IoError>(
      [&] { write_file_atomically(folder / "file/below/f", std::string_view("x")); });
  EXPECT_NE(message.find("file/below"), std::string::npos) << message;
}

TEST(Files, AFolderIsFilledOutOfSightAndThenAppearsWhole) {
  const TempDir folder;
  std::filesystem::create_directories(folder / "empty");
  for (const char* name : {"new/below", "empty/"}) {
    write_folder_atomically(folder / name, [&](const std::filesystem::path& temporary) {
      write_file_atomically(temporary / "a/f", std::string_view("text"));
      EXPECT_FALSE(std::filesystem::exists(folder / name / "a"));
    });
    EXPECT_EQ(read_text_file(folder / name / "a/f"), "text");
  }
  EXPECT_EQ(test::entry_count(folder.path()), 7);
}

TEST(Files, AFolderThatCannotBeFilledLeavesNothingAndNamesWhatWasAskedFor) {
  const TempDir folder;
  std::string message;
  {
    const WriteLimit limit(1000);
    message = message_of<IoError>([&] {
      write_folder_atomically(folder / "out", [](const std::filesystem::path& temporary) {
        write_file_atomically(temporary / "small", std::string_view("x"));
        write_file_atomically(temporary / "large", std::string_view(std::string(5000, 'x')));
      });
    });
  }
  EXPECT_EQ(message.find((folder / "out/large").string() + ": cannot be written"), 0U) << message;
  EXPECT_NE(message.find("choose another folder"), std::string::npos) << message;
  EXPECT_THROW(write_folder_atomically(folder / "out",
                                       [](const auto&) { throw DataError("of the caller"); }),
               DataError);
  EXPECT_EQ(test::entry_count(folder.path()), 0);
}

TEST(Files, ATakenOrForbiddenFolderIsNamedWithoutTheTemporaryOne) {
  const TempDir folder;
  test::put_file(folder / "full/file", "x");
  const auto nothing = [](const std::filesystem::path&) {};
  for (const auto& taken : {folder / "full", std::filesystem::path("/proc/hardy-test")}) {
    const auto message = message_of<IoError>([&] { write_folder_atomically(taken, nothing); });
    EXPECT_EQ(message.find(taken.string() + ": cannot be written"), 0U) << message;
    EXPECT_EQ(message.find(".tmp-"), std::string::npos) << message;
  }
  EXPECT_EQ(test::entry_count(folder.path()), 2);
}

TEST(Files, WhatAKilledProcessLeftIsRemovedAfterADay) {
  const TempDir folder;
  const pid_t child = ::fork();
  if (child == 0) {
    write_folder_atomically(folder / "out", [](const std::filesystem::path& temporary) {
      test::put_file(temporary / "half", "x");
      ::_exit(9);
    });
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  test::put_file(folder / "notes", "not ours");
  ASSERT_EQ(test::entry_count(folder.path()), 3);
  write_folder_atomically(folder / "out", [](const std::filesystem::path&) {});
  EXPECT_EQ(test::entry_count(folder.path()), 4);  // its owner may be on another machine
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    std::filesystem::last_write_time(
        entry, std::filesystem::file_time_type::clock::now() - std::chrono::hours(25));
  }
  write_folder_atomically(folder / "other", [](const std::filesystem::path&) {});
  EXPECT_EQ(test::entry_count(folder.path()), 3);
  for (const char* kept : {"out", "other", "notes"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / kept)) << kept;
  }
}

TEST(Files, TemporaryNamesNeverMeetAndHideTheFinalOne) {
  std::set<std::filesystem::path> names;
  for (int i = 0; i < 1000; ++i) {
    names.insert(temporary_name("runs/events.out.tfevents.0000000000.hardy"));
  }
  EXPECT_EQ(names.size(), 1000U);
  for (const auto& name : names) {
    EXPECT_EQ(name.parent_path(), "runs");
    EXPECT_EQ(name.string().find("tfevents"), std::string::npos) << name;
    EXPECT_TRUE(is_temporary_name(name.filename().string()));
    EXPECT_LT(name.filename().string().size(), 100U);
  }
  EXPECT_NE(names.begin()->string().find(host_name()), std::string::npos);
  EXPECT_FALSE(is_temporary_name("events.out.tfevents.0000000000.hardy"));
}

TEST(Files, ANewFileIsMadeOnceHoweverManyProcessesTry) {
  const TempDir folder;
  constexpr int kProcesses = 16;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string text(100'000, static_cast<char>('a' + i));
      const bool is_first =
          write_new_file(folder / "sub" / "file", {std::as_bytes(std::span(text))});
      ::_exit(is_first ? 1 : 0);
    }
    children.push_back(child);
  }
  int first = 0;
  for (const auto child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    first += WEXITSTATUS(status);
  }
  EXPECT_EQ(first, 1);
  EXPECT_EQ(test::entry_count(folder / "sub"), 1);
  const std::string held = read_text_file(folder / "sub" / "file");
  EXPECT_EQ(held, std::string(100'000, held[0]));
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

TEST(Files, ANamedPipeIsRefusedInsteadOfWaitedFor) {
  const TempDir folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_NE(message_of<DataError>([&] { read_file(folder / "pipe"); }).find("not a regular file"),
            std::string::npos);
  EXPECT_NE(message_of<ArtifactError>([&] {
              MappedFile(folder / "pipe", Residence::kMapped);
            }).find("not a regular file"),
            std::string::npos);
}

}  // namespace
}  // namespace hardy
