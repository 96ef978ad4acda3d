#include "cli/submit_command.h"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/shared_files.h"
#include "base/wording.h"
#include "cli/cluster_script.h"
#include "cli/environment.h"
#include "cli/output.h"
#include "hardy/errors.h"
#include "pipeline/run_folder.h"
#include "pipeline/shard_progress.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

struct SubmitOptions {
  bool slurm = false;
  bool parallel = false;
  bool kubernetes = false;
  bool print = false;
  bool missing = false;
  std::int64_t shards = 0;
  std::int64_t limit = 0;
  std::int64_t cpus = 1;
  std::int64_t memory_mib = 0;
  std::int64_t minutes = 0;
  std::int64_t elements = 0;
  std::vector<std::string> sbatch;
  std::string image = "registry.example/hardy:latest";
  std::vector<std::string> command;
};

/// The value of an option in a command line; nothing if it is absent.
std::optional<std::string> value_of(const std::vector<std::string>& words,
                                    const std::string& name) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == name && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with(name + "=")) return words[i].substr(name.size() + 1);
  }
  return std::nullopt;
}

/// Runs a command of the shell. Throws IoError when it fails.
std::string output_of(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw IoError("no process can be started for: " + command);
  std::string text;
  std::array<char, 4096> buffer{};
  for (std::size_t got = 1; got > 0;) {
    got = std::fread(buffer.data(), 1, buffer.size(), pipe);
    text.append(buffer.data(), got);
  }
  const int status = ::pclose(pipe);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw IoError(fmt::format("`{}` failed (status {}); its own message is above", command,
                              WIFEXITED(status) ? WEXITSTATUS(status) : -1));
  }
  return text;
}

/// Contents of the `--plan` file.
struct Plan {
  std::int64_t groups = 0;
  double cpu_s = 0;
  double loaded_bytes = 0;
  double peak_bytes = 0;
};

Plan measure(const ClusterJob& job) {
  const auto file = temporary_name(fs::temp_directory_path() / "plan");
  std::vector<std::string> words = {job.program.string()};
  words.insert(words.end(), job.command.begin(), job.command.end());
  words.insert(words.end(), {"--quiet", "--plan", file.string()});
  std::string command;
  for (const auto& word : words) command += shell_word(word) + " ";
  print_notice(
      "measuring what a fold costs on this machine (--shards, --time and --memory spare it)");
  static_cast<void>(output_of(command));
  const auto json = nlohmann::json::parse(read_text_file(file));
  std::error_code ignored;
  fs::remove(file, ignored);
  return {json.at("groups").get<std::int64_t>(), json.at("cpu_s").get<double>(),
          json.at("loaded_bytes").get<double>(), json.at("peak_bytes").get<double>()};
}

/// Fills in unset options, from short trainings on this machine.
void size_from(const Plan& plan, const SubmitOptions& typed, ClusterJob& job) {
  constexpr double kMargin = 1.3;
  constexpr double kMiB = 1024.0 * 1024.0;
  constexpr std::int64_t kStep_mib = 128;
  if (typed.shards == 0) job.shards = std::max<std::int64_t>(1, plan.groups);
  const double per_fold = std::max(0.0, plan.peak_bytes - plan.loaded_bytes);
  const double bytes = plan.peak_bytes + static_cast<double>(job.cpus - 1) * per_fold;
  const auto mib = static_cast<std::int64_t>(std::ceil(kMargin * bytes / kMiB));
  if (typed.memory_mib == 0) job.memory_mib = (mib / kStep_mib + 1) * kStep_mib;
  print_notice(fmt::format("about {} CPU in all; a fold takes up to {}", duration_text(plan.cpu_s),
                           bytes_text(static_cast<std::int64_t>(plan.peak_bytes))));
}

/// Twice the estimate for this machine's speed, plus start-up time. Too little only costs a
/// requeue.
void time_from(const Plan& plan, ClusterJob& job) {
  constexpr double kMargin = 2;
  constexpr double kStart_min = 5;
  const double turns =
      std::ceil(static_cast<double>(job.shards) / static_cast<double>(job.elements));
  const double share_s = plan.cpu_s / static_cast<double>(job.shards) * turns;
  job.minutes = static_cast<std::int64_t>(
      std::ceil(kStart_min + kMargin * share_s / 60 / static_cast<double>(job.cpus)));
}

std::set<std::string> dividable() { return {"run", "compare", "sweep", "study", "reproduce"}; }

