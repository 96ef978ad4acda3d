// `hardy serve --media` as a process: recordings over a real socket, bad ones, clients that hang
// up, a helper that stands still or is lost.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "tests/cli/program.h"
#include "tests/media/made_recording.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

std::string media_part(const std::string& name, const std::string& contents,
                       const std::string& file = "") {
  return "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"" +
         (file.empty() ? "" : "; filename=\"" + file + "\"") + "\r\n\r\n" + contents + "\r\n";
}

std::string media_request(const std::string& body, const std::string& more = "") {
  return "POST /v1/media HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
         "Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + more + "\r\n" + body;
}

/// A file of /proc, which says it has no size.
std::string proc_text(pid_t process, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(process) + "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A connection that the test may close when it likes.
class MediaClient {
 public:
  explicit MediaClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    set_patience({60, 0});
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }

  MediaClient(const MediaClient&) = delete;
  MediaClient& operator=(const MediaClient&) = delete;

  ~MediaClient() { ::close(socket_); }

  void send(const std::string& text) const {
    for (std::size_t done = 0; done < text.size();) {
      const auto put = ::send(socket_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
      if (put <= 0) return;
      done += static_cast<std::size_t>(put);
    }
  }

  void set_patience(timeval patience) const {
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  [[nodiscard]] std::string read() const {
    std::string answer;
    char block[4096];
    for (auto got = ::recv(socket_, block, sizeof block, 0); got > 0;
         got = ::recv(socket_, block, sizeof block, 0)) {
      answer.append(block, static_cast<std::size_t>(got));
    }
    return answer;
  }

 private:
  int socket_;
};

class ServeMedia : public testing::Test {
 protected:
  void SetUp() override {
    HARDY_NEEDS_FFMPEG();
    ASSERT_TRUE(test::make_recording(
        test::pictures(2) + test::tone(2) + "-c:v mpeg4 -c:a aac -shortest", in("clip.mp4")));
    BundleInfo info = test::bundle_info({88, 268, 270}, 3, EncoderConfig{});
    info.modalities[0].name = "acoustic";
    info.modalities[1].name = "textual";
    info.modalities[2].name = "visual";
    info.makers = {"hardy-acoustic-1", "hardy-text-1", "hardy-face-2"};
    save_tensor_file(in("model"), test::random_bundle(info));
  }

  void TearDown() override { stop(); }

  [[nodiscard]] std::string in(const char* name) const { return (dir_.path() / name).string(); }

  /// Starts a service and waits for its port.
  void start(std::vector<std::string> more = {"--media"}) {
    std::vector<std::string> words = {"hardy", "serve", in("model"), "--port", "0"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const int log = ::open(in("log").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    service_ = ::fork();
    if (service_ == 0) {
      ::dup2(log, STDERR_FILENO);
      ::execv(test::hardy_program(), pointers.data());
      ::_exit(127);
    }
    ::close(log);
    const std::string mark = "http://127.0.0.1:";
    for (int i = 0; i < 3000; ++i) {
      const std::string text = read_text_file(in("log"));
      const auto at = text.find(mark);
      if (at != text.npos && text.find('/', at + mark.size()) != text.npos) {
        port_ = static_cast<std::uint16_t>(std::stoi(text.substr(at + mark.size())));
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    FAIL() << read_text_file(in("log"));
  }

  void stop() {
    if (service_ <= 0) return;
    ::kill(service_, SIGTERM);
    int status = 0;
    ::waitpid(service_, &status, 0);
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
    service_ = -1;
  }

  [[nodiscard]] std::string ask(const std::string& text) const {
    const MediaClient client(port_);
    client.send(text);
    return client.read();
  }

  /// The answer to a form.
  [[nodiscard]] std::string post(const std::string& parts, const std::string& more = "") const {
    return ask(media_request(parts + "--XX--\r\n", more));
  }

  [[nodiscard]] std::string clip() const {
    return media_part("recording", read_text_file(in("clip.mp4")), "clip.mp4");
  }

  /// The first child of a process; -1 when it has none.
  static pid_t child_of(pid_t parent) {
    const std::string number = std::to_string(parent);
    std::ifstream file("/proc/" + number + "/task/" + number + "/children");
    pid_t process = -1;
    file >> process;
    return process;
  }

  /// The process that the service started.
  [[nodiscard]] pid_t supervisor() const { return child_of(service_); }

  /// The process that answers questions.
  [[nodiscard]] pid_t helper() const { return child_of(supervisor()); }

  /// Asks until /readyz says that recordings are in `state`, at most half a minute.
  [[nodiscard]] std::string readiness(const std::string& state) const {
    std::string answer;
    for (int i = 0; i < 3000; ++i) {
      answer = ask("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      if (answer.find("\"" + state + "\"") != answer.npos) return answer;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return answer;
  }

  static Json body_of(const std::string& answer) {
    return Json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  }

  test::TempDir dir_;
  pid_t service_ = -1;
  std::uint16_t port_ = 0;
};

TEST_F(ServeMedia, GivesTheAnswersOfThePredictCommand) {
  const std::string srt =
      "1\n00:00:00,000 --> 00:00:01,000\nAnn: good day\n\n2\n00:00:01,000 --> 00:00:02,000\nBob: "
      "bye\n";
  test::put_file(in("clip.srt"), srt);
  start();
  const auto answer = post(clip() + media_part("transcript", srt, "clip.srt"));
  ASSERT_THAT(answer, HasSubstr("200 OK"));
  const auto predicted = test::run_hardy(
      {"predict", in("model"), "--media", in("clip.mp4"), "--json", "--no-media-cache"});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.errors;
  std::istringstream lines(predicted.output);
  std::string line;
  const Json answers = body_of(answer)["predictions"];
  ASSERT_EQ(answers.size(), 2U);
  for (const auto& own : answers) {
    ASSERT_TRUE(std::getline(lines, line));
    Json other = Json::parse(line);
    other.erase("format");
    other["media"] = "clip.mp4";
    EXPECT_EQ(own, other);
  }
  EXPECT_EQ(answers.at(1).at("text").get<std::string>(), "Bob: bye");
  EXPECT_EQ(answers.at(0).at("absent").at("visual").get<std::string>(),
            "no face was found in its pictures");
}

TEST_F(ServeMedia, GivesTheAnswersOfThePredictCommandUnderFewerModalities) {
  start();
  const auto answer = post(clip() + media_part("options", R"({"available": ["acoustic"]})"));
  ASSERT_THAT(answer, HasSubstr("200 OK"));
  const auto predicted = test::run_hardy({"predict", in("model"), "--media", in("clip.mp4"),
                                          "--available", "acoustic", "--json", "--no-media-cache"});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.errors;
  Json other = Json::parse(predicted.output.substr(0, predicted.output.find('\n')));
  other.erase("format");
  other["media"] = "clip.mp4";
  EXPECT_EQ(body_of(answer)["predictions"][0], other);
}

TEST_F(ServeMedia, FeaturesComeBackForFurtherQuestions) {
  start();
  const auto answer = post(clip() + media_part("options", R"({"features": true})"));
  ASSERT_THAT(answer, HasSubstr("200 OK"));
  const Json first = body_of(answer)["predictions"][0];
  const Json question = {{"features", first["features"]}};
  const std::string body = question.dump();
  const auto predicted =
      ask("POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
          "Content-Type: application/json\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body);
  ASSERT_THAT(predicted, HasSubstr("200 OK"));
  EXPECT_EQ(body_of(predicted)["probabilities"], first["probabilities"]);
}

TEST_F(ServeMedia, BadRecordingsAreRefusedWithTheReason) {
  ASSERT_TRUE(test::make_recording(test::pictures(1) + "-c:v mpeg4", in("silent.mp4")));
  start();
  const std::string whole = read_text_file(in("clip.mp4"));
  const auto refusal = [&](const std::string& parts) {
    const Json error = body_of(post(parts))["error"];
    return std::to_string(error["status"].get<int>()) + " " + error.value("field", "") + ": " +
           error["reason"].get<std::string>();
  };
  EXPECT_THAT(refusal(media_part("recording", "no recording at all", "a.mp4")),
              HasSubstr("422 recording: a.mp4: cannot be read as a recording"));
  EXPECT_THAT(refusal(media_part("recording", whole.substr(0, whole.size() / 2), "a.mp4")),
              HasSubstr("422 recording: a.mp4"));
  EXPECT_THAT(refusal(media_part("recording", "#EXTM3U\n/etc/passwd\n", "a.m3u8")),
              HasSubstr("422 recording"));
  EXPECT_THAT(refusal(media_part("recording", read_text_file(in("silent.mp4")), "a.mp4")),
              HasSubstr("422 recording: no utterance has a modality"));
  EXPECT_THAT(refusal(clip() + media_part("transcript", "WEBVTT\n\n", "a.vtt")),
              HasSubstr("422 transcript"));
  EXPECT_THAT(refusal(media_part("options", "{}")), HasSubstr("400 recording: is missing"));
  EXPECT_THAT(ask(media_request(clip())), HasSubstr("400 Bad Request"));  // no last boundary
  EXPECT_THAT(post(clip(), "Origin: http://elsewhere.example\r\n"), HasSubstr("403 Forbidden"));
  EXPECT_THAT(post(clip()), HasSubstr("200 OK"));
}

TEST_F(ServeMedia, LimitsAreCheckedBeforeTheBodyIsRead) {
  start({"--media", "--max-recording", "1000", "--max-recording-length", "1"});
  const MediaClient client(port_);
  client.send(
      "POST /v1/media HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000000\r\n"
      "Content-Type: multipart/form-data; boundary=XX\r\n\r\n");
  EXPECT_THAT(client.read(), HasSubstr("413 Payload Too Large"));
  // Within the size of a body but not of a recording.
  EXPECT_THAT(post(clip()), HasSubstr("is larger than 1000 bytes"));
  stop();
  start({"--media", "--max-recording-length", "1"});
  EXPECT_THAT(post(clip()), HasSubstr("is longer than 1 s, the limit"));
  // The larger limit is that of recordings alone.
  EXPECT_THAT(ask("POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000\r\n"
                  "Content-Type: application/json\r\n\r\n"),
              HasSubstr("the body is larger than 16777216 bytes"));
}

TEST_F(ServeMedia, WithoutTheOptionOrTheExtractorItSaysSo) {
  start({});
  EXPECT_THAT(post(clip()), HasSubstr("501 Not Implemented"));
  stop();
  std::filesystem::copy_file(test::hardy_program(), in("hardy"));
  const auto alone =
      in("hardy") + " serve '" + in("model") + "' --media --port 0 2> '" + in("errors") + "'";
  EXPECT_EQ(WEXITSTATUS(std::system(alone.c_str())), 2);
  EXPECT_THAT(read_text_file(in("errors")), HasSubstr("needs hardy-extractor"));
  BundleInfo info = test::bundle_info({3, 2}, 2, EncoderConfig{});
  save_tensor_file(in("model"), test::random_bundle(info));
  const auto other = test::run_hardy({"serve", in("model"), "--media", "--port", "0"});
  EXPECT_EQ(other.exit_code, 3);
  EXPECT_THAT(other.errors, HasSubstr("the model reads m0, m1"));
}

// The container of this recording states no length.
TEST_F(ServeMedia, TheLengthIsThatOfTheDecodedRecording) {
  ASSERT_TRUE(test::make_recording(test::tone(8) + "-c:a flac", in("long.flac")));
  std::string unknown = read_text_file(in("long.flac"));
  // The number of samples, 36 bits: the lower half of byte 21 and the four after it.
  for (std::size_t i = 22; i < 26; ++i) unknown[i] = 0;
  unknown[21] = static_cast<char>(unknown[21] & '\xF0');
  start({"--media", "--max-recording-length", "5"});
  const auto cut = [](const std::string& way) {
    return media_part("options", R"({"cut": ")" + way + "\"}");
  };
  for (const char* way : {"auto", "whole", "pauses"}) {
    const auto refused = post(media_part("recording", unknown, "a.flac") + cut(way));
    EXPECT_THAT(refused, HasSubstr("413 Payload Too Large")) << way;
    EXPECT_THAT(refused, HasSubstr("is longer than 5 s, the limit")) << way;
  }
}

TEST_F(ServeMedia, RecordingsThatStillArriveHoldNoPlace) {
  start({"--media", "--max-recordings", "1", "--request-timeout", "3"});
  const std::string text = media_request(clip() + "--XX--\r\n");
  const MediaClient slow(port_);
  slow.send(text.substr(0, text.size() / 2));
  EXPECT_THAT(post(clip()), HasSubstr("200 OK"));
  EXPECT_EQ(slow.read(), "");  // nothing came for three seconds: closed
}

TEST_F(ServeMedia, ClientsThatHangUpLeaveTheirPlaceToOthers) {
  start({"--media", "--max-recordings", "1"});
  const std::string text = media_request(clip() + "--XX--\r\n");
  ::kill(helper(), SIGSTOP);
  {
    const MediaClient waiting(port_);
    waiting.send(text);
    std::string answer;
    for (int i = 0; i < 200 && answer.find("503 ") == answer.npos; ++i) {
      const MediaClient other(port_);
      other.send(text.substr(0, text.find("\r\n\r\n") + 4));
      const timeval moment{0, 20'000};
      other.set_patience(moment);
      answer = other.read();
    }
    EXPECT_THAT(answer, HasSubstr("1 recordings are in work"));
  }
  ::kill(helper(), SIGCONT);
  std::string answer;
  for (int i = 0; i < 200 && answer.find("200 OK") == answer.npos; ++i) {
    answer = post(clip());
    // A refusal comes at once, the news that the client is gone a moment later.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_THAT(answer, HasSubstr("200 OK"));
}

TEST_F(ServeMedia, AHelperThatDiesIsStartedAgain) {
  start();
  const pid_t first = helper();
  ASSERT_GT(first, 0);
  EXPECT_THAT(readiness("ready"), HasSubstr(R"("recordings":"ready")"));
  ::kill(first, SIGKILL);
  pid_t second = -1;
  for (int i = 0; i < 3000 && (second <= 0 || second == first); ++i) {
    second = helper();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_GT(second, 0);
  std::string answer;
  for (int i = 0; i < 3000 && answer.find("200 OK") == answer.npos; ++i) {
    answer = post(clip());
    if (answer.find("200 OK") == answer.npos) {
      EXPECT_THAT(answer, HasSubstr("the extractor is not ready; try again in a second"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_THAT(answer, HasSubstr("200 OK"));
  EXPECT_THAT(readiness("ready"), HasSubstr(R"("recordings":"ready")"));
  EXPECT_THAT(read_text_file(in("log")), HasSubstr("has ended with signal 9 and is started again"));
}

TEST_F(ServeMedia, AHelperThatStandsStillOrIsLostCostsRecordingsOnly) {
  start({"--media", "--media-timeout", "1"});
  const pid_t stopped = helper();
  ASSERT_GT(stopped, 0);
  ::kill(stopped, SIGSTOP);
  EXPECT_THAT(post(clip()), HasSubstr("504 Gateway Timeout"));
  ::kill(supervisor(), SIGKILL);
  ::kill(stopped, SIGKILL);
  EXPECT_THAT(readiness("lost"), HasSubstr(R"({"status":"ready","recordings":"lost"})"));
  const auto answer = post(clip());
  EXPECT_THAT(answer, HasSubstr("503 Service Unavailable"));
  EXPECT_THAT(answer, HasSubstr("the extractor has ended; restart the service"));
  EXPECT_THAT(ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
              HasSubstr("alive"));
}

TEST_F(ServeMedia, HelperAndSupervisorAreConfinedAndEndWithTheService) {
  if (test::kIsSanitized) GTEST_SKIP() << "sanitized programs keep their rights";
  start();
  const pid_t process = helper();
  ASSERT_GT(process, 0);
  ASSERT_THAT(proc_text(process, "cmdline"), HasSubstr("answer-recordings"));
  const auto own = proc_text(service_, "status");
  for (const pid_t each : {process, supervisor()}) {
    const auto status = proc_text(each, "status");
    EXPECT_EQ(status.find("Seccomp:\t2") == status.npos, own.find("Seccomp:\t2") == own.npos);
    EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
  }
  stop();
  std::string line = "x";
  for (int i = 0; i < 500 && !line.empty(); ++i) {  // a zombie's command line is empty, too
    line = proc_text(process, "cmdline");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(line, "");
}

}  // namespace
}  // namespace hardy
