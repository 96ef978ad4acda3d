// Questions to a helper that answers well, badly, late or never.
#include "serve/recording_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <csignal>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "hardy/errors.h"

namespace hardy {
namespace {

using State = RecordingOutcome::State;

constexpr std::chrono::seconds kPatience{20};
const std::array<FeatureMaker, 3> kMakers = {{{"a", 2}, {"t", 1}, {"v", 3}}};

RecordingAnswer two_utterances() {
  RecordingAnswer answer;
  answer.segments.resize(2);
  answer.segments[0].segment.id = "clip_001";
  answer.segments[0].segment.text = "caf\xE9";  // Latin-1: names and texts are bytes
  answer.segments[0].modalities[0].values = {1, 2};
  answer.segments[0].modalities[1].reason = "it has no transcript";
  answer.segments[1].segment.start_s = 1.5;
  answer.segments[1].segment.end_s = 2.5;
  answer.segments[1].modalities[2].values = {3, 4, 5};
  answer.notes = {"a note"};
  return answer;
}

/// A helper in a thread; `work` gets the ends of the pipes.
class FakeHelper {
 public:
  explicit FakeHelper(std::function<void(int question, int answer)> work) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    control = ends[0];
    thread_ = std::thread([end = ends[1], work = std::move(work)] {
      char byte = 0;
      iovec data{&byte, 1};
      alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> space{};
      msghdr message{};
      message.msg_iov = &data;
      message.msg_iovlen = 1;
      message.msg_control = space.data();
      message.msg_controllen = space.size();
      if (::recvmsg(end, &message, 0) == 1) {
        std::array<int, 2> pipes{};
        std::memcpy(pipes.data(), CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof pipes);
        work(pipes[0], pipes[1]);
        ::close(pipes[0]);
        ::close(pipes[1]);
      }
      ::close(end);
    });
  }

  FakeHelper(const FakeHelper&) = delete;
  FakeHelper& operator=(const FakeHelper&) = delete;

  ~FakeHelper() { thread_.join(); }

  int control = -1;

