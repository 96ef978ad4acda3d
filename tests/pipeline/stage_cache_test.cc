#include "pipeline/stage_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <latch>
#include <set>
#include <thread>

#include "base/files.h"
#include "base/shared_files.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::message_of;
using test::TempDir;
using ::testing::HasSubstr;

TensorFile one_number(float value) {
  TensorFile file;
  file.add("x", {1}, std::vector<float>{value});
  return file;
}

float number_in(const TensorFile& file) { return file.floats("x")[0]; }

std::filesystem::path result_file(const TempDir& folder, const std::string& key) {
  return folder / key.substr(0, 2) / (key + ".safetensors");
}

const std::string kKey = stage_key("stage", 1, {"a", "b"});

TEST(StageKey, DependsOnEveryPartAndOnTheirBorders) {
  const std::set<std::string> keys = {kKey,
                                      stage_key("stage", 2, {"a", "b"}),
                                      stage_key("other", 1, {"a", "b"}),
                                      stage_key("stage", 1, {"b", "a"}),
                                      stage_key("stage", 1, {"ab", ""}),
                                      stage_key("stage", 1, {"a", "b", ""}),
                                      stage_key("stage", 1, {}),
                                      stage_key("stage1", 1, {"a", "b"})};
  EXPECT_EQ(keys.size(), 8U);
  EXPECT_EQ(kKey, stage_key("stage", 1, {"a", "b"}));
  EXPECT_EQ(kKey.size(), 64U);
}

TEST(StageCache, StoresUnderTheKeyAndFindsItAgain) {
  const TempDir folder;
  {
    StageCache cache(folder.path());
    EXPECT_FALSE(cache.find(kKey).has_value());
    cache.store(kKey, one_number(3));
    EXPECT_TRUE(std::filesystem::exists(result_file(folder, kKey)));
  }
  StageCache reopened(folder.path());
  const auto found = reopened.find(kKey);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(number_in(*found), 3);
  const auto statistics = reopened.statistics();
  EXPECT_EQ(statistics.hits, 1);
  EXPECT_EQ(statistics.misses, 0);
  EXPECT_EQ(statistics.bytes_read,
            static_cast<std::int64_t>(std::filesystem::file_size(result_file(folder, kKey))));
}

TEST(StageCache, MakesNoFolderUntilSomethingIsStored) {
  const TempDir folder;
  StageCache cache(folder / "cache");
  EXPECT_FALSE(cache.find(kKey).has_value());
  EXPECT_FALSE(cache.find_checkpoint(kKey).has_value());
  EXPECT_FALSE(std::filesystem::exists(folder / "cache"));
}

TEST(StageCache, DamagedEntriesAreCountedAndReplacedByTheNextResult) {
  const TempDir folder;
  StageCache cache(folder.path());
  cache.store(kKey, one_number(3));
  const auto file = result_file(folder, kKey);
  std::string bytes = read_text_file(file);
  for (const std::size_t kept : {std::size_t{0}, std::size_t{9}, bytes.size() - 1}) {
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(kept));
    EXPECT_FALSE(cache.find(kKey).has_value()) << kept;
    // By the time the damage is found, another process may have stored a sound entry.
    EXPECT_TRUE(std::filesystem::exists(file)) << kept;
  }
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  std::ofstream(file, std::ios::binary) << bytes;
  EXPECT_EQ(number_in(cache.get_or_compute(kKey, [] { return one_number(4); })), 4);
  EXPECT_EQ(cache.statistics().damaged, 5);  // the last one before computing and before storing
  EXPECT_EQ(number_in(*cache.find(kKey)), 4);
}

