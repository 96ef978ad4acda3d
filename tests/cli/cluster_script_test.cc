// Scripts for engines, read by a real shell where a shell reads them.
#include "cli/cluster_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/files.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ClusterJob some_job() {
  ClusterJob job;
  job.command = {"compare", "my data", "--seeds", "1-5", "--out", "out"};
  job.program = "/opt/hardy/bin/hardy";
  job.start = "/data/ann/it's here";
  job.out = "/data/ann/it's here/out";
  job.name = "hardy-out";
  job.shards = 25;
  job.elements = 10;
  job.limit = 4;
  job.cpus = 2;
  job.memory_mib = 1536;
  job.minutes = 30;
  return job;
}

TEST(ClusterScript, WordsComeBackFromAShell) {
  const TempDir folder;
  for (const std::string word :
       {"plain-1.0", "two words", "it's", "$HOME `x` \"y\" \\", "", "a;b|c&d"}) {
    const auto out = (folder / "out").string();
    ASSERT_EQ(std::system(("printf %s " + shell_word(word) + " > " + out).c_str()), 0);
    EXPECT_EQ(read_text_file(out), word);
  }
}

TEST(ClusterScript, AnArrayHasItsLimitsAndQueuesItselfAgain) {
  const auto script = slurm_array_script(some_job());
  EXPECT_THAT(script,
              AllOf(HasSubstr("#SBATCH --array=0-9%4\n"), HasSubstr("#SBATCH --mem=1536M\n"),
                    HasSubstr("#SBATCH --time=30\n"), HasSubstr("#SBATCH --requeue\n"),
                    HasSubstr("#SBATCH --signal=B:USR1@45\n"), HasSubstr("scontrol requeue"),
                    HasSubstr("--shard \"${shards[k]}\"/25")));
  ClusterJob brief = some_job();
  brief.minutes = 1;  // the signal must not come before the program has started
  EXPECT_THAT(slurm_array_script(brief), HasSubstr("--signal=B:USR1@20\n"));
}

/// Runs the array's script for one element with a program that records its arguments.
std::string arguments_of_element(ClusterJob job, const TempDir& folder, int element) {
  job.program = folder / "program";
  job.start = folder.path();
  test::put_file(job.program, "#!/bin/sh\necho \"$@\" >> '" + (folder / "calls").string() + "'\n");
  std::filesystem::permissions(job.program, std::filesystem::perms::owner_all);
  test::put_file(folder / "script", slurm_array_script(job));
  std::filesystem::remove(folder / "calls");
  const std::string line = "SLURM_ARRAY_TASK_ID=" + std::to_string(element) + " bash '" +
                           (folder / "script").string() + "' > /dev/null";
  EXPECT_EQ(std::system(line.c_str()), 0);
  return read_text_file(folder / "calls");
}

TEST(ClusterScript, ElementsShareAllShardsOrThoseThatAreMissing) {
  const TempDir folder;
  ClusterJob job = some_job();
  const std::string begin = "compare my data --seeds 1-5 --out out --quiet --shard ";
  EXPECT_EQ(arguments_of_element(job, folder, 3),
            begin + "3/25\n" + begin + "13/25\n" + begin + "23/25\n");
  EXPECT_EQ(arguments_of_element(job, folder, 9), begin + "9/25\n" + begin + "19/25\n");
  job.only = {4, 8, 15};
  job.elements = 2;
  EXPECT_EQ(arguments_of_element(job, folder, 0), begin + "4/25\n" + begin + "15/25\n");
  EXPECT_EQ(arguments_of_element(job, folder, 1), begin + "8/25\n");
}

TEST(ClusterScript, EveryEngineCollectsWithoutComputing) {
  const auto job = some_job();
  for (const auto& script : {slurm_collect_script(job), parallel_script(job), kubernetes_jobs(job),
                             plain_commands(job)}) {
    EXPECT_THAT(script, HasSubstr("--from-cache"));
  }
  EXPECT_THAT(plain_commands(job), AllOf(HasSubstr("--shard 0/25\n"), HasSubstr("--shard 24/25\n"),
                                         Not(HasSubstr("--shard 25/25"))));
  EXPECT_THAT(kubernetes_jobs(job),
              AllOf(HasSubstr("completions: 25\n"), HasSubstr("parallelism: 4\n"),
                    HasSubstr("\"$(JOB_COMPLETION_INDEX)/25\"")));
}

}  // namespace
}  // namespace hardy
