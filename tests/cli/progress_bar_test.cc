#include "cli/progress_bar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "cli/output.h"

namespace hardy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// A bar that writes into a list, with a manual clock.
struct Drawn {
  explicit Drawn(int columns, bool is_quiet = false)
      : bar({.columns = columns,
             .is_quiet = is_quiet,
             .write = [this](const std::string& text) { texts.push_back(text); },
             .now_s = [this] { return now_s; }}) {}

  std::vector<std::string> texts;
  double now_s = 1000;
  ProgressBar bar;
};

TEST(ProgressBar, PlainLinesComeAtStepsAndWithTheRemainingTime) {
  Drawn drawn(0);
  drawn.bar.start("running");
  for (int i = 0; i <= 1000; ++i) {
    drawn.now_s = 1000 + 0.1 * i;
    drawn.bar.update(i, 1000, "fold 1");
  }
  drawn.bar.finish();
  EXPECT_GE(drawn.texts.size(), 20U);
  EXPECT_LE(drawn.texts.size(), 22U);
  EXPECT_EQ(drawn.texts[0], "hardy: running: 0 % (fold 1)\n");
  EXPECT_EQ(drawn.texts.back(), "hardy: running: 100 % (fold 1)\n");
  EXPECT_THAT(drawn.texts[10], HasSubstr("running: 50 %, 50 s left"));
}

TEST(ProgressBar, PlainLinesOfShortWorkAreFew) {
  Drawn drawn(0);
  drawn.bar.start("running");
  for (int i = 0; i <= 100; ++i) {
    drawn.now_s += 0.01;
    drawn.bar.update(i, 100, "fast");
  }
  EXPECT_EQ(drawn.texts.size(), 2U);
  EXPECT_THAT(drawn.texts.back(), HasSubstr("100 %"));
}

TEST(ProgressBar, SaysAHundredOnceAndOnlyAtTheEnd) {
  Drawn drawn(0);
  drawn.bar.start("running");
  drawn.bar.update(997, 1000, "almost");
  for (int i = 0; i < 3; ++i) {
    drawn.now_s += 40;
    drawn.bar.update(1000, 1000, "writing");
  }
  EXPECT_THAT(drawn.texts, ElementsAre("hardy: running: 99 %, 0 s left (almost)\n",
                                       "hardy: running: 100 % (writing)\n"));
}

TEST(ProgressBar, PlainLinesAlsoComeEveryHalfMinute) {
  Drawn drawn(0);
  drawn.bar.start("running");
  for (int i = 0; i < 100; ++i) {
    drawn.now_s += 1;
    drawn.bar.update(1, 1000, "slow");
  }
  EXPECT_EQ(drawn.texts.size(), 4U);
}

TEST(ProgressBar, TerminalBarStaysWithinTheLineAndIsCleared) {
  Drawn drawn(50);
  drawn.bar.start("running");
  drawn.now_s += 60;
  drawn.bar.update(1, 4, "fold 1, seed 1: a task with quite a long name indeed");
  ASSERT_EQ(drawn.texts.size(), 1U);
  EXPECT_THAT(drawn.texts[0], HasSubstr("\r\x1b[Krunning [###---------]  25 %  3 min 00 s left"));
  EXPECT_LT(drawn.texts[0].size(), 50U + 4U);
  drawn.now_s += 0.01;
  drawn.bar.update(2, 4, "too soon");
  EXPECT_EQ(drawn.texts.size(), 1U);
  drawn.bar.note("a note");
  drawn.bar.finish();
  EXPECT_THAT(drawn.texts, ElementsAre(drawn.texts[0], "\r\x1b[K", "hardy: a note\n"));
}

TEST(ProgressBar, QuietShowsNotesOnly) {
  Drawn drawn(80, true);
  drawn.bar.start("running");
  drawn.bar.update(1, 2, "x");
  drawn.bar.note("kept");
  drawn.bar.finish();
  EXPECT_THAT(drawn.texts, ElementsAre("hardy: kept\n"));
}

TEST(ProgressBar, NothingToDoYetDrawsNothing) {
  Drawn drawn(80);
  drawn.bar.update(0, 0, "cached");
  EXPECT_TRUE(drawn.texts.empty());
}

TEST(ProgressBar, NamesFromDataCannotSteerTheTerminal) {
  Drawn drawn(0);
  drawn.bar.update(1, 2, "evil\x1b[2Jname\n");
  EXPECT_THAT(drawn.texts[0], HasSubstr("evil?[2Jname?"));
  EXPECT_THAT(drawn.texts[0], Not(HasSubstr("\x1b")));
}

TEST(ProgressBar, TakesUpdatesFromManyThreads) {
  Drawn drawn(0);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&drawn] {
        for (int i = 0; i <= 100; ++i) drawn.bar.update(i, 100, "t");
      });
    }
  }
  EXPECT_FALSE(drawn.texts.empty());
}

TEST(Output, DurationsAndSizesReadWell) {
  EXPECT_EQ(duration_text(0.4), "0 s");
  EXPECT_EQ(duration_text(59.6), "1 min 00 s");
  EXPECT_EQ(duration_text(3725), "1 h 02 min");
  EXPECT_EQ(duration_text(-1), "0 s");
  EXPECT_EQ(bytes_text(1023), "1023 bytes");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(std::int64_t{3} << 30), "3.0 GiB");
}

}  // namespace
}  // namespace hardy
