#include "serve/jail.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/descriptor.h"

#ifdef HARDY_SECCOMP
#include <seccomp.h>
#endif

namespace hardy {
namespace {

std::string because(const char* what) { return fmt::format("{}: {}", what, std::strerror(errno)); }

// Declared here because Debian's headers describe an older version of the interface.
struct LandlockRuleset {
  std::uint64_t files;
  std::uint64_t ports;
  std::uint64_t scopes;
};

struct [[gnu::packed]] LandlockPathRule {
  std::uint64_t allowed;
  std::int32_t parent;
};

struct LandlockPortRule {
  std::uint64_t allowed;
  std::uint64_t port;
};

constexpr int kPathRule = 1;
constexpr int kPortRule = 2;
constexpr std::uint64_t kReadFile = 1U << 2;
constexpr std::uint64_t kReadFolder = 1U << 3;
constexpr std::uint64_t kBindPort = 1U << 0;
constexpr std::uint64_t kConnectPort = 1U << 1;
constexpr std::uint64_t kSocketsAndSignals = 3;

/// All rights of a version of Landlock.
LandlockRuleset all_rights(long version) {
  const int file_rights = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;
  return {(std::uint64_t{1} << file_rights) - 1, version >= 4 ? kBindPort | kConnectPort : 0,
          version >= 6 ? kSocketsAndSignals : 0};
}

bool add_path(int ruleset, const std::filesystem::path& path) {
  const Descriptor parent(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (parent.number() < 0) return errno == ENOENT;  // loading it reports the error
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  const LandlockPathRule rule = {is_folder ? kReadFile | kReadFolder : kReadFile, parent.number()};
  return ::syscall(SYS_landlock_add_rule, ruleset, kPathRule, &rule, 0) == 0;
}

}  // namespace

std::string confine_files(const std::vector<std::filesystem::path>& readable, std::uint16_t port) {
  constexpr unsigned kAskVersion = 1;
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskVersion);
  if (version < 1) return because("files are not confined: this kernel has no Landlock");
  const LandlockRuleset rights = all_rights(version);
  const std::size_t size = version >= 6   ? sizeof rights
                           : version >= 4 ? 2 * sizeof(std::uint64_t)
                                          : sizeof(std::uint64_t);
  const Descriptor ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rights, size, 0)));
  if (ruleset.number() < 0) return because("files are not confined");
  for (const auto& path : readable) {
    if (!add_path(ruleset.number(), path)) return because("files are not confined");
  }
  if (version >= 4) {
    const LandlockPortRule rule = {kBindPort, port};
    if (::syscall(SYS_landlock_add_rule, ruleset.number(), kPortRule, &rule, 0) != 0) {
      return because("files are not confined");
    }
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_landlock_restrict_self, ruleset.number(), 0) != 0) {
    return because("files are not confined");
  }
  return {};
}

#ifdef HARDY_SECCOMP

namespace {

/// System calls of a running service, its threads and the C library.
constexpr std::array kCalls = {"accept",
                               "accept4",
                               "brk",
                               "clock_getres",
                               "clock_gettime",
                               "clock_nanosleep",
                               "close",
                               "dup",
                               "epoll_create1",
                               "epoll_ctl",
                               "epoll_pwait",
                               "epoll_wait",
                               "eventfd2",
                               "exit",
                               "exit_group",
                               "fcntl",
                               "fstat",
                               "futex",
                               "getdents64",
                               "getegid",
                               "geteuid",
                               "getgid",
                               "getpeername",
                               "getpid",
                               "getrandom",
                               "getrusage",
                               "getsockname",
                               "getsockopt",
                               "gettid",
                               "gettimeofday",
                               "getuid",
                               "ioctl",
                               "lseek",
                               "madvise",
                               "membarrier",
                               "mmap",
                               "mprotect",
                               "mremap",
                               "munmap",
                               "nanosleep",
                               "newfstatat",
                               "open",
                               "openat",
                               "pipe2",
                               "poll",
                               "ppoll",
                               "pread64",
                               "read",
                               "readlink",
                               "readlinkat",
                               "readv",
                               "recvfrom",
                               "recvmsg",
                               "restart_syscall",
                               "rseq",
                               "rt_sigaction",
                               "rt_sigprocmask",
                               "rt_sigreturn",
                               "sched_getaffinity",
                               "sched_yield",
                               "sendmsg",
                               "sendto",
                               "set_robust_list",
                               "setsockopt",
                               "shutdown",
                               "sigaltstack",
                               "stat",
                               "statx",
                               "sysinfo",
                               "tgkill",
                               "timerfd_create",
                               "timerfd_settime",
                               "uname",
                               "write",
                               "writev"};

bool fill(scmp_filter_ctx filter) {
  if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) != 0) return false;
  for (const char* name : kCalls) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;  // does not exist on this processor
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) != 0) return false;
  }
  // Threads, but no processes. clone3 hides its arguments; without it the C library uses clone.
  const scmp_arg_cmp threads{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD};
  return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, threads) == 0 &&
         seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

}  // namespace

std::string confine_calls() {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) return "system calls are not confined: out of memory";
  const bool is_loaded = fill(filter) && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return is_loaded ? "" : because("system calls are not confined");
}

std::string confine_decoder_calls() {
  constexpr std::array kForbidden = {"accept",
                                     "accept4",
                                     "bind",
                                     "bpf",
                                     "connect",
                                     "execve",
                                     "execveat",
                                     "io_uring_enter",
                                     "io_uring_register",
                                     "io_uring_setup",
                                     "keyctl",
                                     "listen",
                                     "mount",
                                     "open_by_handle_at",
                                     "pidfd_getfd",
                                     "pidfd_open",
                                     "process_vm_readv",
                                     "process_vm_writev",
                                     "ptrace",
                                     "setns",
                                     "socket",
                                     "socketpair",
                                     "unshare",
                                     "userfaultfd"};
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == nullptr) return "system calls are not confined: out of memory";
  bool is_loaded = true;
  for (const char* name : kForbidden) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;  // does not exist on this processor
    is_loaded = is_loaded && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0) == 0;
  }
  is_loaded = is_loaded && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return is_loaded ? "" : because("system calls are not confined");
}

#else

std::string confine_calls() { return "system calls are not confined: built without libseccomp"; }

std::string confine_decoder_calls() { return confine_calls(); }

#endif

}  // namespace hardy
