#include "pipeline/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/shared_files.h"
#include "hardy/errors.h"
#include "methods/hardymer/settings.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::message_of;
using test::put_file;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

RunManifest some_manifest() {
  RunManifest manifest;
  manifest.program_version = "0.1.0";
  manifest.command = "run";
  manifest.data_name = "tiny";
  manifest.data_checksum = std::string(64, 'a');
  manifest.is_synthetic = true;
  manifest.utterances = 12;
  manifest.dialogues = 3;
  manifest.class_names = {"calm", "angry"};
  manifest.modality_names = {"acoustic", "textual"};
  manifest.widths = {4, 7};
  manifest.folds = {"1/2", "2/2"};
  manifest.config.run.seeds = {3, 5};
  return manifest;
}

RunFolder create(const TempDir& folder, const RunManifest& manifest,
                 ExistingRun existing = ExistingRun::kResume) {
  return RunFolder::create(folder / "run", manifest, existing);
}

/// Created and released again.
RunFolder created(const TempDir& folder, const RunManifest& manifest) {
  (void)create(folder, manifest);
  return RunFolder::open(folder / "run");
}

TEST(Manifest, RoundTripsThroughJson) {
  RunManifest manifest = some_manifest();
  manifest.only_fold = 1;
  const std::string text = manifest_json(manifest);
  const RunManifest read = parse_manifest(text, "m");
  EXPECT_EQ(manifest_json(read), text);
  EXPECT_EQ(read.only_fold, 1);
  EXPECT_EQ(read.widths, manifest.widths);
  EXPECT_EQ(read.folds, manifest.folds);
  EXPECT_EQ(read.config.run.seeds, (std::vector<std::int64_t>{3, 5}));
  EXPECT_TRUE(read.is_synthetic);
  EXPECT_EQ(manifest_difference(read, manifest), std::nullopt);
}

TEST(Manifest, DoesNotDependOnTheNumberOfJobs) {
  RunManifest one = some_manifest();
  RunManifest other = some_manifest();
  other.config.run.jobs = 7;
  EXPECT_EQ(manifest_json(one), manifest_json(other));
  other.config.data.path = "elsewhere";
  EXPECT_EQ(manifest_difference(one, other), std::nullopt);
}

TEST(Manifest, DifferenceNamesTheFieldAndBothValues) {
  const RunManifest held = some_manifest();
  const auto difference = [&](auto&& change) {
    RunManifest asked = some_manifest();
    change(asked);
    return manifest_difference(held, asked).value_or("none");
  };
  EXPECT_EQ(difference([](RunManifest& m) { hardymer_settings(m.config).hardness.beta = 3; }),
            "hardymer.hardness.beta is 4.0 there and 3.0 now");
  EXPECT_EQ(difference([](RunManifest& m) { m.config.run.seeds = {3}; }),
            "run.seeds is [3, 5] there and [3] now");
  EXPECT_EQ(difference([](RunManifest& m) { m.command = "train"; }),
            "the command is run there and train now");
  EXPECT_EQ(difference([](RunManifest& m) { m.only_fold = 2; }),
            "the fold is not limited there and 2 now");
  EXPECT_THAT(difference([](RunManifest& m) { m.data_checksum = "b"; }),
              HasSubstr("the checksum of the data is aaaaaaaaaaaa (tiny) there and b (tiny) now"));
  EXPECT_THAT(difference([](RunManifest& m) { m.program_version = "9"; }), HasSubstr("version"));
}

TEST(Manifest, DamagedTextsAreArtifactErrors) {
  const std::string text = manifest_json(some_manifest());
  const auto error = [](const std::string& damaged) {
    return message_of<ArtifactError>([&] { (void)parse_manifest(damaged, "run/manifest.json"); });
  };
  EXPECT_THAT(error(""), AllOf(HasSubstr("run/manifest.json"), HasSubstr("damaged")));
  for (std::size_t size = 1; size + 2 < text.size(); size += 37) {
    EXPECT_THAT(error(text.substr(0, size)), HasSubstr("damaged"));
  }
  EXPECT_THAT(error("[1, 2]"), HasSubstr("damaged"));
  EXPECT_THAT(error("{\"format\": \"1\"}"), HasSubstr("damaged"));
  EXPECT_THAT(error("{\"format\": 2}"), HasSubstr("format 2 is not supported"));
  EXPECT_THAT(error(std::string(100000, '[')), HasSubstr("damaged"));
  auto json = nlohmann::json::parse(text);
  json["config"] = "hardness.beta = -1";
  EXPECT_THAT(error(json.dump()), HasSubstr("hardness.beta"));
}

