// Whole extractions: segments, decoding processes, reasons, resumption, the written folder.
#include "hardy/extract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "corpus/plain_form.h"
#include "hardy/errors.h"
#include "media/compare_features.h"
#include "media/extraction_folder.h"
#include "media/segment_list.h"
#include "media/segment_services.h"
#include "media/worker.h"
#include "tests/media/made_recording.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

struct Told {
  std::vector<WorkerResult> results;
  int calls = 0;
};

Told run_task(std::size_t items, const WorkerTask& task, double stall_s = 60,
              std::int64_t memory_bytes = 0) {
  Told told;
  told.results.resize(items);
  WorkerJob job;
  job.name = "recording";
  job.items = items;
  job.task = task;
  job.consume = [&](std::size_t item, const WorkerResult& result) {
    told.results[item] = result;
    ++told.calls;
  };
  std::vector<WorkerJob> jobs;
  jobs.push_back(job);
  WorkerLimits limits;
  limits.stall_s = stall_s;
  limits.memory_bytes = memory_bytes;
  run_workers(std::move(jobs), limits);
  return told;
}

TEST(Worker, ACrashCostsTheItemItHappenedAt) {
  const Told told = run_task(4, [](const std::vector<std::size_t>& pending, bool, WorkerVoice& v) {
    for (const std::size_t item : pending) {
      if (item == 1) std::raise(SIGSEGV);
      WorkerResult result;
      result.values = {static_cast<float>(item)};
      v.tell(item, result);
    }
  });
  EXPECT_EQ(told.calls, 4);
  EXPECT_EQ(told.results[0].values, std::vector<float>{0});
  EXPECT_THAT(told.results[1].reason, testing::StartsWith("its decoder crashed"));
  EXPECT_FALSE(told.results[1].is_final);
  EXPECT_EQ(told.results[2].values, std::vector<float>{2});
  EXPECT_EQ(told.results[3].values, std::vector<float>{3});
}

TEST(Worker, AHangCostsTheItemItHappenedAt) {
  const Told told = run_task(
      2,
      [](const std::vector<std::size_t>& pending, bool, WorkerVoice& v) {
        for (const std::size_t item : pending) {
          if (item == 0) std::this_thread::sleep_for(std::chrono::hours(1));
          v.tell(item, {});
        }
      },
      0.5);
  EXPECT_THAT(told.results[0].reason, testing::HasSubstr("no progress"));
  EXPECT_EQ(told.results[1].reason, "");
}

TEST(Worker, MemoryIsLimited) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "sanitizers need the whole address space";
#endif
  const Told told = run_task(
      1,
      [](const std::vector<std::size_t>&, bool, WorkerVoice& v) {
        const std::vector<char> much(std::size_t{3} << 30, 'x');
        WorkerResult result;
        result.values = {static_cast<float>(much[1000])};
        v.tell(0, result);
      },
      60, std::int64_t{2} << 30);
  EXPECT_THAT(told.results[0].reason, testing::HasSubstr("more memory"));
}

TEST(Worker, AFileThatAlwaysCrashesIsGivenUp) {
  const Told told = run_task(
      50, [](const std::vector<std::size_t>&, bool, WorkerVoice&) { std::raise(SIGABRT); });
  EXPECT_EQ(told.calls, 50);
  EXPECT_THAT(told.results[49].reason, testing::StartsWith("its decoder crashed"));
}

SegmentServices no_services() {
  return {[](const std::vector<std::filesystem::path>& recordings, CutMode) {
            return std::vector<std::vector<std::pair<double, double>>>(recordings.size());
          },
          [](const std::filesystem::path&, std::string&) { return std::filesystem::path(); }};
}

