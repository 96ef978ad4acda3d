#include "formats/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/files.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/places.h"

namespace hardy {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

const std::filesystem::path kLabels = test::fixtures_dir() / "corpora/merbench/label.npz";

/// A .npy file of format 1.0.
std::string npy(const std::string& type, const std::string& shape, const std::string& data) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  std::string bytes("\x93NUMPY\x01\0", 8);
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  return bytes + header + data;
}

auto texts(const std::string& bytes) {
  return parse_npy_texts(std::as_bytes(std::span(bytes)), "x.npy");
}

TEST(Npz, MembersAreUnpackedAndHoldObjects) {
  const auto members = load_npz(kLabels);
  ASSERT_EQ(members.size(), 3U);
  const Pickle pickle = parse_npy_objects(members.at("val_corpus"), "val");
  const PickleArray& array = pickle.root().array();
  ASSERT_EQ(array.size(), 1);
  EXPECT_EQ(array.data->items()[0]->items()[0]->text(), "s3");
}

TEST(Npz, DamagedArchivesAreRefused) {
  const auto bytes = read_file(kLabels);
  for (std::size_t size = 0; size < bytes.size(); size += 97) {
    EXPECT_THROW(parse_npz(std::span(bytes).first(size), "cut.npz"), DataError) << size;
  }
  auto damaged = bytes;
  damaged[80] = ~damaged[80];  // inside the packed data: detected by the checksum
  EXPECT_THAT(message_of<DataError>([&] { parse_npz(damaged, "x.npz"); }),
              HasSubstr("x.npz: not a usable .npz file"));
}

TEST(NpyTexts, BytesAndUcs4InRows) {
  EXPECT_THAT(texts(npy("|S3", "(2,)", std::string("ab\0xyz", 6))),
              ElementsAre(ElementsAre("ab"), ElementsAre("xyz")));
  EXPECT_THAT(texts(npy("<U1", "(1, 2)", std::string("a\0\0\0\xfc\0\0\0", 8))),
              ElementsAre(ElementsAre("a", "\xC3\xBC")));
  EXPECT_THAT(texts(npy(">U1", "(1,)", std::string("\0\0\0a", 4))), ElementsAre(ElementsAre("a")));
  EXPECT_THAT(texts(npy("|S1", "(1,)", "\xe9")), ElementsAre(ElementsAre("\xC3\xA9")));
  EXPECT_TRUE(texts(npy("|S1", "(3, 0)", "")).empty());
}

TEST(NpyTexts, NumbersAndWrongSizesAreRefused) {
  EXPECT_THAT(message_of<DataError>([] { texts(npy("<f4", "(1,)", "1234")); }),
              HasSubstr("no array of texts"));
  EXPECT_THROW(texts(npy("|S3", "(2,)", "abc")), DataError);
  EXPECT_THROW(texts(npy("|S0", "(2,)", "")), DataError);
  const std::string numbers = npy("<f4", "(1,)", "1234");
  EXPECT_THAT(
      message_of<DataError>([&] { parse_npy_objects(std::as_bytes(std::span(numbers)), "x"); }),
      HasSubstr("where Python objects are expected"));
}

}  // namespace
}  // namespace hardy
