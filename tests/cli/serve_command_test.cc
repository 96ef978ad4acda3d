// `hardy serve` as a process: port, token, signals, exit codes.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "base/files.h"
#include "tests/cli/program.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using ::testing::HasSubstr;

/// Waits until a file holds a text; what it holds then.
std::string wait_for(const std::string& file, const std::string& text) {
  std::string contents;
  for (int i = 0; i < 500; ++i) {
    if (std::filesystem::exists(file)) contents = read_text_file(file);
    if (contents.find(text) != std::string::npos) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return contents;
}

class ServeCommand : public testing::Test {
 protected:
  ServeCommand() {
    EncoderConfig encoder;
    encoder.hidden = 8;
    encoder.decoder_width = 8;
    save_tensor_file(in("model"), test::random_bundle(test::bundle_info({3, 2}, 2, encoder)));
  }

  [[nodiscard]] std::string in(const char* name) const { return (dir_.path() / name).string(); }

  /// Starts the service; its log is in("log").
  [[nodiscard]] pid_t start() const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    const int log = ::open(in("log").c_str(), O_WRONLY | O_CREAT, 0644);
    ::dup2(log, STDERR_FILENO);
    ::execl(HARDY_PROGRAM, "hardy", "serve", in("model").c_str(), "--port", "0", nullptr);
    ::_exit(127);
  }

  test::TempDir dir_;
};

TEST_F(ServeCommand, ReloadsOnHangupAndStopsCleanlyOnTermination) {
  const pid_t child = start();
  EXPECT_THAT(wait_for(in("log"), "serving"), HasSubstr("on http://127.0.0.1:"));
  ::kill(child, SIGHUP);
  EXPECT_THAT(wait_for(in("log"), "reloaded"), HasSubstr("\"event\":\"reloaded the model\""));
  write_file_atomically(in("model"), "rubbish");
  ::kill(child, SIGHUP);
  EXPECT_THAT(wait_for(in("log"), "reload failed"), HasSubstr("the old model goes on"));
  ::kill(child, SIGTERM);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_THAT(read_text_file(in("log")), HasSubstr("stopping"));
}

TEST_F(ServeCommand, RefusesWhatItCannotServe) {
  EXPECT_EQ(test::run_hardy({"serve", in("nothing")}).exit_code, 4);
  EXPECT_EQ(test::run_hardy({"serve", in("model"), "--address", "nowhere"}).exit_code, 2);
  EXPECT_EQ(test::run_hardy({"serve", in("model"), "--max-body", "0"}).exit_code, 2);
  EXPECT_EQ(test::run_hardy({"serve", in("model"), "--corpus", in("nothing")}).exit_code, 3);
  write_file_atomically(in("token"), "short\n");
  const auto result = test::run_hardy({"serve", in("model"), "--token-file", in("token")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("use 16 or more"));
  const auto port = test::run_hardy({"serve", in("model"), "--port", "99999"});
  EXPECT_EQ(port.exit_code, 2);
  EXPECT_THAT(port.errors, HasSubstr("65535"));
}

}  // namespace
}  // namespace hardy