 private:
  std::thread thread_;
};

/// Everything until the writer's end.
std::string read_to_end(int descriptor) {
  std::string text;
  char block[4096];
  for (auto got = ::read(descriptor, block, sizeof block); got > 0;
       got = ::read(descriptor, block, sizeof block)) {
    text.append(block, static_cast<std::size_t>(got));
  }
  return text;
}

void say(int descriptor, const std::string& text) {
  EXPECT_EQ(::write(descriptor, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

State ask_once(std::function<void(int, int)> work, RecordingAnswer* answer = nullptr,
               const std::function<bool()>& is_gone = {},
               std::chrono::seconds patience = kPatience) {
  std::signal(SIGPIPE, SIG_IGN);  // as the service does
  FakeHelper helper(std::move(work));
  const RecordingClient client(helper.control, kMakers);
  const std::string recording(300'000, 'x');  // more than a pipe holds
  auto outcome = client.ask({}, recording, patience, is_gone);
  if (answer != nullptr) *answer = outcome.answer;
  return outcome.state;
}

TEST(RecordingClient, BringsTheRecordingAndTheAnswer) {
  RecordingAnswer answer;
  std::string asked;
  const State state = ask_once(
      [&](int question, int reply) {
        asked = read_to_end(question);
        say(reply, encode_answer(two_utterances()));
      },
      &answer);
  EXPECT_EQ(state, State::kAnswered);
  EXPECT_TRUE(asked.ends_with(std::string(300'000, 'x')));
  ASSERT_EQ(answer.segments.size(), 2U);
  EXPECT_EQ(answer.segments[0].segment.id, "clip_001");
  EXPECT_EQ(answer.segments[0].segment.text, "caf\xE9");
  EXPECT_TRUE(std::isinf(answer.segments[0].segment.end_s));
  EXPECT_EQ(answer.segments[0].modalities[0].values, (std::vector<float>{1, 2}));
  EXPECT_EQ(answer.segments[0].modalities[1].reason, "it has no transcript");
  EXPECT_EQ(answer.segments[1].segment.end_s, 2.5);
  EXPECT_EQ(answer.notes, std::vector<std::string>{"a note"});
}

TEST(RecordingClient, AnEarlyRefusalNeedsNotReadTheRecording) {
  RecordingAnswer refusal;
  refusal.field = "recording";
  refusal.is_too_large = true;
  RecordingAnswer answer;
  EXPECT_EQ(ask_once([&](int, int reply) { say(reply, encode_answer(refusal)); }, &answer),
            State::kAnswered);
  EXPECT_EQ(answer.field, "recording");
  EXPECT_TRUE(answer.is_too_large);
}

TEST(RecordingClient, AProcessThatEndsOrTalksNonsenseIsNoAnswer) {
  EXPECT_EQ(ask_once([](int, int) {}), State::kEnded);
  EXPECT_EQ(ask_once([](int, int reply) { say(reply, "nonsense"); }), State::kEnded);
  auto bytes = encode_answer(two_utterances());
  bytes.resize(bytes.size() / 2);
  EXPECT_EQ(ask_once([&](int, int reply) { say(reply, bytes); }), State::kEnded);
  auto wide = two_utterances();
  wide.segments[0].modalities[0].values = {1, 2, 3};
  EXPECT_EQ(ask_once([&](int, int reply) { say(reply, encode_answer(wide)); }), State::kEnded);
  auto infinite = two_utterances();
  infinite.segments[0].modalities[0].values[1] = std::nanf("");
  EXPECT_EQ(ask_once([&](int, int reply) { say(reply, encode_answer(infinite)); }), State::kEnded);
}

TEST(RecordingClient, TimeHangUpsAndAMissingHelperEndTheWait) {
  // The helper sees the end of its pipe when the client gives up.
  const auto wait = [](int question, int) { read_to_end(question); };
  EXPECT_EQ(ask_once(wait, nullptr, [] { return true; }), State::kGone);
  EXPECT_EQ(ask_once(wait, nullptr, {}, std::chrono::seconds(0)), State::kTooSlow);
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
  ::close(ends[1]);
  const RecordingClient client(ends[0], kMakers);
  EXPECT_EQ(client.ask({}, "x", kPatience, {}).state, State::kNoHelper);
}

TEST(RecordingExchange, QuestionsComeBackAndDamageIsRefused) {
  RecordingQuestion question;
  question.name = "cl\xEFp.mp4";
  question.transcript = std::string("a\0b", 3);
  question.wanted = {true, false, true};
  question.max_utterances = 7;
  question.max_recording_s = 600;
  const auto bytes = encode_question(question);
  const auto read = decode_question(bytes);
  EXPECT_EQ(read.name, question.name);
  EXPECT_EQ(read.transcript, question.transcript);
  EXPECT_EQ(read.wanted, question.wanted);
  EXPECT_EQ(read.max_utterances, 7);
  EXPECT_THROW(decode_question(bytes.substr(1)), DataError);
  EXPECT_THROW(decode_makers(bytes), DataError);
  EXPECT_EQ(decode_makers(encode_makers(kMakers))[2].width, 3);
}

TEST(RecordingExchange, AnAnswerFromACompromisedExtractorIsRefused) {
  const auto refused = [](const std::function<void(ExtractedSegment&)>& change) {
    auto answer = two_utterances();
    change(answer.segments[1]);
    EXPECT_THROW(decode_answer(encode_answer(answer), kMakers), DataError);
  };
  refused([](auto& each) { each.segment.start_s = std::nan(""); });
  refused([](auto& each) { each.segment.start_s = -1; });
  refused([](auto& each) { each.segment.end_s = each.segment.start_s; });
  refused([](auto& each) { each.seconds = HUGE_VAL; });
  refused([](auto& each) { each.faces = 1; });  // of no picture
  // A value for each byte: without a limit, parsing would use up the stack.
  EXPECT_THROW(decode_answer(std::string(1 << 22, '\x81'), kMakers), DataError);
}

TEST(RecordingClient, TheSupervisorSaysWhetherTheHelperAnswers) {
  using Helper = RecordingClient::HelperState;
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
  const RecordingClient client(ends[0], kMakers);
  EXPECT_EQ(client.state(), Helper::kReady);
  say(ends[1], {kHelperDown});
  EXPECT_EQ(client.state(), Helper::kRestarting);
  EXPECT_EQ(client.ask({}, "x", kPatience, {}).state, State::kBusy);
  say(ends[1], {kHelperReady});
  EXPECT_EQ(client.state(), Helper::kReady);
  ::close(ends[1]);
  EXPECT_EQ(client.state(), Helper::kLost);
}

}  // namespace
}  // namespace hardy
