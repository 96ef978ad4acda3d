// Operations that a confined service can no longer perform.
#include "serve/jail.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/files.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

/// Runs `attempt` in a separate process; returns its error number, 0 for success.
template <typename Attempt>
int error_in_child(const Attempt& attempt) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(attempt());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

int open_error(const std::filesystem::path& path, int flags) {
  return ::open(path.c_str(), flags, 0600) < 0 ? errno : 0;
}

int bind_error(std::uint16_t port) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  if (made < 0) return errno;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::bind(made, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

bool has_landlock() {
  return error_in_child([] { return confine_files({}, 0).empty() ? 0 : 1; }) == 0;
}

bool has_seccomp() {
  return error_in_child([] { return confine_calls().empty() ? 0 : 1; }) == 0;
}

TEST(Jail, ReadsOnlyWhatItWasGivenAndWritesNothing) {
  if (!has_landlock()) GTEST_SKIP() << "this kernel has no Landlock";
  const test::TempDir dir;
  write_file_atomically(dir.path() / "model" / "file", "x");
  write_file_atomically(dir.path() / "secret", "x");
  const auto confined = [&](auto attempt) {
    return error_in_child([&] {
      if (!confine_files({dir.path() / "model"}, 0).empty()) return 254;
      int result = 0;
      std::thread([&] { result = attempt(); }).join();  // threads inherit it
      return result;
    });
  };
  EXPECT_EQ(confined([&] { return open_error(dir.path() / "model" / "file", O_RDONLY); }), 0);
  EXPECT_EQ(confined([&] { return open_error(dir.path() / "secret", O_RDONLY); }), EACCES);
  EXPECT_EQ(confined([&] { return open_error("/etc/passwd", O_RDONLY); }), EACCES);
  EXPECT_EQ(confined([&] { return open_error(dir.path() / "model" / "file", O_WRONLY); }), EACCES);
  EXPECT_EQ(confined([&] { return open_error(dir.path() / "model" / "new", O_CREAT | O_WRONLY); }),
            EACCES);
  EXPECT_EQ(confined([] {
              ::execl("/bin/true", "true", nullptr);
              return errno;
            }),
            EACCES);
}

TEST(Jail, CallsThatAServiceDoesNotNeedFail) {
  if (!has_seccomp()) GTEST_SKIP() << "this kernel or build has no seccomp";
  const auto confined = [](auto attempt) {
    return error_in_child([&] { return confine_calls().empty() ? attempt() : 254; });
  };
  EXPECT_EQ(confined([] { return bind_error(0); }), EPERM);
  EXPECT_EQ(confined([] { return ::fork() < 0 ? errno : 0; }), EPERM);
  EXPECT_EQ(confined([] {
              ::execl("/bin/true", "true", nullptr);
              return errno;
            }),
            EPERM);
  EXPECT_EQ(confined([] { return ::unlink("/nothing") == 0 ? 0 : errno; }), EPERM);
  EXPECT_EQ(confined([] {
              int made = 0;
              std::thread([&] { made = 7; }).join();  // threads are still possible
              return made;
            }),
            7);
}

}  // namespace
}  // namespace hardy
