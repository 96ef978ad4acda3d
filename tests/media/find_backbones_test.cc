// Networks that are found in a folder by their contents, and again by the maker of features.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "hardy/errors.h"
#include "hardy/extract.h"
#include "tests/support/messages.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using Makers = std::array<std::string, 3>;
using testing::AllOf;
using testing::HasSubstr;

class FindBackbones : public testing::Test {
 protected:
  void SetUp() override {
    HARDY_NEEDS_SHARED("golden/backbones/deberta");
    const auto golden = test::shared_dir() / "golden/backbones";
    fs::create_directories(at("text"));
    for (const char* name : {"large_like/config.json", "large_like/model.safetensors",
                             "tokenizer/vocab.json", "tokenizer/merges.txt"}) {
      const auto file = golden / "deberta" / name;
      fs::create_symlink(file, at("text") / file.filename());
    }
    fs::create_symlink(golden / "wav2vec/large_like/wav2vec.legacy.pt", at("sound.pt"));
    fs::create_symlink(golden / "manet/narrow_gcnet/model_best.pth", at("faces.pth"));
    test::put_file(at("notes.pt"), "no weights");
    test::put_file(at("other/config.json"), "{\"model_type\": \"t5\"}");
  }

  [[nodiscard]] fs::path at(const char* name) const { return folder_ / name; }

  BackboneFiles find(const Makers& makers = {}) const {
    return find_backbones(folder_.path(), makers, {});
  }

  /// Makers of the features that networks make.
  [[nodiscard]] static Makers makers_of(const BackboneFiles& files) {
    ExtractOptions options;
    options.backbones = open_backbones(files);
    Makers names;
    for (std::size_t m = 0; m < names.size(); ++m) names[m] = feature_makers(options)[m].name;
    return names;
  }

  test::TempDir folder_;
};

TEST_F(FindBackbones, TheOnlyOneOfEachModalityIsFound) {
  const auto files = find();
  EXPECT_EQ(files.text, at("text"));
  EXPECT_EQ(files.sound, at("sound.pt"));
  EXPECT_EQ(files.pictures, at("faces.pth"));
  BackboneFiles given;
  given.sound = "own.pt";
  EXPECT_EQ(find_backbones(folder_.path(), {}, given).sound, "own.pt");
}

TEST_F(FindBackbones, ThoseThatMadeFeaturesAreFoundAgainWithTheirPooling) {
  auto files = find();
  for (const char* like : {"", "gcnet", "merbench"}) {
    for (const auto& [first, last] : {std::pair(-4, -1), {-3, -2}}) {
      files.like = like;
      files.first_state = first;
      files.last_state = last;
      files.is_manet_since_2023 = first == -3;
      const auto makers = makers_of(files);
      EXPECT_EQ(makers_of(find(makers)), makers) << like << first;
    }
  }
  // Embedded extractors need no file.
  const auto none = find({"hardy-acoustic-1", "", "script-0123456789ab"});
  EXPECT_FALSE(none.any());
}

TEST_F(FindBackbones, SeveralAreToldApartByTheirWeights) {
  const auto makers = makers_of(find());
  const auto other = test::shared_dir() / "golden/backbones/wav2vec/options/wav2vec.pt";
  fs::create_symlink(other, at("another.pt"));
  EXPECT_THAT(test::message_of<ConfigError>([&] { find(); }),
              AllOf(HasSubstr("another.pt, sound.pt"), HasSubstr("--audio")));
  EXPECT_EQ(find(makers).sound, at("sound.pt"));
}

TEST_F(FindBackbones, WhatIsMissingIsNamed) {
  EXPECT_THAT(test::message_of<ArtifactError>([&] {
                find({"hubert-0123-frames4", "", ""});
              }),
              HasSubstr("no network that made 'hubert-0123-frames4'"));
  EXPECT_THAT(test::message_of<ArtifactError>([&] { find_backbones(folder_ / "other", {}, {}); }),
              HasSubstr("it holds no network"));
  EXPECT_THAT(test::message_of<ArtifactError>([&] { find_backbones(folder_ / "nowhere", {}, {}); }),
              HasSubstr("cannot be listed"));
}

}  // namespace
}  // namespace hardy