TEST(RunFolder, IsCreatedOpenedAndContinued) {
  const TempDir folder;
  {
    const RunFolder run = create(folder, some_manifest());
    put_file(run.predictions_file(), "kept");
    EXPECT_FALSE(run.is_complete());
  }
  const RunFolder again = create(folder, some_manifest());
  EXPECT_EQ(read_text_file(again.predictions_file()), "kept");
  EXPECT_EQ(RunFolder::open(folder / "run").manifest().data_name, "tiny");
}

TEST(RunFolder, AnotherRunIsRefusedWithTheDifferenceAndLeftAlone) {
  const TempDir folder;
  const RunFolder run = created(folder, some_manifest());
  put_file(run.results_json_file(), "old");
  RunManifest other = some_manifest();
  hardymer_settings(other.config).retrieval.k = 9;
  EXPECT_THAT(message_of<ConfigError>([&] { create(folder, other); }),
              AllOf(HasSubstr("holds another run: hardymer.retrieval.k is 5 there and 9 now"),
                    HasSubstr("--overwrite")));
  EXPECT_EQ(read_text_file(run.results_json_file()), "old");
}

TEST(RunFolder, OverwriteReplacesOurFilesAndNothingElse) {
  const TempDir folder;
  const RunFolder run = created(folder, some_manifest());
  put_file(run.results_json_file(), "old");
  put_file(run.model_file({.track = "unified", .trained = Pattern(3)}), "old");
  put_file(run.path() / "notes.txt", "mine");
  RunManifest other = some_manifest();
  hardymer_settings(other.config).retrieval.k = 9;
  const RunFolder replaced = create(folder, other, ExistingRun::kOverwrite);
  EXPECT_FALSE(replaced.is_complete());
  EXPECT_TRUE(replaced.models().empty());
  EXPECT_EQ(hardymer_settings(RunFolder::open(run.path()).manifest().config).retrieval.k, 9);
  EXPECT_EQ(read_text_file(run.path() / "notes.txt"), "mine");
}

TEST(RunFolder, ForeignFoldersAreLeftAloneEvenWithOverwrite) {
  const TempDir folder;
  put_file(folder / "run" / "thesis.tex", "precious");
  EXPECT_THAT(
      message_of<ConfigError>([&] { create(folder, some_manifest(), ExistingRun::kOverwrite); }),
      HasSubstr("is no run folder and is left alone"));
  put_file(folder / "file", "x");
  EXPECT_THAT(message_of<ConfigError>([&] {
                RunFolder::create(folder / "file", some_manifest(), ExistingRun::kResume);
              }),
              HasSubstr("is a file, not a folder"));
}

TEST(RunFolder, LeftoversOfKilledProcessesAreRemovedAfterADay) {
  const TempDir folder;
  const auto run = folder / "run";
  const auto old = temporary_name(run / "manifest.json");
  put_file(old, "{");
  std::filesystem::last_write_time(
      old, std::filesystem::file_time_type::clock::now() - std::chrono::hours(25));
  const auto alive = temporary_name(run / "manifest.json");
  put_file(alive, "{");
  created(folder, some_manifest());
  EXPECT_FALSE(std::filesystem::exists(old));
  EXPECT_TRUE(std::filesystem::exists(alive));
  EXPECT_EQ(test::entry_count(run), 2);  // manifest.json and what may be alive
}

TEST(RunFolder, ARefusedCommandLeavesTheFilesOfALiveRunAlone) {
  const TempDir folder;
  const RunFolder run = create(folder, some_manifest());
  const auto written = temporary_name(run.predictions_file());
  put_file(written, "half");
  RunManifest other = some_manifest();
  hardymer_settings(other.config).retrieval.k = 9;
  EXPECT_THROW(create(folder, other), ConfigError);
  EXPECT_TRUE(std::filesystem::exists(written));
}

TEST(RunFolder, ASecondWriterIsRefusedByNameEvenWithOverwrite) {
  const TempDir folder;
  const RunFolder run = create(folder, some_manifest());
  put_file(run.results_json_file(), "mine");
  for (const auto existing : {ExistingRun::kResume, ExistingRun::kOverwrite}) {
    EXPECT_THAT(message_of<IoError>([&] { create(folder, some_manifest(), existing); }),
                AllOf(HasSubstr("process " + std::to_string(::getpid()) + " on " + host_name()),
                      HasSubstr("writes into this folder")));
  }
  EXPECT_EQ(read_text_file(run.results_json_file()), "mine");
  run.check_owner();
}