TEST(StageCache, AnEntryOfAnotherKeyIsRefusedAndReplaced) {
  const TempDir folder;
  StageCache cache(folder.path());
  const std::string other = stage_key("other", 1, {});
  cache.store(kKey, one_number(1));
  cache.store(other, one_number(2));
  std::filesystem::copy_file(result_file(folder, other), result_file(folder, kKey),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_FALSE(cache.find(kKey).has_value());
  EXPECT_EQ(number_in(cache.get_or_compute(kKey, [] { return one_number(1); })), 1);
  EXPECT_EQ(number_in(*StageCache(folder.path()).find(kKey)), 1);
  EXPECT_EQ(number_in(*cache.find(other)), 2);
  EXPECT_TRUE(cache.find(kKey)->metadata.empty());  // the key is internal to the store
}

TEST(StageCache, ACheckpointOfAnotherKeyCountsAsAbsent) {
  const TempDir folder;
  StageCache cache(folder.path());
  const std::string other = stage_key("other", 1, {});
  cache.store_checkpoint(other, one_number(2));
  std::filesystem::create_directories(folder / kKey.substr(0, 2));
  std::filesystem::copy_file(folder / other.substr(0, 2) / (other + ".checkpoint"),
                             folder / kKey.substr(0, 2) / (kKey + ".checkpoint"));
  EXPECT_FALSE(cache.find_checkpoint(kKey).has_value());
  EXPECT_TRUE(cache.find_checkpoint(other).has_value());
}

TEST(StageCache, WhatIsStoredAlreadyIsNotReplaced) {
  const TempDir folder;
  StageCache cache(folder.path());
  cache.store(kKey, one_number(3));
  const auto written = std::filesystem::last_write_time(result_file(folder, kKey));
  StageCache(folder.path()).store(kKey, one_number(3));
  EXPECT_EQ(std::filesystem::last_write_time(result_file(folder, kKey)), written);
  EXPECT_EQ(std::filesystem::hard_link_count(result_file(folder, kKey)), 1U);
}

TEST(StageCache, ACacheThatMayNotComputeNamesTheMissingKey) {
  const TempDir folder;
  StageCache cache(folder.path(), 0, MissingResult::kRefuse);
  EXPECT_THAT(message_of<MissingStage>(
                  [&] { (void)cache.get_or_compute(kKey, [] { return one_number(1); }); }),
              HasSubstr(kKey));
  StageCache(folder.path()).store(kKey, one_number(7));
  EXPECT_EQ(number_in(cache.get_or_compute(kKey, [] { return one_number(1); })), 7);
}

TEST(StageCache, AFolderInPlaceOfAnEntryCountsAsAbsent) {
  const TempDir folder;
  StageCache cache(folder.path());
  std::filesystem::create_directories(result_file(folder, kKey));
  EXPECT_FALSE(cache.find(kKey).has_value());
}

TEST(StageCache, KeysThatAreNoDigestsAreOurBug) {
  const TempDir folder;
  StageCache cache(folder.path());
  EXPECT_THROW((void)cache.find("../../etc/passwd"), InternalError);
  EXPECT_THROW(cache.store(std::string(64, '.'), one_number(1)), InternalError);
  EXPECT_THROW((void)cache.find_checkpoint(""), InternalError);
}

TEST(StageCache, CheckpointsAreApartFromResultsAndDroppedByThem) {
  const TempDir folder;
  StageCache cache(folder.path());
  cache.store_checkpoint(kKey, one_number(1));
  cache.store_checkpoint(kKey, one_number(2));
  EXPECT_FALSE(cache.find(kKey).has_value());
  EXPECT_EQ(number_in(*cache.find_checkpoint(kKey)), 2);
  cache.store(kKey, one_number(3));
  EXPECT_FALSE(cache.find_checkpoint(kKey).has_value());
  cache.drop_checkpoint(kKey);  // absent: nothing happens
  EXPECT_EQ(number_in(*cache.find(kKey)), 3);
}

TEST(StageCache, WithoutFolderKeepsResultsInMemoryOnly) {
  StageCache cache("");
  int computed = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(number_in(cache.get_or_compute(kKey,
                                             [&] {
                                               ++computed;
                                               return one_number(5);
                                             })),
              5);
  }
  EXPECT_EQ(computed, 1);
  cache.store_checkpoint(kKey, one_number(1));
  EXPECT_FALSE(cache.find_checkpoint(kKey).has_value());
  EXPECT_FALSE(StageCache("").find(kKey).has_value());
}

