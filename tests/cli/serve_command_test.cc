// `hardy serve` as a process: port, token, signals, exit codes.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "tests/cli/program.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using ::testing::HasSubstr;

/// A connection to the service, with a timeout of ten seconds; -1 on failure.
int connect_to(std::uint16_t port) {
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{10, 0};
  ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return client;
  ::close(client);
  return -1;
}

/// Sends a request that closes the connection; the whole answer.
std::string ask(std::uint16_t port, const std::string& method, const std::string& path,
                const std::string& body = "") {
  const int client = connect_to(port);
  const std::string text = method + " " + path +
                           " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                           "Content-Type: application/json\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body;
  for (std::size_t done = 0; done < text.size();) {
    const auto put = ::send(client, text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (put <= 0) break;
    done += static_cast<std::size_t>(put);
  }
  std::string answer;
  char block[4096];
  for (auto got = ::recv(client, block, sizeof block, 0); got > 0;
       got = ::recv(client, block, sizeof block, 0)) {
    answer.append(block, static_cast<std::size_t>(got));
  }
  ::close(client);
  return answer;
}

/// Resident memory in bytes.
std::int64_t memory_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  file >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

/// CPU seconds so far.
double processor_time_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string word;
  double ticks = 0;
  for (int field = 1; field <= 15 && file >> word; ++field) {
    if (field >= 14) ticks += std::stod(word);
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Waits until a file contains a text; returns its contents.
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

  /// Starts the service; its log goes to `log`, a file or a pipe.
  [[nodiscard]] pid_t start_with(int log, const std::vector<std::string>& more = {},
                                 rlim_t files = 0) const {
    std::vector<std::string> words = {"hardy", "serve", in("model"), "--port", "0"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::dup2(log, STDERR_FILENO);
    const rlimit limit{files, files};
    if (files > 0) ::setrlimit(RLIMIT_NOFILE, &limit);
    ::execv(test::hardy_program(), pointers.data());
    ::_exit(127);
  }

  /// The same with its log in("log").
  [[nodiscard]] pid_t start(const std::vector<std::string>& more = {}, rlim_t files = 0) const {
    const int log = ::open(in("log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    const pid_t child = start_with(log, more, files);
    ::close(log);
    return child;
  }

  /// The port that the service printed.
  [[nodiscard]] std::uint16_t port() const {
    const std::string mark = "http://127.0.0.1:";
    const auto text = wait_for(in("log"), mark);
    return static_cast<std::uint16_t>(std::stoi(text.substr(text.find(mark) + mark.size())));
  }

  static int wait_status(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
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

TEST_F(ServeCommand, GivesMemoryBackAfterHostileBodies) {
  const pid_t child = start({"--quiet"});
  const auto at = port();
  const std::string good = R"({"features":{"m0":[1,2,3]}})";
  for (int i = 0; i < 20; ++i) EXPECT_THAT(ask(at, "POST", "/v1/predict", good), HasSubstr("200"));
  const auto fresh = memory_of(child);
  constexpr std::size_t kSize = 16 << 20;
  const auto filled = [](const std::string& head, const std::string& piece) {
    std::string text = head;
    while (text.size() + piece.size() <= kSize) text += piece;
    return text;
  };
  const std::vector<std::string> bodies = {
      std::string(kSize, '['),
      filled("", "{\"features\":"),
      filled(R"({"features":{"m0":[)", "0,"),
      filled(R"({"utterances":[)", "{},"),
      "{\"" + std::string(kSize - 10, 'x') + "\":0}",
      R"({"features":{"m0":{"base64":")" + std::string(kSize - 100, 'A') + "\"}}}"};
  std::vector<std::thread> threads;
  for (int i = 0; i < 14; ++i) {
    threads.emplace_back([&, i] {
      const auto answer = ask(at, "POST", "/v1/predict", bodies[static_cast<std::size_t>(i) % 6]);
      EXPECT_THAT(answer, testing::ContainsRegex("^HTTP/1.1 (400|413|422|503) ")) << i;
      EXPECT_LT(answer.size(), 2000U);  // the request is not echoed
    });
  }
  for (auto& thread : threads) thread.join();
  auto left = memory_of(child);
  for (int i = 0; i < 100 && left > fresh + (32 << 20); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    left = memory_of(child);
  }
  if (!test::kIsSanitized) {
    EXPECT_LE(left, fresh + (64 << 20));
  }
  EXPECT_THAT(ask(at, "POST", "/v1/predict", good), HasSubstr("200"));
  ::kill(child, SIGTERM);
  EXPECT_EQ(wait_status(child), 0);
}

TEST_F(ServeCommand, LivesOnWhenNobodyReadsItsLog) {
  int log[2];
  ASSERT_EQ(::pipe(log), 0);
  const pid_t child = start_with(log[1]);
  ::close(log[1]);
  std::string text;
  char block[512];
  const std::string mark = "http://127.0.0.1:";
  while (text.find('/', text.find(mark) + mark.size()) == text.npos) {
    const auto got = ::read(log[0], block, sizeof block);
    ASSERT_GT(got, 0);
    text.append(block, static_cast<std::size_t>(got));
  }
  const auto at = static_cast<std::uint16_t>(std::stoi(text.substr(text.find(mark) + mark.size())));
  // More lines than a pipe holds without a reader, then a closed pipe.
  for (int i = 0; i < 1000; ++i) EXPECT_THAT(ask(at, "GET", "/healthz"), HasSubstr("alive"));
  ::close(log[0]);
  for (int i = 0; i < 10; ++i) EXPECT_THAT(ask(at, "GET", "/healthz"), HasSubstr("alive"));
  ::kill(child, SIGTERM);
  EXPECT_EQ(wait_status(child), 0);
}

TEST_F(ServeCommand, ASecondSignalStopsAtOnce) {
  const pid_t child = start({"--grace", "60", "--request-timeout", "60"});
  const int client = connect_to(port());
  ::send(client, "POST /v1/predict HTTP/1.1\r\n", 27, MSG_NOSIGNAL);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  ::kill(child, SIGTERM);
  EXPECT_THAT(wait_for(in("log"), "stopping"), HasSubstr("stopping"));
  EXPECT_EQ(::waitpid(child, nullptr, WNOHANG), 0);  // the service waits for the request
  ::kill(child, SIGTERM);
  const int status = wait_status(child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  ::close(client);
}

TEST_F(ServeCommand, FewFileDescriptorsCostConnectionsNotTime) {
  const pid_t child = start({"--quiet"}, 64);
  const auto at = port();
  EXPECT_THAT(read_text_file(in("log")), HasSubstr("64 open files are allowed"));
  std::vector<int> held;
  for (int i = 0; i < 80; ++i) held.push_back(connect_to(at));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const double before = processor_time_of(child);
  EXPECT_THAT(ask(at, "GET", "/healthz"), HasSubstr("HTTP/1.1 503"));
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_LT(processor_time_of(child) - before, 0.2);
  for (const int client : held) ::close(client);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_THAT(ask(at, "GET", "/healthz"), HasSubstr("alive"));
  ::kill(child, SIGTERM);
  EXPECT_EQ(wait_status(child), 0);
}

TEST_F(ServeCommand, ManyHangUpsAreFewReloads) {
  const pid_t child = start();
  const auto at = port();
  std::filesystem::resize_file(in("model"), std::uintmax_t{64} << 30);  // a sparse file
  for (int i = 0; i < 1000; ++i) {
    ::kill(child, SIGHUP);
    if (i % 100 == 0) {
      EXPECT_THAT(ask(at, "GET", "/healthz"), HasSubstr("alive"));
    }
  }
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(ask(at, "POST", "/v1/predict", R"({"features":{"m0":[1,2,3]}})"), HasSubstr("200"));
  EXPECT_LT(memory_of(child), std::int64_t{512} << 20);
  ::kill(child, SIGTERM);
  EXPECT_EQ(wait_status(child), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(8));
  EXPECT_THAT(read_text_file(in("log")), HasSubstr("more than the 1073741824 that are allowed"));
}

TEST_F(ServeCommand, ConfinesItselfOnceItRuns) {
  if (test::kIsSanitized) GTEST_SKIP() << "sanitizers need more calls than a service";
  const pid_t child = start();
  const auto at = port();
  EXPECT_THAT(ask(at, "GET", "/metrics"), HasSubstr("process_resident_memory_bytes "));
  EXPECT_THAT(ask(at, "POST", "/v1/reload"), HasSubstr("200 OK"));
  const auto gaps = read_text_file(in("log"));
  if (gaps.find("not confined") != gaps.npos) GTEST_SKIP() << gaps;
  const auto tasks = "/proc/" + std::to_string(child) + "/task";
  int threads = 0;
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::ifstream file(task.path() / "status");
    const std::string status{std::istreambuf_iterator<char>(file), {}};
    EXPECT_THAT(status, HasSubstr("Seccomp:\t2"));
    EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
    ++threads;
  }
  EXPECT_GT(threads, 15);
  ::kill(child, SIGTERM);
  EXPECT_EQ(wait_status(child), 0);
}

TEST_F(ServeCommand, RefusesWhatItCannotServe) {
  EXPECT_EQ(test::run_hardy({"serve", in("nothing")}).exit_code, 4);
  EXPECT_EQ(test::run_hardy({"serve", in("model"), "--address", "nowhere"}).exit_code, 2);
  EXPECT_EQ(test::run_hardy({"serve", in("model"), "--max-body", "0"}).exit_code, 2);
  EXPECT_EQ(test::run_hardy({"serve", in("model"), "--max-work", "1000"}).exit_code, 2);
  EXPECT_EQ(test::run_hardy({"serve", in("model"), "--name", "a b"}).exit_code, 2);
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
