// Scripts that run the shards of a command by Slurm, GNU parallel or Kubernetes. Text in, text out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hardy {

/// A command to divide, and the resources of each part.
struct ClusterJob {
  std::vector<std::string>
      command;                    ///< "compare", "DATA", ...: without the program, --out included
  std::filesystem::path program;  ///< hardy, absolute
  std::filesystem::path start;    ///< working folder, absolute
  std::filesystem::path out;      ///< the command's --out, absolute
  std::string name;               ///< name of the job
  std::int64_t shards = 1;
  std::vector<std::int64_t> only;  ///< shards to run; empty = all
  std::int64_t elements =
      1;                   ///< elements of the array; several shards share one if there are fewer
  std::int64_t limit = 0;  ///< elements at once; 0 = no limit
  std::int64_t cpus = 1;   ///< per element
  std::int64_t memory_mib = 0;       ///< per element
  std::int64_t minutes = 0;          ///< time limit of an element; it continues when requeued
  std::vector<std::string> options;  ///< further options of sbatch, e.g. "--partition=gpu"
  std::string image;                 ///< Kubernetes: container image
};

/// A word quoted for a POSIX shell.
std::string shell_word(const std::string& word);

/// The command line of one shard, with `index` for its number in shell syntax, and that of the
/// collecting process.
std::string shard_command(const ClusterJob& job, const std::string& index);
std::string collect_command(const ClusterJob& job);

/// An array job. An element stops and requeues itself shortly before its time limit, and is
/// requeued by Slurm when its node is lost; in either case it continues from its checkpoint.
std::string slurm_array_script(const ClusterJob& job);

/// The collecting job, to be submitted with --dependency=afterany:ARRAY.
std::string slurm_collect_script(const ClusterJob& job);

/// For machines without a scheduler.
std::string parallel_script(const ClusterJob& job);

/// Two Jobs as YAML: an Indexed one and a collecting one.
std::string kubernetes_jobs(const ClusterJob& job);

/// One line per shard, then the line of the collecting process.
std::string plain_commands(const ClusterJob& job);

}  // namespace hardy
