#include "report/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using namespace std::string_literals;
using test::TempDir;

TEST(Crc32c, MatchesTheVectorsOfRfc3720) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c(""), 0U);
  // 0xE3069283 rotated right by 15 is 0x2507C60D.
  EXPECT_EQ(masked_crc32c("123456789"), 0x2507C60DU + 0xA282EAD8U);
}

TEST(EventFile, ScalarsAreEncodedAsByHand) {
  // wall_time (1, fixed64) 300.0; step (2, varint) 300; summary (5) { value (1) { tag (1) "a",
  // simple_value (2, fixed32) 0.5 } }.
  EXPECT_EQ(scalar_event("a", 300, 0.5), "\x09"s + "\0\0\0\0\0\xC0\x72\x40"s + "\x10\xAC\x02"s +
                                             "\x2A\x0A"s + "\x0A\x08"s + "\x0A\x01"s + "a" +
                                             "\x15"s + "\0\0\0\x3F"s);
  EXPECT_EQ(version_event(), "\x09"s + std::string(8, '\0') + "\x1A\x0D"s + "brain.Event:2");
}

/// The messages of a file of TFRecords; a test failure where a checksum is wrong.
std::vector<std::string> records_of(std::string_view bytes) {
  std::vector<std::string> messages;
  const auto number = [&](std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    }
    return value;
  };
  std::size_t at = 0;
  while (at + 16 <= bytes.size()) {
    const auto length = static_cast<std::size_t>(number(at, 8));
    EXPECT_EQ(number(at + 8, 4), masked_crc32c(bytes.substr(at, 8)));
    messages.emplace_back(bytes.substr(at + 12, length));
    EXPECT_EQ(number(at + 12 + length, 4), masked_crc32c(messages.back()));
    at += 16 + length;
  }
  EXPECT_EQ(at, bytes.size());
  return messages;
}

TEST(EventFile, OneFilePerFitReadsBack) {
  const TempDir folder;
  const std::vector<FitCurve> curves = {
      {"unified", "a,t", 0, 1, "recogniser.patterns", "train_loss", {{1, 0.75}, {2, 0.5}}},
      {"unified", "a,t", 0, 1, "recogniser.patterns", "validation_loss", {{1, 1.25}}},
      {"unified", "a,t", 1, 1, "recogniser.patterns", "train_loss", {{1, 0.25}}}};
  EXPECT_EQ(write_event_files(folder.path(), curves), 2U);
  const std::string bytes =
      read_text_file(folder / "unified-a+t-fold0-seed1" / "events.out.tfevents.0000000000.hardy");
  const auto messages = records_of(bytes);
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[0], version_event());
  EXPECT_EQ(messages[2], scalar_event("recogniser.patterns/train_loss", 2, 0.5));
  EXPECT_EQ(messages[3], scalar_event("recogniser.patterns/validation_loss", 1, 1.25));
}

}  // namespace
}  // namespace hardy
