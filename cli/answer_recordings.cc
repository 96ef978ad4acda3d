// hardy-extractor as the helper of a running service: each recording gets a process of its own, and
// a supervisor starts the helper again when it dies.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/checksum.h"
#include "base/descriptor.h"
#include "cli/extractor.h"
#include "cli/output.h"
#include "hardy/errors.h"
#include "media/extractor.h"
#include "media/recording_exchange.h"
#include "media/recording_job.h"
#include "serve/jail.h"

namespace hardy {
namespace {

/// Exit code of a helper whose networks differ from those that the service knows.
constexpr int kChanged = 3;

/// The ends of the pipes that a question comes with.
struct Pipes {
  int question = -1;
  int answer = -1;
};

/// Waits for the next question; false when the service is gone.
bool receive(int control, Pipes& pipes) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> space{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(control, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS ||
      header->cmsg_len != CMSG_LEN(2 * sizeof(int))) {
    return true;  // a message without pipes: nobody waits for an answer
  }
  std::array<int, 2> ends{};
  std::memcpy(ends.data(), CMSG_DATA(header), sizeof ends);
  pipes = {ends[0], ends[1]};
  return true;
}

/// The child: answers one question and ends.
[[noreturn]] void answer_and_exit(const Pipes& pipes, const MediaCommand& command,
                                  const ExtractOptions& options) {
  std::signal(SIGCHLD, SIG_DFL);  // decoders are waited for
  const auto seconds = static_cast<rlim_t>(command.cpu_seconds);
  const rlimit time{seconds, seconds};
  ::setrlimit(RLIMIT_CPU, &time);
  try {
    answer_recording(pipes.question, pipes.answer, options);
    ::_Exit(0);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInterrupted) {
      print_notice(fmt::format("hardy-extractor: {}", printable(error.what())));
    }
  } catch (const std::exception& error) {
    print_notice(fmt::format("hardy-extractor: {}", printable(error.what())));
  }
  ::_Exit(1);
}

/// Everything that extraction reads, read: a confined process opens no file, and each child has it
/// at once.
ExtractOptions loaded_options(const MediaCommand& command) {
  ExtractOptions options = extract_options(command.media);
  auto loaded = options.backbones == nullptr ? std::make_shared<Backbones>()
                                             : std::make_shared<Backbones>(*options.backbones);
  if (loaded->sound == nullptr) loaded->sound = make_acoustic_extractor();
  if (loaded->pictures == nullptr && options.wanted[2]) {
    loaded->pictures = make_face_extractor(options.cascade.string());
  }
  options.backbones = std::move(loaded);
  static_cast<void>(sha256(""));  // libcrypto reads its settings at first use
  return options;
}

void report(const std::string& gap) {
  if (!gap.empty()) print_notice("hardy: note: extraction: " + gap);
}

/// Leaves the helper its descriptors and /proc, where decoders find a recording (/proc/self/fd).
void confine_helper() { report(confine_files({"/proc"}, 0)); }

/// Leaves the supervisor what its helpers need to load the networks again: files to read, and
/// processes. Helpers and decoders inherit it.
void confine_supervisor() {
  static_cast<void>(confine_files({"/"}, 0));  // a helper reports the same gap
  report(confine_decoder_calls());
}

/// The helper proper: loads, tells its extractors through `told`, and answers until the service is
/// gone. `known`: encoded extractors of an earlier process, which must be the same.
void answer_questions(const MediaCommand& command, const std::string& known, int told) {
  std::signal(SIGCHLD, SIG_IGN);  // ended children leave nothing behind
  const ExtractOptions options = loaded_options(command);
  if (command.is_confined) confine_helper();
  const std::string makers = encode_makers(feature_makers(options));
  if (!known.empty() && makers != known) {
    print_notice(
        "hardy-extractor: error: the networks are others than before; restart the service");
    ::_Exit(kChanged);
  }
  if (::write(told, makers.data(), makers.size()) < 0) {
    throw IoError(fmt::format("the supervisor cannot be told: {}", std::strerror(errno)));
  }
  ::close(told);
  Pipes pipes;
  while (receive(command.control, pipes)) {
    if (pipes.question < 0) continue;
    const Descriptor question(pipes.question);
    const Descriptor answer(pipes.answer);
    const pid_t process = ::fork();
    if (process == 0) {
      ::close(command.control);
      answer_and_exit(pipes, command, options);
    }
    if (process < 0) {
      print_notice(fmt::format("hardy-extractor: no process: {}", std::strerror(errno)));
    }
    pipes = {};
  }
}

/// Starts the helper proper; returns the end of the pipe through which it tells its extractors.
int start_helper(const MediaCommand& command, const std::string& known, pid_t& process) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw IoError(fmt::format("no pipe for the extractor: {}", std::strerror(errno)));
  }
  Descriptor from(ends[0]);
  Descriptor to(ends[1]);
  process = ::fork();
  if (process < 0) {
    throw IoError(fmt::format("no process for the extractor: {}", std::strerror(errno)));
  }
  if (process > 0) return ::fcntl(from.number(), F_DUPFD_CLOEXEC, 0);  // `from` closes its number
  from.close();
  int code = 0;
  try {
    answer_questions(command, known, to.number());
  } catch (const std::exception& error) {
    print_notice(fmt::format("hardy-extractor: error: {}", printable(error.what())));
    code = 1;
  }
  ::_Exit(code);
}