TEST(SegmentTable, ColumnsAreReadAndMistakesNamedByLine) {
  const auto segments = parse_segment_table(
      "id,media,start,end,speaker,text,dialogue,label,group\n"
      "a,x.mp4,1.5,00:00:03,Ann,\"Hi, <i>you</i>\",d,happy,s1\nb,x.mp4,,,,,,sad,\n",
      "t.csv");
  ASSERT_EQ(segments.size(), 2U);
  EXPECT_DOUBLE_EQ(segments[0].start_s, 1.5);
  EXPECT_DOUBLE_EQ(segments[0].end_s, 3);
  EXPECT_EQ(segments[0].text, "Hi, you");
  EXPECT_EQ(segments[0].label, "happy");
  EXPECT_EQ(segments[1].end_s, std::numeric_limits<double>::infinity());
  const auto refused = [](const std::string& text) -> std::string {
    try {
      parse_segment_table(text, "t.csv");
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(refused("media,start,end\nx.mp4,2,1\n"), testing::HasSubstr("line 2"));
  EXPECT_THAT(refused("media,start\nx.mp4,soon\n"), testing::HasSubstr("'soon' is no time"));
  EXPECT_THAT(refused("media,label\nx,happy\ny,\n"), testing::HasSubstr("line 3"));
  EXPECT_THAT(refused("text\nhello\n"), testing::HasSubstr("neither a column"));
}

TEST(SegmentList, FoldersGiveTheirRecordingsWithTheirTranscripts) {
  const test::TempDir folder;
  test::put_file(folder / "b/clip.mp4", "x");
  test::put_file(
      folder / "b/clip.srt",
      "1\n00:00:00,000 --> 00:00:01,000\none\n\n2\n00:00:01,000 --> 00:00:02,000\ntwo\n");
  test::put_file(folder / "a/clip.wav", "x");
  test::put_file(folder / "a/notes.md", "x");
  SegmentOptions options;
  options.inputs = {folder.path().string()};
  const auto list = list_segments(options, no_services());
  std::vector<std::string> ids;
  std::set<std::string> unique;
  for (const auto& segment : list.segments) {
    ids.push_back(segment.id);
    unique.insert(segment.id);
  }
  EXPECT_EQ(unique.size(), 3U);
  EXPECT_THAT(ids, testing::UnorderedElementsAre("clip_001", "clip_002", "clip"));
}

TEST(SegmentList, ARowWithoutTextGetsWhatIsSaidInItsTime) {
  const test::TempDir folder;
  test::put_file(folder / "clip.mp4", "x");
  test::put_file(
      folder / "clip.srt",
      "1\n00:00:00,000 --> 00:00:01,000\none\n\n2\n00:00:01,000 --> 00:00:02,000\ntwo\n");
  test::put_file(folder / "t.csv", "media,start,end\nclip.mp4,0.9,2\n");
  SegmentOptions options;
  options.inputs = {(folder / "t.csv").string()};
  const auto list = list_segments(options, no_services());
  ASSERT_EQ(list.segments.size(), 1U);
  EXPECT_EQ(list.segments[0].text, "two");
  EXPECT_EQ(list.segments[0].media, folder / "clip.mp4");
}

TEST(SegmentList, WhatIsNotThereIsRefused) {
  SegmentOptions options;
  EXPECT_THROW(list_segments(options, no_services()), ConfigError);
  options.inputs = {"/nonexistent.mp4"};
  EXPECT_THROW(list_segments(options, no_services()), ConfigError);
  options.inputs = {"/nonexistent-*.mp4"};
  EXPECT_THROW(list_segments(options, no_services()), ConfigError);
}

TEST(Backbones, APathThatIsNotThereIsRefusedWithItsOption) {
  const test::TempDir folder;
  BackboneFiles files;
  files.text = folder / "nowhere";
  EXPECT_THAT(test::message_of<ArtifactError>([&] { open_backbones(files); }),
              testing::AllOf(testing::HasSubstr("--text " + (folder / "nowhere").string()),
                             testing::HasSubstr("docs/recordings.md")));
  files.text.clear();
  files.sound = folder / "nowhere.pt";
  EXPECT_THAT(test::message_of<ArtifactError>([&] { open_backbones(files); }),
              testing::HasSubstr("--audio "));
}

/// A small DeBERTa with its tokenizer in one folder, as people download it.
void make_deberta_folder(const std::filesystem::path& folder) {
  const auto golden = test::shared_dir() / "golden/backbones/deberta";
  std::filesystem::create_directories(folder);
  for (const char* name : {"large_like/config.json", "large_like/model.safetensors",
                           "tokenizer/vocab.json", "tokenizer/merges.txt"}) {
    const auto file = golden / name;
    std::filesystem::create_symlink(file, folder / file.filename());
  }
}

TEST(Backbones, TextsHaveTheSameVectorAloneAndAmongOthers) {
  HARDY_NEEDS_SHARED("golden/backbones/deberta");
  const test::TempDir folder;
  make_deberta_folder(folder / "deberta");
  BackboneFiles files;
  files.text = folder / "deberta";
  ExtractOptions options;
  options.wanted = {false, true, false};
  options.backbones = open_backbones(files);
  const std::vector<std::string> texts = {
      "well , you know", " ", "no", std::string(9000, '.'), "that was it .", "\xE2\x80\x94"};
  std::vector<Segment> segments;
  for (const auto& text : texts) {
    segments.emplace_back();
    segments.back().id = std::to_string(segments.size());
    segments.back().text = text;
  }
  const auto together = extract_segments(segments, options);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto alone = extract_segments({segments[i]}, options);
    EXPECT_EQ(together[i].modalities[1].values, alone[0].modalities[1].values) << i;
    EXPECT_EQ(together[i].modalities[1].reason, alone[0].modalities[1].reason) << i;
  }
  EXPECT_EQ(together[0].modalities[1].values.size(), 32U);
  EXPECT_EQ(together[1].modalities[1].reason, "its text holds no token");
  EXPECT_THAT(together[3].modalities[1].reason, testing::HasSubstr("tokens, the network reads"));
  EXPECT_EQ(together[4].modalities[1].values.size(), 32U);
}

TEST(Backbones, OtherStatesAreOtherFeatures) {
  HARDY_NEEDS_SHARED("golden/backbones/deberta");
  const test::TempDir folder;
  make_deberta_folder(folder / "deberta");
  BackboneFiles files;
  files.text = folder / "deberta";
  Segment segment;
  segment.text = "that was it .";
  ExtractOptions options;
  options.wanted = {false, true, false};
  const auto vector_of = [&](int first, int last) {
    files.first_state = first;
    files.last_state = last;
    options.backbones = open_backbones(files);
    return extract_segments({segment}, options)[0].modalities[1].values;
  };
  const auto last_two = vector_of(-2, -1);
  EXPECT_THAT(feature_makers(options)[1].name, testing::EndsWith("-tokens2"));
  const auto last = vector_of(-1, -1);
  const auto before = vector_of(-2, -2);
  EXPECT_THAT(feature_makers(options)[1].name, testing::EndsWith("-tokens2to2"));
  ASSERT_EQ(last.size(), last_two.size());
  for (std::size_t i = 0; i < last.size(); ++i) EXPECT_NEAR(last[i] + before[i], last_two[i], 1e-5);
  EXPECT_THAT(test::message_of<ConfigError>([&] { vector_of(-7, -1); }),
              testing::HasSubstr("the network has the states -6..-1"));
}

TEST(SegmentServices, CommandsAreSplitWithoutAShell) {
  EXPECT_THAT(split_command("run -a 'two words' \"x\"y {wav}"),
              testing::ElementsAre("run", "-a", "two words", "xy", "{wav}"));
  EXPECT_THROW(split_command("run 'open"), ConfigError);
  EXPECT_THROW(SegmentPreparation("run {wav}", ExtractOptions{}), ConfigError);
}

TEST(SegmentServices, ARecogniserOfTheUserMakesTheTranscript) {
  HARDY_NEEDS_FFMPEG();
  const test::TempDir folder;
  ASSERT_TRUE(test::make_recording(test::tone(1), folder / "clip.wav"));
  const ExtractOptions options;
  SegmentPreparation preparation(
      "sh -c 'test -s \"$0\" && printf \"hello there\" > \"$1.txt\"' {wav} {out}", options);
  SegmentOptions wanted;
  wanted.inputs = {(folder / "clip.wav").string()};
  wanted.asr = "used";
  const auto list = list_segments(wanted, preparation.services());
  ASSERT_EQ(list.segments.size(), 1U);
  EXPECT_EQ(list.segments[0].text, "hello there");
}

class Extract : public testing::Test {
 protected:
  void SetUp() override {
    HARDY_NEEDS_FFMPEG();
    ASSERT_TRUE(test::make_recording(
        test::pictures(3) + test::tone(3) + "-c:v mpeg4 -c:a aac -shortest", folder_ / "clip.mp4"));
    options_.cache = folder_ / "cache";
    options_.picture_step_s = 0.2;
  }

  Segment segment(const std::string& id, double start, double end, const std::string& text = "") {
    Segment made;
    made.id = id;
    made.media = folder_ / "clip.mp4";
    made.start_s = start;
    made.end_s = end;
    made.text = text;
    return made;
  }

  test::TempDir folder_;
  ExtractOptions options_;
};

TEST_F(Extract, SegmentsAreCutByTheirTimes) {
  const auto extracted = extract_segments(
      {segment("a", 0.5, 1.25, "good"), segment("b", 1, 3), segment("c", 9, 10)}, options_);
  EXPECT_NEAR(extracted[0].seconds, 0.75, 0.001);
  EXPECT_EQ(extracted[0].modalities[0].values.size(), 88U);
  EXPECT_FALSE(extracted[0].modalities[1].values.empty());
  EXPECT_EQ(extracted[0].pictures, 4);
  EXPECT_EQ(extracted[0].modalities[2].reason, "no face was found in its pictures");
  EXPECT_NEAR(extracted[1].seconds, 2, 0.001);
  EXPECT_EQ(extracted[1].modalities[1].reason, "it has no transcript");
  EXPECT_THAT(extracted[2].modalities[0].reason, testing::StartsWith("it starts at 9.00 s"));
  EXPECT_THAT(extracted[2].modalities[2].reason, testing::StartsWith("it starts at 9.00 s"));
}

TEST_F(Extract, TheSameSegmentGivesTheSameVectorWhateverElseIsWanted) {
  ExtractOptions options = options_;
  options.cache.clear();
  const auto together = extract_segments({segment("a", 0, 1), segment("b", 1, 2)}, options);
  const auto alone = extract_segments({segment("b", 1, 2)}, options);
  EXPECT_EQ(together[1].modalities[0].values, alone[0].modalities[0].values);
}

TEST_F(Extract, FinishedVectorsAreNotMadeAgain) {
  const std::vector<Segment> segments = {segment("a", 0, 1, "hello")};
  const auto first = extract_segments(segments, options_);
  EXPECT_FALSE(first[0].was_cached);
  const auto second = extract_segments(segments, options_);
  EXPECT_TRUE(second[0].was_cached);
  EXPECT_EQ(first[0].modalities[0].values, second[0].modalities[0].values);
  EXPECT_EQ(first[0].modalities[2].reason, second[0].modalities[2].reason);
  EXPECT_EQ(first[0].pictures, second[0].pictures);
  // Other settings are another key; a damaged entry is computed again.
  ExtractOptions other = options_;
  other.picture_step_s = 0.5;
  EXPECT_EQ(extract_segments(segments, other)[0].pictures, 2);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(options_.cache)) {
    if (entry.is_regular_file()) std::filesystem::resize_file(entry.path(), 20);
  }
  EXPECT_EQ(extract_segments(segments, options_)[0].modalities[0].values,
            first[0].modalities[0].values);
}