TEST(RunFolder, RemovedOrTakenOverWhileWrittenIsAnError) {
  const TempDir folder;
  const RunFolder run = create(folder, some_manifest());
  const auto owner = run.path() / FolderOwner::kFile;
  std::filesystem::rename(run.path(), folder / "moved");
  EXPECT_THAT(message_of<IoError>([&] { run.check_owner(); }), HasSubstr("removed or moved away"));
  std::filesystem::rename(folder / "moved", run.path());
  run.check_owner();
  std::filesystem::remove(owner);
  const FolderOwner other(run.path());
  EXPECT_THAT(message_of<IoError>([&] { run.check_owner(); }), HasSubstr("has taken the folder"));
}

TEST(RunFolder, TellsWhereTheDataLayAndTheManifestDoesNot) {
  const TempDir folder;
  RunManifest manifest = some_manifest();
  manifest.config.data.path = "some/where";
  manifest.config.data.task = "class";
  const RunFolder run = create(folder, manifest);
  EXPECT_EQ(manifest_json(manifest).find("some/where"), std::string::npos);
  EXPECT_EQ(data_of(RunFolder::open(run.path())).path, "");
  write_location(run, manifest.config.data);
  const DataConfig found = data_of(RunFolder::open(run.path()));
  EXPECT_EQ(found.path, (std::filesystem::current_path() / "some/where").string());
  EXPECT_EQ(found.labels, "");
  EXPECT_EQ(found.task, "class");
}

TEST(Manifest, OlderOnesHoldThePathAndKnowNoNumerics) {
  RunManifest manifest = some_manifest();
  auto json = nlohmann::json::parse(manifest_json(manifest));
  json["data"]["source"] = "old/place";
  auto config = json["config"].get<std::string>();
  const std::string empty = "path = \"\"";
  ASSERT_NE(config.find(empty), std::string::npos) << config;
  config.replace(config.find(empty), empty.size(), "path = \"old/place\"");
  json["config"] = config;
  const RunManifest old = parse_manifest(json.dump(), "m");
  EXPECT_EQ(old.config.data.path, "old/place");
  manifest.numerics = "avx2";
  EXPECT_EQ(manifest_difference(old, manifest), std::nullopt);
  RunManifest elsewhere = manifest;
  elsewhere.numerics = "avx512";
  EXPECT_THAT(manifest_difference(manifest, elsewhere).value_or(""),
              HasSubstr("(--isa may pin it) is avx2 there and avx512 now"));
}

TEST(RunFolder, OpeningWhatIsNoRunFolderSaysWhatToGive) {
  const TempDir folder;
  EXPECT_THAT(message_of<ArtifactError>([&] { (void)RunFolder::open(folder / "absent"); }),
              HasSubstr("no such folder; give a folder that `hardy run`"));
  EXPECT_THAT(message_of<ArtifactError>([&] { (void)RunFolder::open(folder.path()); }),
              HasSubstr("holds no manifest.json"));
  put_file(folder / "manifest.json", "{}");
  EXPECT_THROW((void)RunFolder::open(folder.path()), ArtifactError);
  EXPECT_THROW((void)RunFolder::create(folder.path(), some_manifest(), ExistingRun::kResume),
               ArtifactError);
}

TEST(RunFolder, ModelNamesTellTheirPlaceAndNeverCollide) {
  const TempDir folder;
  RunManifest manifest = some_manifest();
  manifest.modality_names = {"a/b", "a_b"};
  const RunFolder run = create(folder, manifest);
  EXPECT_EQ(
      run.model_file({.track = "unified", .trained = Pattern(3), .fold = 2, .seed = 7}).filename(),
      "unified-fold2-seed7.safetensors");
  const auto first = run.model_file({.track = "specialist", .trained = Pattern::only(0)});
  const auto second = run.model_file({.track = "specialist", .trained = Pattern::only(1)});
  EXPECT_NE(first, second);
  EXPECT_EQ(first.parent_path(), run.models_folder());
  EXPECT_EQ(run.model_file({.track = "specialist", .trained = Pattern(3)}).filename(),
            "specialist-a%2Fb+a_b-fold0-seed0.safetensors");
  put_file(second, "x");
  put_file(first, "x");
  EXPECT_EQ(run.models().size(), 2U);
}

