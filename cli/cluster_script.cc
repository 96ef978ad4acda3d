#include "cli/cluster_script.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hardy {
namespace {

bool is_safe(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') ||
         std::string_view("-_=./,:+@%").find(letter) != std::string_view::npos;
}

std::vector<std::int64_t> shards_of(const ClusterJob& job) {
  if (!job.only.empty()) return job.only;
  std::vector<std::int64_t> all(static_cast<std::size_t>(job.shards));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  return all;
}

/// "3 7 9", or a command that lists all.
std::string shard_list(const ClusterJob& job) {
  if (job.only.empty()) return fmt::format("$(seq 0 {})", job.shards - 1);
  return fmt::format("{}", fmt::join(job.only, " "));
}

std::string words_text(const ClusterJob& job) {
  std::vector<std::string> words = {shell_word(job.program.string())};
  for (const auto& word : job.command) words.push_back(shell_word(word));
  return fmt::format("{}", fmt::join(words, " "));
}

std::string log_folder(const ClusterJob& job) { return (job.out / "shards").string(); }

/// The lines shared by the array and the collecting job.
std::string sbatch_lines(const ClusterJob& job, const std::string& name, const std::string& log) {
  std::string text = fmt::format(
      "#SBATCH --job-name={}\n"
      "#SBATCH --cpus-per-task={}\n",
      name, job.cpus);
  if (job.memory_mib > 0) text += fmt::format("#SBATCH --mem={}M\n", job.memory_mib);
  if (job.minutes > 0) text += fmt::format("#SBATCH --time={}\n", job.minutes);
  text += fmt::format(
      "#SBATCH --requeue\n"
      "#SBATCH --open-mode=append\n"
      "#SBATCH --output={}/{}\n",
      log_folder(job), log);
  for (const auto& option : job.options) text += fmt::format("#SBATCH {}\n", option);
  return text;
}

/// A YAML string in double quotes.
std::string yaml_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') quoted += '\\';
    quoted += letter;
  }
  return quoted + "\"";
}

std::string yaml_list(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const auto& word : words) quoted.push_back(yaml_text(word));
  return fmt::format("[{}]", fmt::join(quoted, ", "));
}

std::string kubernetes_job(const ClusterJob& job, const std::string& name,
                           const std::string& division, const std::string& environment,
                           const std::vector<std::string>& more) {
  std::vector<std::string> words = {"hardy"};
  words.insert(words.end(), job.command.begin(), job.command.end());
  words.insert(words.end(), more.begin(), more.end());
  const auto memory = std::max<std::int64_t>(job.memory_mib, 512);
  return fmt::format(
      "apiVersion: batch/v1\n"
      "kind: Job\n"
      "metadata: {{name: {}}}\n"
      "spec:\n"
      "{}"
      "  template:\n"
      "    spec:\n"
      "      restartPolicy: Never\n"
      "      terminationGracePeriodSeconds: 60  # SIGTERM, checkpoint, exit 130\n"
      "      containers:\n"
      "        - name: hardy\n"
      "          image: {}\n"
      "          workingDir: {}\n"
      "          command: {}\n"
      "          resources: {{requests: {{cpu: \"{}\", memory: {}Mi}}, limits: {{memory: {}Mi}}}}\n"
      "{}"
      "          volumeMounts: [{{name: work, mountPath: {}}}]\n"
      "      volumes:  # ReadWriteMany; data, --out and --cache lie below its mount\n"
      "        - {{name: work, persistentVolumeClaim: {{claimName: hardy}}}}\n",
      name, division, yaml_text(job.image), yaml_text(job.start.string()), yaml_list(words),
      job.cpus, memory, memory * 3 / 2, environment, yaml_text(job.start.string()));
}

}  // namespace

std::string shell_word(const std::string& word) {
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_safe)) return word;
  std::string quoted = "'";
  for (const char letter : word) {
    if (letter == '\'') {
      quoted += "'\\''";
    } else {
      quoted += letter;
    }
  }
  return quoted + "'";
}

std::string shard_command(const ClusterJob& job, const std::string& index) {
  return fmt::format("{} --quiet --shard {}/{}", words_text(job), index, job.shards);
}

std::string collect_command(const ClusterJob& job) { return words_text(job) + " --from-cache"; }