TEST_F(Extract, ABrokenRecordingCostsOnlyItself) {
  test::put_file(folder_ / "broken.mp4", std::string(3000, 'x'));
  Segment broken = segment("x", 0, 1);
  broken.media = folder_ / "broken.mp4";
  Segment gone = segment("y", 0, 1);
  gone.media = folder_ / "gone.mp4";
  ExtractOptions options = options_;
  options.jobs = 2;
  const auto extracted = extract_segments({broken, segment("a", 0, 1), gone}, options);
  EXPECT_THAT(extracted[0].modalities[0].reason, testing::HasSubstr("cannot be read"));
  EXPECT_TRUE(extracted[0].modalities[0].values.empty());
  EXPECT_FALSE(extracted[1].modalities[0].values.empty());
  EXPECT_FALSE(extracted[2].modalities[0].reason.empty());
}

TEST_F(Extract, WhatIsTooLongIsRefusedAlone) {
  ExtractOptions options = options_;
  options.max_seconds = 1.5;
  const auto extracted = extract_segments({segment("a", 0, 3), segment("b", 0, 1)}, options);
  EXPECT_THAT(extracted[0].modalities[0].reason, testing::StartsWith("it is longer than"));
  EXPECT_FALSE(extracted[1].modalities[0].values.empty());
}

