#include "hardy/modality.h"

#include <gtest/gtest.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

const std::vector<std::string> kNames = {"acoustic", "textual", "visual"};

TEST(Pattern, AllPatternsComeSmallestFirstInCorpusOrder) {
  std::vector<std::string> labels;
  for (const Pattern pattern : all_patterns(3)) labels.push_back(pattern_label(pattern, kNames));
  EXPECT_EQ(labels, (std::vector<std::string>{"acoustic", "textual", "visual", "acoustic,textual",
                                              "acoustic,visual", "textual,visual",
                                              "acoustic,textual,visual"}));
}

TEST(Pattern, CountIsTwoToTheMMinusOne) {
  for (int m = 1; m <= 6; ++m) {
    EXPECT_EQ(all_patterns(m).size(), (1U << m) - 1U);
    EXPECT_EQ(proper_patterns(m).size(), (1U << m) - 2U);
  }
}

TEST(Pattern, ShortNamesAreShortestUniquePrefixes) {
  EXPECT_EQ(short_names({"face", "faith", "text"}), (std::vector<std::string>{"fac", "fai", "t"}));
  EXPECT_EQ(short_names({"m", "m1"}), (std::vector<std::string>{"m", "m1"}));
}

TEST(Pattern, ParsesNamesPrefixesAndLetters) {
  EXPECT_EQ(parse_pattern("a,t", kNames), Pattern(0b011));
  EXPECT_EQ(parse_pattern("at", kNames), Pattern(0b011));
  EXPECT_EQ(parse_pattern("{textual, vis}", kNames), Pattern(0b110));
  EXPECT_EQ(parse_pattern("visual", kNames), Pattern(0b100));
}

TEST(Pattern, EveryLabelParsesBack) {
  const std::vector<std::string> names = {"face", "body", "speech", "text", "eeg", "ecg"};
  for (const Pattern pattern : all_patterns(6)) {
    EXPECT_EQ(parse_pattern(pattern_label(pattern, names), names), pattern);
  }
}

TEST(Pattern, UnknownAmbiguousAndEmptyNamesAreRefusedWithTheKnownOnes) {
  const auto message_of = [](const char* text, const std::vector<std::string>& names) {
    try {
      parse_pattern(text, names);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message_of("a,x", kNames).find("unknown modality 'x'"), std::string::npos);
  EXPECT_NE(message_of("a,x", kNames).find("acoustic, textual, visual"), std::string::npos);
  EXPECT_NE(message_of("fa,te", {"face", "faith", "te"}).find("ambiguous"), std::string::npos);
  EXPECT_NE(message_of("textal", kNames).find("unknown modality 'textal'"), std::string::npos);
  EXPECT_NE(message_of("", kNames).find("names no modality"), std::string::npos);
}

}  // namespace
}  // namespace hardy
