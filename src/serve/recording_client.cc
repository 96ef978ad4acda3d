#include "serve/recording_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/descriptor.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

using Clock = std::chrono::steady_clock;
using State = RecordingOutcome::State;

/// An answer of 512 utterances with the widest networks' features is below a tenth of this.
constexpr std::size_t kLargestAnswer = std::size_t{64} << 20;
constexpr int kPollMs = 100;

/// A pipe; the end of this process does not block.
struct Pipe {
  explicit Pipe(bool writes_here) {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    ::fcntl(ends[writes_here ? 1 : 0], F_SETFL, O_NONBLOCK);
  }

  [[nodiscard]] bool is_open() const { return ends[0] >= 0; }

  std::array<int, 2> ends = {-1, -1};
};

/// Hands the other ends to the helper; 0 or the error number.
int hand_over(int control, int question, int answer) {
  char byte = 'r';
  iovec data{&byte, 1};
  const std::array<int, 2> ends = {question, answer};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof ends)> space{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof ends);
  std::memcpy(CMSG_DATA(header), ends.data(), sizeof ends);
  return ::sendmsg(control, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : errno;
}

std::string size_bytes(std::uint64_t size) {
  std::string bytes(sizeof size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  return bytes;
}

/// Sends the pieces and reads the answer until its end.
class Exchange {
 public:
  Exchange(Descriptor& to, int from, std::array<std::string_view, 2> pieces)
      : to_(to), from_(from), pieces_(pieces) {}

  State run(Clock::time_point end, const std::function<bool()>& is_gone) {
    while (true) {
      if (is_gone && is_gone()) return State::kGone;
      if (Clock::now() >= end) return State::kTooSlow;
      std::array<pollfd, 2> polled = {{{from_, POLLIN, 0}, {to_.number(), POLLOUT, 0}}};
      if (::poll(polled.data(), polled.size(), kPollMs) < 0 && errno != EINTR) return State::kEnded;
      if (polled[1].revents != 0) send();
      if (polled[0].revents != 0 && !receive()) return is_whole_ ? State::kAnswered : State::kEnded;
    }
  }

  [[nodiscard]] const std::string& answer() const { return answer_; }

 private:
  /// Writes what the pipe takes. A process that reads no more will say why, or end.
  void send() {
    while (next_ < pieces_.size()) {
      auto& piece = pieces_[next_];
      const auto put = piece.empty() ? 0 : ::write(to_.number(), piece.data(), piece.size());
      if (put < 0) {
        if (errno != EAGAIN && errno != EINTR) to_.close();
        return;
      }
      piece.remove_prefix(static_cast<std::size_t>(put));
      if (piece.empty()) ++next_;
    }
    to_.close();
  }

  /// False at the end.
  bool receive() {
    std::array<char, 1 << 16> block;
    const auto got = ::read(from_, block.data(), block.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) {
      is_whole_ = !answer_.empty();
      return false;
    }
    answer_.append(block.data(), static_cast<std::size_t>(got));
    return answer_.size() <= kLargestAnswer;
  }

  Descriptor& to_;
  int from_;
  std::array<std::string_view, 2> pieces_;
  std::size_t next_ = 0;
  std::string answer_;
  bool is_whole_ = false;
};

}  // namespace

RecordingClient::~RecordingClient() { ::close(control_); }

RecordingClient::HelperState RecordingClient::state() const {
  char byte = 0;
  while (::recv(control_, &byte, 1, MSG_DONTWAIT) == 1) is_down_ = byte == kHelperDown;
  pollfd polled{control_, 0, 0};
  const bool is_closed = ::poll(&polled, 1, 0) > 0 && (polled.revents & (POLLHUP | POLLERR)) != 0;
  if (is_closed) return HelperState::kLost;
  return is_down_ ? HelperState::kRestarting : HelperState::kReady;
}

RecordingOutcome RecordingClient::ask(const RecordingQuestion& question, std::string_view recording,
                                      std::chrono::seconds patience,
                                      const std::function<bool()>& is_gone) const {
  RecordingOutcome outcome;
  const auto helper = state();
  if (helper != HelperState::kReady) {
    outcome.state = helper == HelperState::kLost ? State::kNoHelper : State::kBusy;
    return outcome;
  }
  const auto end = Clock::now() + patience;
  const Pipe questions(true);
  const Pipe answers(false);
  Descriptor their_question(questions.ends[0]);
  Descriptor to(questions.ends[1]);
  const Descriptor from(answers.ends[0]);
  Descriptor their_answer(answers.ends[1]);
  const bool is_open = questions.is_open() && answers.is_open();
  const int error =
      is_open ? hand_over(control_, their_question.number(), their_answer.number()) : EMFILE;
  if (error != 0) {
    const bool is_ended = error == EPIPE || error == ECONNRESET || error == ENOTCONN;
    outcome.state = is_ended ? State::kNoHelper : State::kBusy;
    return outcome;
  }
  their_question.close();
  their_answer.close();
  const std::string asked = encode_question(question);
  const std::string head = size_bytes(asked.size()) + asked + size_bytes(recording.size());
  Exchange exchange(to, from.number(), {head, recording});
  outcome.state = exchange.run(end, is_gone);
  if (outcome.state != State::kAnswered) return outcome;
  try {
    outcome.answer = decode_answer(exchange.answer(), makers_);
  } catch (const DataError&) {
    outcome.state = State::kEnded;
  }
  return outcome;
}

}  // namespace hardy
