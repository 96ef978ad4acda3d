// Owners of a folder in separate processes.
#include "pipeline/folder_owner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using std::chrono::milliseconds;
using test::message_of;
using test::TempDir;
using ::testing::HasSubstr;

constexpr OwnerTimes kBrief = {.beat = milliseconds(50), .stale = milliseconds(1000)};

/// An owner file of another machine, touched `age` ago.
void put_foreign_owner(const TempDir& folder, std::chrono::seconds age) {
  test::put_file(folder / FolderOwner::kFile,
                 R"({"host": "node7", "pid": 4711, "boot": "b", "pid_namespace": "n",
                     "process_start": "1", "nonce": "0123456789abcdef"})");
  std::filesystem::last_write_time(folder / FolderOwner::kFile,
                                   std::filesystem::file_time_type::clock::now() - age);
}

/// Starts a process that owns the folder until it is killed.
pid_t start_owner(const std::filesystem::path& folder) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      const FolderOwner owner(folder, kBrief);
      std::this_thread::sleep_for(std::chrono::minutes(1));
    } catch (const IoError&) {
      ::_exit(6);
    }
    ::_exit(0);
  }
  return child;
}

void wait_for(const std::filesystem::path& file) {
  while (!std::filesystem::exists(file)) std::this_thread::sleep_for(milliseconds(2));
}

TEST(FolderOwner, IsGoneWithTheObject) {
  const TempDir folder;
  {
    const FolderOwner owner(folder.path());
    owner.check();
    EXPECT_EQ(test::entry_count(folder.path()), 1);
    EXPECT_THROW(FolderOwner::refuse_if_owned(folder.path()), IoError);
  }
  EXPECT_EQ(test::entry_count(folder.path()), 0);
  FolderOwner::refuse_if_owned(folder.path());
  FolderOwner::refuse_if_owned(folder / "absent");
}

TEST(FolderOwner, AKilledProcessOfThisMachineHoldsNothing) {
  const TempDir folder;
  const pid_t child = start_owner(folder.path());
  wait_for(folder / FolderOwner::kFile);
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_THAT(message_of<IoError>([&] { const FolderOwner owner(folder.path()); }),
              HasSubstr("process " + std::to_string(child) + " on "));
  ::kill(child, SIGKILL);
  // Also while only its exit status remains, as in a container without an init process.
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  { const FolderOwner owner(folder.path()); }
  ::waitpid(child, nullptr, 0);
}

TEST(FolderOwner, AnOwnerOnAnotherMachineIsBelievedUntilItIsSilent) {
  const TempDir folder;
  put_foreign_owner(folder, std::chrono::seconds(10));
  EXPECT_THAT(message_of<IoError>([&] { const FolderOwner owner(folder.path()); }),
              HasSubstr("process 4711 on node7"));
  put_foreign_owner(folder, std::chrono::seconds(91));
  const FolderOwner owner(folder.path());
  owner.check();
}

TEST(FolderOwner, ALongRunningOwnerKeepsItsFileFresh) {
  const TempDir folder;
  const FolderOwner owner(folder.path(), kBrief);
  std::filesystem::last_write_time(
      folder / FolderOwner::kFile,
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  for (int i = 0; i < 200; ++i) {
    const auto age = std::filesystem::file_time_type::clock::now() -
                     std::filesystem::last_write_time(folder / FolderOwner::kFile);
    if (age < std::chrono::minutes(1)) return;
    std::this_thread::sleep_for(milliseconds(10));
  }
  FAIL() << "no sign of life";
}

TEST(FolderOwner, AHalfWrittenFileIsThatOfAProcessJustStarting) {
  const TempDir folder;
  test::put_file(folder / FolderOwner::kFile, "{\"host\": \"no");
  EXPECT_THAT(message_of<IoError>([&] { const FolderOwner owner(folder.path()); }),
              HasSubstr("a process that is just starting"));
}

TEST(FolderOwner, OfManyProcessesOneOwnsAFolderAndOneTakesOverADeadOne) {
  for (const bool is_taken_over : {false, true}) {
    const TempDir folder;
    if (is_taken_over) put_foreign_owner(folder, std::chrono::seconds(200));
    std::vector<pid_t> children;
    for (int i = 0; i < 12; ++i) children.push_back(start_owner(folder.path()));
    int refused = 0;
    while (refused < 11) {
      int status = 0;
      ASSERT_GT(::waitpid(-1, &status, 0), 0);
      ASSERT_EQ(WEXITSTATUS(status), 6);
      ++refused;
    }
    const auto json = nlohmann::json::parse(read_text_file(folder / FolderOwner::kFile));
    const auto winner = json.at("pid").get<pid_t>();
    EXPECT_THAT(children, ::testing::Contains(winner));
    EXPECT_EQ(::waitpid(winner, nullptr, WNOHANG), 0);  // it is alive
    for (const auto child : children) ::kill(child, SIGKILL);
    ::waitpid(winner, nullptr, 0);
    EXPECT_EQ(test::entry_count(folder.path()), 1);  // no temporary file stays
  }
}

}  // namespace
}  // namespace hardy
