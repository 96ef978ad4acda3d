#include "cli/start_extractor.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "cli/exec_program.h"
#include "hardy/errors.h"
#include "hardy/extract.h"
#include "media/recording_exchange.h"

extern char** environ;  // NOLINT: what a started program inherits

namespace hardy {
namespace {

/// Where the helper finds its end of the socket.
constexpr int kControl = 3;

std::vector<std::string> arguments_of(const MediaCommand& command) {
  const MediaOptions& media = command.media;
  std::vector<std::string> words = {"hardy-extractor",
                                    "answer-recordings",
                                    fmt::format("--control={}", kControl),
                                    fmt::format("--cpu-seconds={}", command.cpu_seconds),
                                    fmt::format("--jobs={}", media.jobs),
                                    fmt::format("--memory={}", media.memory),
                                    fmt::format("--manet-order={}", media.manet_order)};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) words.push_back(fmt::format("{}={}", name, value));
  };
  add("--backbones", media.backbones);
  for (std::size_t m = 0; m < media.makers.size(); ++m) {
    add(fmt::format("--{}-maker", kMediaModalities[m]).c_str(), media.makers[m]);
  }
  add("--audio", media.sound_network);
  add("--text", media.text_network);
  add("--video", media.picture_network);
  add("--like", media.like);
  add("--layers", media.layers);
  add("--cascade", media.cascade);
  add("--only", media.only);
  if (media.trusts_programs) words.emplace_back("--trust-programs");
  if (command.is_confined) words.emplace_back("--confined");
  return words;
}

/// Starts the program with its end of the socket as kControl.
pid_t start(const std::string& program, std::vector<std::string> words, int control) {
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, control, kControl);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t process = -1;
  const int error =
      ::posix_spawn(&process, program.c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw IoError(fmt::format("{} cannot be started: {}", program, std::strerror(error)));
  }
  return process;
}

}  // namespace

ExtractorHelper start_extractor(const MediaCommand& command) {
  const std::string program = find_program(extractor_program(command.media), "serve --media",
                                           extractor_option(command.media));
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw IoError(fmt::format("no socket for the extractor: {}", std::strerror(errno)));
  }
  const Descriptor own(ends[0]);
  Descriptor other(ends[1]);
  const pid_t process = start(program, arguments_of(command), other.number());
  other.close();
  std::string told(1 << 16, '\0');
  ssize_t got = 0;
  do {
    got = ::recv(own.number(), told.data(), told.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    int status = 0;
    ::waitpid(process, &status, 0);
    throw ConfigError("--media: the extractor did not start; the line above says why");
  }
  told.resize(static_cast<std::size_t>(got));
  ExtractorHelper helper;
  helper.makers = decode_makers(told);
  helper.control = ::fcntl(own.number(), F_DUPFD_CLOEXEC, 0);  // `own` closes its number
  if (helper.control < 0) {
    throw IoError(fmt::format("no socket for the extractor: {}", std::strerror(errno)));
  }
  return helper;
}

}  // namespace hardy
