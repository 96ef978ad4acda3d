// Bodies of requests: dialogues in a list, and every input in fuzz/corpus.
#include "serve/body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "fuzz/request_entry_point.h"
#include "tests/support/places.h"

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

TEST(Body, AnEntryMayOnlyEndItsDialogue) {
  const auto body = read_predict_body(
      R"({"utterances":[{"dialogue":"a","features":{"textual":[1,2]}},{"dialogue":"a","end":true},)"
      R"({"dialogue":"a","features":{"textual":[3,4]}}]})",
      fuzz::request_model(), 16);
  EXPECT_EQ(body.utterances.size(), 2U);
  EXPECT_THAT(body.offsets, ElementsAre(0, 1, 2));
  EXPECT_THROW(read_predict_body(R"({"utterances":[{"dialogue":"a","end":true}]})",
                                 fuzz::request_model(), 16),
               RequestError);
  EXPECT_THROW(read_predict_body(R"({"dialogue":"a","end":true})", fuzz::request_model(), 16),
               RequestError);
}

TEST(Body, OptionsStandBesideUtterancesOnce) {
  const auto refuse = [](const std::string& text, BodyKind kind, const std::string& field) {
    try {
      read_predict_body(text, fuzz::request_model(), 16, kind);
      ADD_FAILURE() << text;
    } catch (const RequestError& error) {
      EXPECT_EQ(error.field(), field) << text;
    }
  };
  const std::string list = R"("utterances":[{"features":{"textual":[1,2]}}])";
  refuse("{" + list + R"(,"reconstruct":true,"reconstruct":true})", BodyKind::kPredict,
         "reconstruct");
  refuse("{" + list + "," + list + "}", BodyKind::kPredict, "utterances");
  refuse("{" + list + R"(,"id":"u"})", BodyKind::kPredict, "id");
  refuse("{" + list + R"(,"similar":1})", BodyKind::kPredict, "similar");
  refuse("{" + list + R"(,"reconstruct":true})", BodyKind::kExplain, "reconstruct");
  refuse("{" + list + R"(,"available":{}})", BodyKind::kPredict, "available");
  refuse("{" + list + R"(,"available":[["textual"]]})", BodyKind::kPredict, "available[0]");
  std::string many = R"("available":["textual")";
  for (int i = 0; i < 64; ++i) many += R"(,"textual")";
  refuse("{" + list + "," + many + "]}", BodyKind::kPredict, "available");
}

TEST(Body, AnExplainedUtteranceIsChosenByIdOrPlace) {
  const auto read = [](const std::string& which) {
    return read_predict_body(
        R"({"utterances":[{"id":"u","features":{"textual":[1,2]}}],)" + which + "}",
        fuzz::request_model(), 16, BodyKind::kExplain);
  };
  EXPECT_EQ(read(R"("utterance":"u")").utterance_id, "u");
  EXPECT_EQ(read(R"("utterance":0)").utterance, 0);
  EXPECT_THROW(read(R"("utterance":"")"), RequestError);
  EXPECT_THROW(read(R"("utterance":1.5)"), RequestError);
  EXPECT_THROW(read(R"("utterance":null)"), RequestError);
}

TEST(Body, KeptFuzzInputsAreReadOrRefused) {
  int files = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(test::fuzz_corpus_dir() / "request")) {
    SCOPED_TRACE(file.path().string());
    EXPECT_NO_THROW(fuzz::run_request(read_text_file(file.path())));
    ++files;
  }
  EXPECT_GT(files, 5);
}

}  // namespace
}  // namespace hardy
