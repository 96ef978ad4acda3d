#include "base/checksum.h"

#include <gtest/gtest.h>

#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

// FIPS 180-2, appendix B.
constexpr const char* kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kOfNothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Sha256, MatchesThePublishedVectors) {
  EXPECT_EQ(sha256("abc"), kOfAbc);
  EXPECT_EQ(sha256(""), kOfNothing);
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, PartsOfBytesAddUp) {
  Sha256 digest;
  digest.add("a", 1).add("bc", 2);
  EXPECT_EQ(digest.hex(), kOfAbc);
}

TEST(Sha256, TextsKeepTheirBoundaries) {
  const auto of = [](std::string_view first, std::string_view second) {
    Sha256 digest;
    digest.add(first).add(second);
    return digest.hex();
  };
  EXPECT_NE(of("ab", "c"), of("a", "bc"));
}

TEST(Sha256, AFileIsItsBytes) {
  const test::TempDir folder;
  test::put_file(folder / "f", "abc");
  EXPECT_EQ(sha256_file(folder / "f"), kOfAbc);
  EXPECT_THROW(sha256_file(folder / "gone"), IoError);
}

}  // namespace
}  // namespace hardy
