// Tokenizers against the tokens and numbers of the original programs.
#include "backbones/tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>

#include "hardy/errors.h"
#include "tests/backbones/golden.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

std::vector<nlohmann::json> cases_of(const std::filesystem::path& file) {
  std::vector<nlohmann::json> cases;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) cases.push_back(nlohmann::json::parse(line));
  return cases;
}

std::vector<std::string> tokens_of(const Tokenizer& tokenizer, const nlohmann::json& one) {
  if (one.contains("text")) return tokenizer.tokens(one["text"].get<std::string>());
  std::vector<std::string> all;
  for (const auto& word : one["words"]) {
    for (auto& token : tokenizer.word_tokens(word.get<std::string>())) all.push_back(token);
  }
  return all;
}

TEST(Tokenizer, BytePairsOfDebertaAreThoseOfTheOriginal) {
  HARDY_NEEDS_SHARED("golden/backbones/deberta/tokenizer");
  const auto folder = test::backbone_dir() / "deberta" / "tokenizer";
  const auto tokenizer = make_byte_pair_tokenizer(folder, false);
  const auto cases = cases_of(folder / "cases.jsonl");
  ASSERT_EQ(cases.size(), 37U);
  for (const auto& one : cases) {
    const auto tokens = tokens_of(*tokenizer, one);
    EXPECT_EQ(tokens, one["tokens"].get<std::vector<std::string>>()) << one;
    EXPECT_EQ(tokenizer->ids(tokens), one["ids"].get<std::vector<std::int64_t>>()) << one;
  }
}

TEST(Tokenizer, BytePairsOfRobertaAreThoseOfTheOriginal) {
  HARDY_NEEDS_SHARED("golden/backbones/bert_roberta/roberta");
  const auto folder = test::backbone_dir() / "bert_roberta" / "roberta";
  const auto tokenizer = make_byte_pair_tokenizer(folder, true);
  const auto cases = cases_of(folder / "cases.jsonl");
  ASSERT_FALSE(cases.empty());
  for (const auto& one : cases) {
    const auto tokens = tokens_of(*tokenizer, one);
    EXPECT_EQ(tokenizer->ids(tokens), one["ids"].get<std::vector<std::int64_t>>()) << one;
  }
}

TEST(Tokenizer, WordPiecesAreThoseOfTheOriginalInLowerCaseAndAsTheyAre) {
  HARDY_NEEDS_SHARED("golden/backbones/bert_roberta/bert");
  const auto folder = test::backbone_dir() / "bert_roberta" / "bert";
  const auto lower = make_word_piece_tokenizer(folder);
  const auto cased = make_word_piece_tokenizer(folder, false);
  const auto cases = cases_of(folder / "cases.jsonl");
  ASSERT_FALSE(cases.empty());
  for (const auto& one : cases) {
    const auto text = one["text"].get<std::string>();
    const auto tokens = lower->tokens(text);
    EXPECT_EQ(tokens, one["tokens"].get<std::vector<std::string>>()) << one;
    EXPECT_EQ(lower->ids(tokens), one["ids"].get<std::vector<std::int64_t>>()) << one;
    EXPECT_EQ(cased->ids(cased->tokens(text)), one["cased_ids"].get<std::vector<std::int64_t>>())
        << one;
  }
}

TEST(Tokenizer, TokenizerJsonGivesTheSameAsTheTwoOlderFiles) {
  const test::TempDir folder;
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder / name) << text;
  };
  const std::string vocabulary =
      R"({"[PAD]":0,"[CLS]":1,"[SEP]":2,"[UNK]":3,"a":4,"b":5,"ab":6,"\u0120":7,"[MASK]":8})";
  write("tokenizer.json",
        R"({"model":{"vocab":)" + vocabulary + R"(,"merges":[["a","b"]]},"added_tokens":[]})");
  const auto newer = make_byte_pair_tokenizer(folder.path(), false);
  EXPECT_EQ(newer->ids(newer->tokens("ab b")), (std::vector<std::int64_t>{1, 6, 7, 5, 2}));
  write("vocab.json", vocabulary);
  write("merges.txt", "#version\na b\n");
  const auto older = make_byte_pair_tokenizer(folder.path(), false);
  EXPECT_EQ(older->ids(older->tokens("ab b")), (std::vector<std::int64_t>{1, 6, 7, 5, 2}));
}

TEST(Tokenizer, DamagedFilesAreRefusedByName) {
  const test::TempDir folder;
  EXPECT_NE(test::message_of<ArtifactError>([&] {
              make_byte_pair_tokenizer(folder.path(), false);
            }).find("vocab.json"),
            std::string::npos);
  std::ofstream(folder / "vocab.json") << R"({"a": "b"})";
  std::ofstream(folder / "merges.txt") << "#\n";
  EXPECT_THROW(make_byte_pair_tokenizer(folder.path(), false), ArtifactError);
  std::ofstream(folder / "vocab.json") << R"({"[CLS]": 1, "[SEP]": 2})";
  EXPECT_NE(test::message_of<ArtifactError>([&] {
              make_byte_pair_tokenizer(folder.path(), false);
            }).find("[UNK]"),
            std::string::npos);
}

}  // namespace
}  // namespace hardy
