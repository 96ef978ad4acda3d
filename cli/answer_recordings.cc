// hardy-extractor as the helper of a running service: each recording gets a process of its own.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
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

/// Gives up all rights but those to start decoders, which read recordings in /proc/self/fd.
void confine() {
  for (const auto& gap : {confine_files({"/proc"}, 0), confine_decoder_calls()}) {
    if (!gap.empty()) print_notice("hardy: note: extraction: " + gap);
  }
}

}  // namespace

void answer_recordings(const MediaCommand& command) {
  // The service decides when to stop: it closes the socket.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGCHLD, SIG_IGN);  // ended children leave nothing behind
  const ExtractOptions options = loaded_options(command);
  if (command.is_confined) confine();
  const std::string makers = encode_makers(feature_makers(options));
  if (::send(command.control, makers.data(), makers.size(), MSG_NOSIGNAL) < 0) {
    throw IoError(fmt::format("the service cannot be told: {}", std::strerror(errno)));
  }
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

}  // namespace hardy