std::string slurm_array_script(const ClusterJob& job) {
  constexpr std::int64_t kLead_s = 45;
  const std::int64_t lead = job.minutes > 0 ? std::min(kLead_s, job.minutes * 20) : kLead_s;
  const std::string limit = job.limit > 0 ? fmt::format("%{}", job.limit) : "";
  return fmt::format(
      "#!/bin/bash\n"
      "# Written by `hardy submit`. {} of {} shards of\n"
      "#   {}\n"
      "# in {} array elements. By hand: sbatch THIS_FILE, then the collecting job beside it.\n"
      "{}"
      "#SBATCH --array=0-{}{}\n"
      "#SBATCH --signal=B:USR1@{}\n"
      "\n"
      "shards=({})\n"
      "elements={}\n"
      "cd {} || exit 6\n"
      "echo \"$(date -u +%FT%TZ) element $SLURM_ARRAY_TASK_ID on ${{SLURMD_NODENAME:-?}},\" \\\n"
      "  \"restart ${{SLURM_RESTART_COUNT:-0}}\"\n"
      "\n"
      "# Before the time limit: the program keeps a checkpoint, the element waits for its next\n"
      "# turn. When the node is lost, Slurm does the same.\n"
      "child=\n"
      "again() {{\n"
      "  trap '' USR1\n"
      "  if [ -n \"$child\" ]; then kill -TERM \"$child\"; wait \"$child\"; fi\n"
      "  echo \"$(date -u +%FT%TZ) time is nearly up: queued again\"\n"
      "  scontrol requeue \"$SLURM_JOB_ID\"\n"
      "  exit 130\n"
      "}}\n"
      "trap again USR1\n"
      "\n"
      "worst=0\n"
      "for ((k = SLURM_ARRAY_TASK_ID; k < ${{#shards[@]}}; k += elements)); do\n"
      "  {} &\n"
      "  child=$!\n"
      "  wait \"$child\"\n"
      "  code=$?\n"
      "  child=\n"
      "  if [ $code -gt $worst ]; then worst=$code; fi\n"
      "done\n"
      "exit $worst\n",
      shards_of(job).size(), job.shards, words_text(job), job.elements,
      sbatch_lines(job, job.name, "element-%a.log"), job.elements - 1, limit, lead, shard_list(job),
      job.elements, shell_word(job.start.string()), shard_command(job, "\"${shards[k]}\""));
}

std::string slurm_collect_script(const ClusterJob& job) {
  return fmt::format(
      "#!/bin/bash\n"
      "# Written by `hardy submit`. Trains nothing: writes the results of what the shards left, "
      "or\n"
      "# says what is missing. By hand: sbatch --dependency=afterany:ARRAY_JOB THIS_FILE\n"
      "{}"
      "\n"
      "cd {} || exit 6\n"
      "# 6 = another process writes there, e.g. this job on a node that was lost a moment ago.\n"
      "for _ in 1 2 3; do\n"
      "  {}\n"
      "  code=$?\n"
      "  [ $code -eq 6 ] || exit $code\n"
      "  sleep 100\n"
      "done\n"
      "exit $code\n",
      sbatch_lines(job, job.name + "-collect", "collect.log"), shell_word(job.start.string()),
      collect_command(job));
}

std::string parallel_script(const ClusterJob& job) {
  const std::string log = shell_word(log_folder(job) + "/parallel.log");
  return fmt::format(
      "#!/bin/bash\n"
      "# Written by `hardy submit`. Runs the shards with GNU parallel; run again, only what "
      "failed\n"
      "# is repeated. More machines: add --sshloginfile FILE (they must share this folder).\n"
      "set -u\n"
      "mkdir -p {} && cd {} || exit 6\n"
      "printf '%s\\n' {} |\n"
      "  parallel --jobs {} --joblog {} --resume-failed --workdir {} \\\n"
      "  {}\n"
      "exec {}\n",
      shell_word(log_folder(job)), shell_word(job.start.string()), shard_list(job),
      job.limit > 0 ? std::to_string(job.limit) : "100%", log, shell_word(job.start.string()),
      shell_word(shard_command(job, "{}")), collect_command(job));
}

std::string kubernetes_jobs(const ClusterJob& job) {
  constexpr const char* kIndex =
      "          env: [{name: JOB_COMPLETION_INDEX, valueFrom: {fieldRef: {fieldPath: \n"
      "            \"metadata.annotations['batch.kubernetes.io/job-completion-index']\"}}}]\n";
  const auto parallelism = job.limit > 0 ? std::min(job.limit, job.shards) : job.shards;
  const std::string division = fmt::format(
      "  completionMode: Indexed\n"
      "  completions: {}\n"
      "  parallelism: {}\n"
      "  backoffLimitPerIndex: 3  # from 1.33; before: backoffLimit\n"
      "  podFailurePolicy:  # wrong settings or data: never again; node drained: does not count\n"
      "    rules:\n"
      "      - {{action: FailIndex, onExitCodes: {{containerName: hardy, operator: In, values: [2, "
      "3]}}}}\n"
      "      - {{action: Ignore, onPodConditions: [{{type: DisruptionTarget}}]}}\n",
      job.shards, parallelism);
  return "# Written by `hardy submit`. kubectl apply -f this; start the second Job when the first "
         "is\n"
         "# Complete. The claim `hardy` must hold the working folder.\n" +
         kubernetes_job(
             job, job.name, division, kIndex,
             {"--quiet", "--shard", fmt::format("$(JOB_COMPLETION_INDEX)/{}", job.shards)}) +
         "---\n" +
         kubernetes_job(job, job.name + "-collect", "  backoffLimit: 3\n", "", {"--from-cache"});
}

std::string plain_commands(const ClusterJob& job) {
  std::string text;
  for (const auto shard : shards_of(job)) text += shard_command(job, std::to_string(shard)) + "\n";
  return text + collect_command(job) + "\n";
}

}  // namespace hardy