/// The command as every node runs it, with its own folder, cache and number of workers.
ClusterJob job_of(const SubmitOptions& typed) {
  ClusterJob job;
  job.command = typed.command;
  if (!job.command.empty() && job.command.front() == "hardy")
    job.command.erase(job.command.begin());
  if (job.command.empty() || !dividable().contains(job.command.front())) {
    throw ConfigError(
        "hardy submit: say after `--` what to divide: run, compare, sweep, study or "
        "reproduce with its options");
  }
  for (const char* own : {"--shard", "--part", "--from-cache", "--no-cache", "--dry-run"}) {
    const auto is_own = [&](const std::string& word) {
      return word == own || word.starts_with(std::string(own) + "=");
    };
    if (std::any_of(job.command.begin(), job.command.end(), is_own)) {
      throw ConfigError(fmt::format("hardy submit: {} is its own affair; leave it out", own));
    }
  }
  const auto out = value_of(job.command, "--out");
  if (!out)
    throw ConfigError("hardy submit: the command needs --out DIR, a folder all nodes share");
  job.program = program_folder() / "hardy";
  job.start = fs::current_path();
  job.out = fs::absolute(*out).lexically_normal();
  job.name = "hardy-" + job.out.filename().string();
  if (!value_of(job.command, "--cache")) {
    job.command.insert(job.command.end(), {"--cache", (fs::path(*out) / kStageFolder).string()});
  }
  job.cpus = typed.cpus;
  if (!value_of(job.command, "--jobs")) {
    job.command.insert(job.command.end(), {"--jobs", std::to_string(job.cpus)});
  }
  job.shards = typed.shards;
  job.memory_mib = typed.memory_mib;
  job.minutes = typed.minutes;
  job.limit = typed.limit;
  job.options = typed.sbatch;
  job.image = typed.image;
  return job;
}

/// Shards that are not done, or whose fits a collecting process did not find.
std::vector<std::int64_t> missing_shards(const ClusterJob& job) {
  std::set<std::int64_t> missing;
  for (std::int64_t shard = 0; shard < job.shards; ++shard) missing.insert(shard);
  for (const auto& state : read_shard_states(job.out)) {
    const bool is_division = state.shard.count == job.shards && state.shard.part == ShardPart::kAll;
    const bool is_alive = state.state == "running" && state.silence_s < kShardSilence_s;
    if (is_division && (state.state == "done" || is_alive)) missing.erase(state.shard.index);
  }
  for (const auto& fit : read_missing(job.out)) missing.insert(fit.group % job.shards);
  return {missing.begin(), missing.end()};
}

/// The division of an earlier submission. Throws ConfigError when there is none.
std::int64_t earlier_count(const fs::path& out) {
  const auto states = read_shard_states(out);
  for (const auto& state : states) {
    if (state.shard.part == ShardPart::kAll) return state.shard.count;
  }
  throw ConfigError(fmt::format(
      "--missing: no shard has begun in {}; say with --shards into how many it was divided",
      out.string()));
}

/// The largest index of an array job plus one.
std::int64_t largest_array() {
  constexpr std::int64_t kDefault = 1001;
  const std::string config = output_of("scontrol show config");
  const std::string name = "MaxArraySize";
  const auto at = config.find(name);
  if (at == std::string::npos) return kDefault;
  const auto digits = config.find_first_of("0123456789", at);
  std::int64_t size = kDefault;
  if (digits != std::string::npos) {
    std::from_chars(config.data() + digits, config.data() + config.size(), size);
  }
  return size;
}

std::string first_word(const std::string& text) {
  return text.substr(0, text.find_first_of(";\n "));
}

void submit_slurm(const ClusterJob& job, const fs::path& array, const fs::path& collect) {
  const auto submitted = first_word(output_of("sbatch --parsable " + shell_word(array.string())));
  const auto collecting = first_word(output_of(
      fmt::format("sbatch --parsable --kill-on-invalid-dep=yes --dependency=afterany:{} {}",
                  submitted, shell_word(collect.string()))));
  print(
      fmt::format("array job {} ({}), collecting job {}; `hardy status {}` says how far they are, "
                  "`scancel {} {}` ends them\n",
                  submitted, counted(job.elements, "element"), collecting, job.out.string(),
                  submitted, collecting));
}

void write_program(const fs::path& file, const std::string& text) {
  write_file_atomically(file, text);
  fs::permissions(file, fs::perms::owner_exec, fs::perm_options::add);
}

void set_elements(const SubmitOptions& typed, ClusterJob& job) {
  const auto wanted = job.only.empty() ? job.shards : static_cast<std::int64_t>(job.only.size());
  job.elements = typed.elements > 0 ? std::min(typed.elements, wanted) : wanted;
  if (typed.slurm && !typed.print) job.elements = std::min(job.elements, largest_array());
}

