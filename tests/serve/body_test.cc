// Bodies of requests: dialogues inside a list, and every input that fuzzing kept.
#include "serve/body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "fuzz/request_entry_point.h"

namespace hardy {
namespace {

using ::testing::ElementsAre;

TEST(Body, ConsecutiveUtterancesOfADialogueBelongTogether) {
  const auto read = [](const std::string& text) {
    return read_predict_body(text, fuzz::request_model(), 16);
  };
  const auto line = [](const std::string& more) {
    return "{" + more + "\"features\":{\"textual\":[1,2]}}";
  };
  const auto list = [&](std::initializer_list<const char*> dialogues) {
    std::string text;
    for (const char* each : dialogues) text += (text.empty() ? "" : ",") + line(each);
    return read("{\"utterances\":[" + text + "]}").offsets;
  };
  EXPECT_THAT(list({"\"dialogue\":\"a\",", "\"dialogue\":\"a\",", "\"dialogue\":\"b\","}),
              ElementsAre(0, 2, 3));
  EXPECT_THAT(list({"", "", ""}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(list({"\"dialogue\":\"a\",\"end\":true,", "\"dialogue\":\"a\","}),
              ElementsAre(0, 1, 2));
  EXPECT_TRUE(read(line("")).is_single);
  EXPECT_THAT(read(line("")).offsets, ElementsAre(0, 1));
}

TEST(Body, KeptFuzzInputsAreReadOrRefused) {
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(
           std::filesystem::path(HARDY_FUZZ_CORPUS_DIR) / "request")) {
    SCOPED_TRACE(file.path().string());
    EXPECT_NO_THROW(fuzz::run_request(read_text_file(file.path())));
    ++files;
  }
  EXPECT_GT(files, 5);
}

}  // namespace
}  // namespace hardy
