// SHA256SUMS: every change of a listed file, and of the list, is detected.
#include "base/checksum_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "hardy/errors.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ChecksumList : public testing::Test {
 protected:
  ChecksumList() {
    write("a.csv", "abc");
    write("models/b.bin", "");
    write_checksums(folder(), {"models/b.bin", "a.csv"}, {{"c.json", "later"}});
    write("c.json", "later");
  }

  [[nodiscard]] std::filesystem::path folder() const { return dir_.path(); }

  void write(const char* name, const std::string& text) const {
    write_file_atomically(folder() / name, text);
  }

  test::TempDir dir_;
};

TEST_F(ChecksumList, IsInTheFormOfSha256sum) {
  EXPECT_EQ(read_text_file(folder() / kChecksumFile),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.csv\n"
            "1d9283d848ea941ace1fe0d2378ef8b70056a0d4d1648b95a322d90163e78285  c.json\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  models/b.bin\n");
  EXPECT_THAT(listed_files(folder()), ElementsAre("a.csv", "c.json", "models/b.bin"));
  EXPECT_THAT(checksum_findings(folder()), IsEmpty());
  EXPECT_NO_THROW(verify_listed_file(folder() / "a.csv"));
}

TEST_F(ChecksumList, NamesWhatIsMissingOrChanged) {
  write("a.csv", "abd");
  std::filesystem::remove(folder() / "models" / "b.bin");
  EXPECT_THAT(checksum_findings(folder()),
              ElementsAre(HasSubstr("a.csv: not what was written"), "models/b.bin: missing"));
  EXPECT_THROW(verify_listed_file(folder() / "a.csv"), ArtifactError);
  EXPECT_NO_THROW(verify_listed_file(folder() / "c.json"));
  write("new.csv", "x");
  EXPECT_THROW(verify_listed_file(folder() / "new.csv"), ArtifactError);
}

TEST_F(ChecksumList, AnyDamageOfTheListIsNoticed) {
  const std::string list = read_text_file(folder() / kChecksumFile);
  for (std::size_t i = 0; i < list.size(); ++i) {
    for (const int bit : {0, 5}) {
      std::string damaged = list;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      write(kChecksumFile, damaged);
      EXPECT_FALSE(checksum_findings(folder()).empty()) << i << ' ' << bit;
    }
  }
  for (const std::string& damaged :
       {std::string(), list.substr(0, list.size() - 1), list + list, list + "\n"}) {
    write(kChecksumFile, damaged);
    EXPECT_FALSE(checksum_findings(folder()).empty()) << damaged;
  }
  write(kChecksumFile, std::string(64, '0') + "  ../a.csv\n");
  EXPECT_THAT(checksum_findings(folder()), ElementsAre(HasSubstr("line 1")));
}

TEST_F(ChecksumList, AFolderWithoutAListPasses) {
  std::filesystem::remove(folder() / kChecksumFile);
  write("a.csv", "changed");
  EXPECT_THAT(checksum_findings(folder()), IsEmpty());
  EXPECT_NO_THROW(verify_listed_file(folder() / "a.csv"));
}

}  // namespace
}  // namespace hardy
