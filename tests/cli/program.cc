#include "tests/cli/program.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "base/files.h"
#include "tests/support/temp_dir.h"

namespace hardy::test {

const char* hardy_program() { return HARDY_PROGRAM; }

const char* hardy_trainer() { return HARDY_TRAINER; }

namespace {

void redirect(const std::string& file, int descriptor) {
  const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT, 0644);
  if (opened < 0 || ::dup2(opened, descriptor) < 0) ::_exit(126);
}

[[noreturn]] void become_hardy(const std::vector<std::string>& arguments,
                               const ProgramOptions& options, const std::string& output,
                               const std::string& errors) {
  // A test that runs as a shell's background job inherits an ignored SIGINT, which hardy respects.
  std::signal(SIGINT, SIG_DFL);
  redirect(output, STDOUT_FILENO);
  redirect(errors, STDERR_FILENO);
  if (!options.input_file.empty()) {
    const int opened = ::open(options.input_file.c_str(), O_RDONLY);
    if (opened < 0 || ::dup2(opened, STDIN_FILENO) < 0) ::_exit(126);
  }
  if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) ::_exit(126);
  for (const auto& [name, value] : options.variables) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  if (options.largest_file >= 0) {
    const auto bytes = static_cast<rlim_t>(options.largest_file);
    const rlimit limit{bytes, bytes};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(126);
  }
  std::vector<std::string> words = {"hardy"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  for (const int descriptor : options.closed) ::close(descriptor);
  ::execv(hardy_program(), pointers.data());
  ::_exit(127);
}

/// CPU time so far of a process that has not been waited for.
double cpu_of(pid_t process) {
  std::ifstream words("/proc/" + std::to_string(process) + "/stat");
  std::string word;
  double ticks = 0;
  for (int field = 1; field <= 15 && words >> word; ++field) {
    if (field >= 14) ticks += std::stod(word);  // utime, stime; the name has no blank
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

ProgramResult run_hardy(const std::vector<std::string>& arguments, const ProgramOptions& options) {
  const TempDir folder;
  const std::string output =
      options.output_file.empty() ? (folder / "output").string() : options.output_file;
  const std::string errors = (folder / "errors").string();
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) become_hardy(arguments, options, output, errors);
  int status = 0;
  ProgramResult result;
  if (options.interrupt_when) {
    while (::waitpid(child, &status, WNOHANG) == 0) {
      if (options.interrupt_when()) {
        const double before = cpu_of(child);
        ::kill(child, options.signal);
        rusage usage{};
        ::wait4(child, &status, 0, &usage);
        result.cpu_after_signal_s = seconds(usage.ru_utime) + seconds(usage.ru_stime) - before;
        break;
      }
      ::usleep(2000);
    }
  } else {
    ::waitpid(child, &status, 0);
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (options.output_file.empty()) result.output = read_text_file(output);
  result.errors = read_text_file(errors);
  return result;
}

}  // namespace hardy::test
