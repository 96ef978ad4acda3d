// Scripts that hand the shards of a command to an engine that people have: Slurm, GNU parallel,
// Kubernetes. Plain text in, plain text out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hardy {

/// What to divide and what each part may use.
struct ClusterJob {
  std::vector<std::string>
      command;                    ///< "compare", "DATA", ...: without the program, --out included
  std::filesystem::path program;  ///< hardy, absolute
  std::filesystem::path start;    ///< working folder, absolute
  std::filesystem::path out;      ///< the command's --out, absolute
  std::string name;               ///< of the job
  std::int64_t shards = 1;
  std::vector<std::int64_t> only;    ///< shards to run; empty = all
  std::int64_t elements = 1;         ///< of the array; several shards share one when fewer
  std::int64_t limit = 0;            ///< elements at once; 0 = as many as the cluster gives
  std::int64_t cpus = 1;             ///< of an element
  std::int64_t memory_mib = 0;       ///< of an element
  std::int64_t minutes = 0;          ///< time limit of an element; it goes on in its next turn
  std::vector<std::string> options;  ///< further options of sbatch, e.g. "--partition=gpu"
  std::string image;                 ///< Kubernetes: of the container
};

/// A word as a POSIX shell reads it back.
std::string shell_word(const std::string& word);

/// The command line of one shard, where `index` stands for its number in shell syntax, and of the
/// process that collects.
std::string shard_command(const ClusterJob& job, const std::string& index);
std::string collect_command(const ClusterJob& job);

/// An array job. An element stops and queues itself again shortly before its time limit, and is
/// queued again by Slurm when its node is lost; either way it goes on where it was.
std::string slurm_array_script(const ClusterJob& job);

/// The job that collects, to be submitted with --dependency=afterany:<array>.
std::string slurm_collect_script(const ClusterJob& job);

/// For machines without a scheduler.
std::string parallel_script(const ClusterJob& job);

/// Two Jobs as YAML: an Indexed one, and the one that collects.
std::string kubernetes_jobs(const ClusterJob& job);

/// One line per shard, then the line that collects.
std::string plain_commands(const ClusterJob& job);

}  // namespace hardy
