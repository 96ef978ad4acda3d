#include "base/isolation.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr int kPipeBytes = 1 << 20;
constexpr int kWorkFailed = 3;

/// Sanitizers map terabytes; a limit on address space would stop them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasSanitizer = true;
#elif defined(__has_feature)
constexpr bool kHasSanitizer = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kHasSanitizer = false;
#endif

/// Bytes of address space this process has; 0 when the system does not say.
std::uint64_t mapped_bytes() {
  const Descriptor file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text{};
  const auto got = ::read(file.number(), text.data(), text.size() - 1);
  const std::uint64_t pages = got > 0 ? std::strtoull(text.data(), nullptr, 10) : 0;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void limit_resource(decltype(RLIMIT_CPU) resource, std::uint64_t value) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(value, limit.rlim_max);
  (void)::setrlimit(resource, &limit);  // without it the parent's own checks still hold
}

/// Makes the child a process of its own: crashes stay quiet and small.
void settle_child(const IsolationLimits& limits, ::pid_t parent) {
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGPIPE, SIGTERM, SIGXCPU}) {
    (void)::signal(number, SIG_DFL);
  }
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) std::_Exit(IsolationLimits::kParentGone);
  limit_resource(RLIMIT_CORE, 0);
  limit_resource(RLIMIT_CPU, limits.cpu_seconds);
  const std::uint64_t mapped = mapped_bytes();
  if (!kHasSanitizer && mapped > 0) limit_resource(RLIMIT_AS, mapped + limits.memory);
  const int quiet = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (quiet >= 0) (void)::dup2(quiet, STDERR_FILENO);
}

[[noreturn]] void run_child(const IsolationLimits& limits, ::pid_t parent, int descriptor,
                            const std::function<void(Outlet&)>& work) {
  settle_child(limits, parent);
  int outcome = 0;
  try {
    Outlet outlet(descriptor);
    work(outlet);
  } catch (...) {
    outcome = kWorkFailed;  // no one is left to rethrow to; the parent sees the status
  }
  // Only the child ends here: no destructor of the parent's objects may run in it.
  std::_Exit(outcome);
}

/// Waits for a child that is at its end, or is ended now.
class Child {
 public:
  explicit Child(::pid_t pid) : pid_(pid) {}

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  ~Child() {
    if (pid_ <= 0) return;
    (void)::kill(pid_, SIGKILL);
    (void)wait();
  }

  /// "was stopped by signal 11"; empty when it ended well.
  std::string wait() {
    int status = 0;
    const ::pid_t waited = pid_;
    pid_ = -1;
    while (::waitpid(waited, &status, 0) < 0) {
      if (errno != EINTR) return "";  // another waiter collected it
    }
    if (WIFSIGNALED(status)) return fmt::format("was stopped by signal {}", WTERMSIG(status));
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
      return fmt::format("ended with status {}", WEXITSTATUS(status));
    }
    return "";
  }

 private:
  ::pid_t pid_;
};

}  // namespace

void run_isolated(const std::string& name, const IsolationLimits& limits,
                  const std::function<void(Outlet&)>& work,
                  const std::function<void(Inlet&)>& consume) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw IoError(fmt::format("{}: no pipe: {}", name, std::strerror(errno)));
  }
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  (void)::fcntl(writing.number(), F_SETPIPE_SZ, kPipeBytes);
  const ::pid_t parent = ::getpid();
  const ::pid_t pid = ::fork();
  if (pid < 0) throw IoError(fmt::format("{}: no process: {}", name, std::strerror(errno)));
  if (pid == 0) run_child(limits, parent, writing.number(), work);
  Child child(pid);
  (void)writing.close();
  try {
    Inlet inlet(reading.number());
    consume(inlet);
  } catch (const StreamEnded& ended) {
    const bool is_silent = std::string_view(ended.what()) == "it gave no answer";
    if (is_silent) (void)::kill(pid, SIGKILL);
    const std::string end = child.wait();
    throw DataError(fmt::format(
        "{}: reading it failed in a process of its own: {}{}; the file is damaged or needs more "
        "than {} s or {} MiB: copy it again, or check it with its own tools",
        name, ended.what(), end.empty() ? "" : " and " + end, limits.cpu_seconds,
        limits.memory >> 20U));
  }
  static_cast<void>(child.wait());
}

}  // namespace hardy