/// Everything that a process writes; empty when it ends first.
std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> block;
  while (true) {
    const auto got = ::read(descriptor, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
}

/// Tells the service whether questions are answered now (RecordingClient::state).
void tell_service(int control, bool is_ready) {
  const char byte = is_ready ? kHelperReady : kHelperDown;
  static_cast<void>(::send(control, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT));
}

/// Waits; true when the service ends meanwhile.
bool is_service_gone_within(int control, std::chrono::milliseconds pause) {
  pollfd service{control, 0, 0};
  return ::poll(&service, 1, static_cast<int>(pause.count())) > 0;
}

std::string end_text(int status) {
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                             : fmt::format("exit code {}", WEXITSTATUS(status));
}

}  // namespace

// This process only supervises: it loads nothing and reads nothing of a stranger's.
void answer_recordings(const MediaCommand& command) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kShortestPause{100};
  constexpr std::chrono::milliseconds kLongestPause{60'000};
  constexpr std::chrono::seconds kHealthy{60};  // after this, an end is no failure of the start
  // The service decides when to stop: it closes the socket.
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(number, SIG_IGN);
  if (command.is_confined) confine_supervisor();
  std::string known;
  for (auto pause = kShortestPause;; pause = std::min(2 * pause, kLongestPause)) {
    const auto start = Clock::now();
    pid_t process = -1;
    Descriptor from(start_helper(command, known, process));
    const std::string told = read_all(from.number());
    from.close();
    if (!known.empty() && !told.empty()) tell_service(command.control, true);
    if (known.empty() && !told.empty()) {
      known = told;
      if (::send(command.control, known.data(), known.size(), MSG_NOSIGNAL) < 0) {
        throw IoError(fmt::format("the service cannot be told: {}", std::strerror(errno)));
      }
    }
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    const bool is_done =
        WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kChanged);
    if (known.empty() && WIFSIGNALED(status)) {
      print_notice(fmt::format("hardy-extractor: error: ended with {}", end_text(status)));
    }
    if (is_done || known.empty() || is_service_gone_within(command.control, {})) return;
    tell_service(command.control, false);
    if (Clock::now() - start > kHealthy) pause = kShortestPause;
    print_notice(
        fmt::format("hardy-extractor: note: the extractor has ended with {} and is "
                    "started again",
                    end_text(status)));
    if (is_service_gone_within(command.control, pause)) return;
  }
}

}  // namespace hardy