TEST(StageCache, ManyThreadsComputeEachKeyOnce) {
  const TempDir folder;
  StageCache cache(folder.path());
  constexpr int kThreads = 8;
  constexpr int kKeys = 5;
  std::atomic<int> computed{0};
  std::atomic<int> wrong{0};
  {
    std::latch start(kThreads);
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        for (int k = 0; k < kKeys; ++k) {
          const int mine = (k + t) % kKeys;
          const auto result = cache.get_or_compute(stage_key("s", mine, {}), [&] {
            ++computed;
            std::this_thread::yield();
            return one_number(static_cast<float>(mine));
          });
          if (number_in(result) != static_cast<float>(mine)) ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(computed, kKeys);
  EXPECT_EQ(wrong, 0);
  const auto statistics = cache.statistics();
  EXPECT_EQ(statistics.misses, kKeys);
  EXPECT_EQ(statistics.hits, kThreads * kKeys - kKeys);
}

TEST(StageCache, AFailureReachesEveryWaiterAndIsNotRemembered) {
  const TempDir folder;
  StageCache cache(folder.path());
  std::latch is_computing(1);
  std::atomic<bool> may_fail{false};
  std::atomic<int> failures{0};
  const auto attempt = [&](const std::function<TensorFile()>& compute) {
    try {
      (void)cache.get_or_compute(kKey, compute);
    } catch (const DivergenceError&) {
      ++failures;
    }
  };
  {
    const std::jthread first([&] {
      attempt([&]() -> TensorFile {
        is_computing.count_down();
        while (!may_fail) std::this_thread::yield();
        throw DivergenceError("loss is NaN");
      });
    });
    is_computing.wait();
    const std::jthread second([&] { attempt([]() -> TensorFile { throw DivergenceError("x"); }); });
    may_fail = true;
  }
  EXPECT_EQ(failures, 2);
  EXPECT_EQ(number_in(cache.get_or_compute(kKey, [] { return one_number(1); })), 1);
}

TEST(StageCache, ComputationsMayAskForOtherKeys) {
  const TempDir folder;
  StageCache cache(folder.path());
  const auto result = cache.get_or_compute(kKey, [&] {
    const auto inner =
        cache.get_or_compute(stage_key("inner", 1, {}), [] { return one_number(2); });
    return one_number(number_in(inner) + 1);
  });
  EXPECT_EQ(number_in(result), 3);
}

TEST(StageCache, AFolderThatCannotBeMadeIsAnIoErrorNamingIt) {
  const TempDir folder;
  write_file_atomically(folder / "file", "not a folder");
  StageCache cache(folder / "file");
  EXPECT_THAT(message_of<IoError>([&] { cache.store(kKey, one_number(1)); }), HasSubstr("file"));
}

TEST(CacheContents, CountsAndClearsOnlyOurEntries) {
  const TempDir folder;
  StageCache cache(folder.path());
  cache.store(kKey, one_number(1));
  const std::string other = stage_key("other", 1, {});
  cache.store_checkpoint(other, one_number(2));
  const auto temporary = folder / kKey.substr(0, 2) / ("." + kKey + ".safetensors.tmp-1-2");
  const auto alive = temporary_name(temporary);
  for (const auto& file : {temporary, alive}) write_file_atomically(file, "left over");
  std::filesystem::last_write_time(
      temporary, std::filesystem::file_time_type::clock::now() - std::chrono::hours(25));
  write_file_atomically(folder / "notes.txt", "keep");
  write_file_atomically(folder / kKey.substr(0, 2) / "thesis.safetensors", "keep");
  write_file_atomically(folder / "photos" / (kKey + ".safetensors"), "keep");

  const auto contents = cache_contents(folder.path());
  EXPECT_EQ(contents.results, 1);
  EXPECT_EQ(contents.checkpoints, 1);
  EXPECT_GT(contents.bytes, 18);
  const auto removed = clear_cache(folder.path());
  EXPECT_EQ(removed.results, 1);
  EXPECT_EQ(removed.bytes, contents.bytes - 9);
  EXPECT_FALSE(std::filesystem::exists(temporary));
  EXPECT_TRUE(std::filesystem::exists(alive));
  EXPECT_TRUE(std::filesystem::exists(folder / "notes.txt"));
  EXPECT_TRUE(std::filesystem::exists(folder / kKey.substr(0, 2) / "thesis.safetensors"));
  EXPECT_TRUE(std::filesystem::exists(folder / "photos" / (kKey + ".safetensors")));
  EXPECT_FALSE(std::filesystem::exists(folder / other.substr(0, 2)));
  EXPECT_EQ(cache_contents(folder / "absent").results, 0);
}

}  // namespace
}  // namespace hardy