TEST_F(Extract, TheFolderReadsBackAndSaysItsMakers) {
  auto first = segment("a", 0, 1, "good");
  auto second = segment("b", 1, 2);
  first.dialogue = second.dialogue = "d";
  first.label = "happy";
  second.label = "sad";
  auto nothing = segment("c", 9, 10);
  nothing.label = "sad";
  const auto extracted = extract_segments({second, first, nothing}, options_);
  const auto out = folder_ / "corpus";
  write_extraction(extracted, options_, {"a note"}, out);
  PlainOptions plain;
  plain.folder = out;
  const Corpus corpus = load_plain(plain);
  ASSERT_EQ(corpus.size(), 2);
  EXPECT_EQ(corpus.utterances[0].id, "a");
  EXPECT_EQ(corpus.utterances[0].transcript, "good");
  ASSERT_EQ(corpus.modality_names(), (std::vector<std::string>{"acoustic", "textual"}));
  EXPECT_EQ(corpus.modalities[0].maker, "hardy-acoustic-1");
  EXPECT_EQ(corpus.modalities[1].present[1], 0);
  const auto json = nlohmann::json::parse(read_text_file(out / "extract.json"));
  EXPECT_EQ(json["without_any_modality"], 1);
  EXPECT_EQ(json["modalities"]["textual"]["absent"]["it has no transcript"], 2);
  EXPECT_EQ(json["list"].size(), 3U);
  // Again to the same folder; but not over other contents.
  write_extraction(extracted, options_, {}, out);
  test::put_file(folder_ / "other/file", "x");
  EXPECT_THROW(write_extraction(extracted, options_, {}, folder_ / "other"), ConfigError);
  const auto agreement = compare_features(out, out);
  ASSERT_EQ(agreement.size(), 2U);
  EXPECT_NEAR(agreement[0].mean_cosine, 1, 1e-9);
  EXPECT_EQ(agreement[0].compared, 2);
}

TEST_F(Extract, ALongRecordingIsCutAtPauses) {
  ASSERT_TRUE(test::make_recording(
      "-f lavfi -i \"aevalsrc='0.4*sin(2*PI*200*t)*lt(mod(t,5),3)':s=16000:d=20\"",
      folder_ / "long.wav"));
  SegmentOptions wanted;
  wanted.inputs = {(folder_ / "long.wav").string()};
  SegmentPreparation preparation("", options_);
  const auto list = list_segments(wanted, preparation.services());
  ASSERT_EQ(list.segments.size(), 4U);
  EXPECT_NEAR(list.segments[1].start_s, 4.9, 0.05);
  EXPECT_NEAR(list.segments[1].end_s, 8.1, 0.05);
}

}  // namespace
}  // namespace hardy
