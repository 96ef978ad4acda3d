// Maps of classes: how they are written, and what they do to a model's outputs.
#include "corpus/class_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;

TEST(ClassMap, AListNamesBothSides) {
  const ClassMap map = parse_class_map("happy=joy, excited = joy,model:rage=anger,fear=-");
  ASSERT_EQ(map.entries.size(), 4U);
  EXPECT_EQ(map.find("excited", false)->to, "joy");
  EXPECT_EQ(map.find("rage", true)->to, "anger");
  EXPECT_EQ(map.find("rage", false), nullptr);
  EXPECT_EQ(map.find("fear", false)->to, "");
}

TEST(ClassMap, AFileHasOneEntryPerLine) {
  const test::TempDir dir;
  write_file_atomically(dir / "map.txt",
                        "# of the other corpus\nvery happy, loud = joy\n\nfear=-# few\n");
  const ClassMap map = parse_class_map((dir / "map.txt").string());
  ASSERT_EQ(map.entries.size(), 2U);
  EXPECT_EQ(map.entries[0].from, "very happy, loud");
  EXPECT_EQ(map.entries[1].to, "");
  write_file_atomically(dir / "bad.txt", "happy=joy\nfear\n");
  EXPECT_THAT(message_of<ConfigError>([&] { parse_class_map((dir / "bad.txt").string()); }),
              HasSubstr("bad.txt, line 2: 'fear' is no entry of a map"));
  write_file_atomically(dir / "empty.txt", "# nothing\n");
  EXPECT_THAT(message_of<ConfigError>([&] { parse_class_map((dir / "empty.txt").string()); }),
              HasSubstr("holds no entry"));
}

TEST(ClassMap, OtherFormsAreRefused) {
  EXPECT_THAT(message_of<ConfigError>([] { parse_class_map("nofile"); }),
              HasSubstr("neither a file nor a map"));
  EXPECT_THAT(message_of<ConfigError>([] { parse_class_map("a=b,,c=d"); }),
              HasSubstr("'' is no entry of a map"));
  EXPECT_THAT(message_of<ConfigError>([] { parse_class_map("a="); }), HasSubstr("'a='"));
  EXPECT_THAT(message_of<ConfigError>([] { parse_class_map("a=b,a=c"); }),
              HasSubstr("'a' has two entries"));
}

TEST(ClassMap, OutputsAreSummedAndTheRestIsRescaled) {
  const auto matched = classes_under({"happy", "sad", "excited", "frustrated"},
                                     parse_class_map("model:excited=happy,model:frustrated=-"));
  EXPECT_THAT(matched.names, ElementsAre("happy", "sad"));
  EXPECT_THAT(matched.places, ElementsAre(0, 1, 0, -1));
  EXPECT_TRUE(matched.changes_outputs());
  // By hand: (.25 + .125) / .5 and .125 / .5; the second row has nothing in the scored classes.
  EXPECT_THAT(matched.merge({.25F, .125F, .125F, .5F, 0, 0, 0, 1}),
              ElementsAre(FloatEq(.75F), FloatEq(.25F), FloatEq(.5F), FloatEq(.5F)));
}

TEST(ClassMap, WithoutEntriesOfTheModelOutputsStay) {
  const auto matched = classes_under({"happy", "sad"}, parse_class_map("joy=happy"));
  EXPECT_FALSE(matched.changes_outputs());
  EXPECT_THAT(matched.places, ElementsAre(0, 1));
}

TEST(ClassMap, ClassesOfTheModelMustExistAndTwoMustRemain) {
  EXPECT_THAT(message_of<ConfigError>([] {
                classes_under({"happy", "sad"}, parse_class_map("model:hapy=sad"));
              }),
              HasSubstr("the model has no such class (is it 'happy'?)"));
  EXPECT_THAT(message_of<ConfigError>([] {
                classes_under({"happy", "sad"}, parse_class_map("model:happy=-"));
              }),
              HasSubstr("only 'sad' remains"));
}

}  // namespace
}  // namespace hardy