TEST(RunFolder, TimingsAreValidJson) {
  const TempDir folder;
  const RunFolder run = create(folder, some_manifest());
  RunTimings timings;
  timings.jobs = 2;
  timings.cpu_s = 1.5;
  timings.cache.hits = 4;
  timings.stage_cpu_s = {{"hardness", 1.25}};
  write_timings(run, timings);
  const auto json = nlohmann::json::parse(read_text_file(run.timings_file()));
  EXPECT_EQ(json["jobs"], 2);
  EXPECT_EQ(json["cache"]["hits"], 4);
  EXPECT_EQ(json["stage_cpu_s"]["hardness"], 1.25);
}

TEST(RunFolder, ARunNeverFinishesBeforeItStarted) {
  const TempDir folder;
  const RunFolder run = create(folder, some_manifest());
  const auto written = [&](const char* finished) {
    RunTimings timings;
    timings.started = "2026-03-01T10:00:00Z";
    timings.finished = finished;
    write_timings(run, timings);
    return nlohmann::json::parse(read_text_file(run.timings_file()))["finished"];
  };
  EXPECT_EQ(written("2026-03-01T10:07:00Z"), "2026-03-01T10:07:00Z");
  EXPECT_EQ(written("2026-02-28T23:59:59Z"), "2026-03-01T10:00:00Z");  // the clock went back
}

TEST(RunFolder, HardnessAndSupportTablesHaveTheDocumentedColumns) {
  const TempDir folder;
  const RunFolder run = create(folder, some_manifest());
  CsvFile hardness = start_hardness_table(run);
  add_row(hardness, HardnessRow{.utterance = "u1",
                                .fold = 1,
                                .seed = 3,
                                .pattern = "a,t",
                                .direct = 0.5,
                                .indirect = NAN,
                                .score = 0.75,
                                .supports = 4});
  hardness.commit();
  EXPECT_EQ(read_text_file(run.hardness_file()),
            "utterance,fold,seed,pattern,direct,indirect,score,supports\n"
            "u1,1,3,\"a,t\",0.5,,0.75,4\n");
  CsvFile supports = start_supports_table(run);
  add_row(supports, SupportRow{.utterance = "u1",
                               .fold = 1,
                               .seed = 3,
                               .pattern = "a",
                               .rank = 1,
                               .support = "u2",
                               .distance = 0.125});
  supports.commit();
  EXPECT_EQ(read_text_file(run.supports_file()),
            "utterance,fold,seed,pattern,rank,support,distance\nu1,1,3,a,1,u2,0.125\n");
}

TEST(CsvFile, QuotesWhatNeedsItAndWritesShortestNumbers) {
  const TempDir folder;
  CsvFile file(folder / "t.csv", {"a", "b", "c"});
  file.add("plain").add("with, comma").add("say \"hi\"\n").end_row();
  file.add(0.1).add(0.1F).add(std::int64_t{-3}).end_row();
  file.add(std::numeric_limits<double>::quiet_NaN()).add("").add(1e-7).end_row();
  file.commit();
  EXPECT_EQ(read_text_file(folder / "t.csv"),
            "a,b,c\nplain,\"with, comma\",\"say \"\"hi\"\"\n\"\n0.1,0.1,-3\n,,1e-07\n");
}

TEST(CsvFile, IsInvisibleUntilCommittedAndGoneWhenAbandoned) {
  const TempDir folder;
  {
    CsvFile file(folder / "t.csv", {"a"});
    for (int i = 0; i < 200000; ++i) file.add(std::int64_t{i}).end_row();
    EXPECT_FALSE(std::filesystem::exists(folder / "t.csv"));
  }
  EXPECT_EQ(test::entry_count(folder.path()), 0);
  CsvFile file(folder / "t.csv", {"a"});
  CsvFile moved = std::move(file);
  moved.commit();
  EXPECT_EQ(read_text_file(folder / "t.csv"), "a\n");
  EXPECT_EQ(test::entry_count(folder.path()), 1);
}

TEST(CsvFile, MisuseIsOurBug) {
  const TempDir folder;
  CsvFile file(folder / "t.csv", {"a", "b"});
  file.add("x");
  EXPECT_THROW(file.end_row(), InternalError);
  EXPECT_THROW(file.commit(), InternalError);
  file.add("y").end_row();
  file.commit();
  EXPECT_THROW(file.add("x"), InternalError);
}

TEST(CsvFile, AFolderThatCannotBeMadeIsAnIoErrorNamingIt) {
  const TempDir folder;
  put_file(folder / "file", "not a folder");
  EXPECT_THAT(message_of<IoError>([&] { CsvFile(folder / "file" / "t.csv", {"a"}); }),
              HasSubstr("file"));
}

}  // namespace
}  // namespace hardy