/// Writes the script of the engine, and runs it unless --print is given.
void hand_over(const SubmitOptions& typed, const ClusterJob& job) {
  const auto folder = job.out / kShardFolder;
  if (typed.slurm) {
    if (typed.print) return print(slurm_array_script(job) + "\n" + slurm_collect_script(job));
    write_program(folder / "array.sh", slurm_array_script(job));
    write_program(folder / "collect.sh", slurm_collect_script(job));
    return submit_slurm(job, folder / "array.sh", folder / "collect.sh");
  }
  if (typed.parallel) {
    if (typed.print) return print(parallel_script(job));
    write_program(folder / "parallel.sh", parallel_script(job));
    return print(fmt::format("written: {}; start it, e.g. with nohup; `hardy status {}`\n",
                             (folder / "parallel.sh").string(), job.out.string()));
  }
  if (typed.kubernetes) {
    if (typed.print) return print(kubernetes_jobs(job));
    write_file_atomically(folder / "kubernetes.yaml", kubernetes_jobs(job));
    return print(fmt::format("written: {}; look at image and claim, then `kubectl apply -f` it\n",
                             (folder / "kubernetes.yaml").string()));
  }
  print(plain_commands(job));
}

void submit(const SubmitOptions& typed) {
  ClusterJob job = job_of(typed);
  if (typed.missing && job.shards == 0) job.shards = earlier_count(job.out);
  const bool is_sized = job.shards > 0 && job.memory_mib > 0 && job.minutes > 0;
  std::optional<Plan> plan;
  if (!is_sized && (job.shards == 0 || typed.slurm || typed.kubernetes)) plan = measure(job);
  if (plan) size_from(*plan, typed, job);
  if (typed.missing) {
    job.only = missing_shards(job);
    if (job.only.empty()) {
      return print(fmt::format("nothing is missing; collect with: {}\n", collect_command(job)));
    }
  }
  set_elements(typed, job);
  if (plan && job.minutes == 0) time_from(*plan, job);
  hand_over(typed, job);
}

void add_engines(CLI::App& command, SubmitOptions& typed) {
  auto* slurm =
      command.add_flag("--slurm", typed.slurm, "Submit a Slurm array and a job that collects");
  auto* parallel =
      command.add_flag("--parallel", typed.parallel, "Write a script for GNU parallel")
          ->excludes(slurm);
  command.add_flag("--k8s", typed.kubernetes, "Write two Kubernetes Jobs")
      ->excludes(slurm)
      ->excludes(parallel);
  command.add_flag("--print", typed.print,
                   "Print the script instead; without an engine, one command per shard");
}

}  // namespace

void add_submit_command(CLI::App& app) {
  auto typed = std::make_shared<SubmitOptions>();
  CLI::App* command = app.add_subcommand("submit", "Divide a command among the nodes of a cluster");
  add_engines(*command, *typed);
  command->add_flag("--missing", typed->missing, "Only the shards that were lost or failed");
  const auto whole = [](std::int64_t least) { return CLI::Range(least, std::int64_t{1'000'000}); };
  command->add_option("--shards", typed->shards, "Into how many; default folds x seeds")
      ->type_name("N")
      ->check(whole(1));
  command->add_option("--limit", typed->limit, "At most N at once")
      ->type_name("N")
      ->check(whole(1));
  command->add_option("--cpus", typed->cpus, "Cores of each")
      ->type_name("N")
      ->check(whole(1))
      ->capture_default_str();
  command->add_option("--memory", typed->memory_mib, "MiB of each; default measured")
      ->type_name("MIB")
      ->check(whole(1));
  command
      ->add_option("--time", typed->minutes,
                   "Minutes after which an element queues itself again; default measured")
      ->type_name("MIN")
      ->check(whole(1));
  command->add_option("--elements", typed->elements, "Array elements; several shards share one")
      ->type_name("N")
      ->check(whole(1));
  command
      ->add_option("--sbatch", typed->sbatch,
                   "A further option of sbatch, e.g. --sbatch=--partition=cpu; may be repeated")
      ->type_name("OPTION")
      ->allow_extra_args(false);
  command->add_option("--image", typed->image, "Kubernetes: the container's image")
      ->type_name("NAME");
  command->add_option("COMMAND", typed->command, "After `--`: what to divide, with its options")
      ->required();
  command->footer(
      "Writes a readable script below the --out of the command, submits it and exits; no process\n"
      "stays behind. Whatever is lost on the way, the results are those of one machine, byte for\n"
      "byte (docs/clusters.md).\n\n"
      "Examples:\n"
      "  hardy submit --slurm --limit 8 -- compare data/CMUMOSI --seeds 1-5 --out compared\n"
      "  hardy submit --slurm --missing -- compare data/CMUMOSI --seeds 1-5 --out compared\n"
      "  hardy submit --parallel --shards 10 -- run data/IEMOCAP --seeds 1-2 --out iemocap\n"
      "  hardy status compared\n");
  command->callback([typed] { submit(*typed); });
}

}  // namespace hardy
