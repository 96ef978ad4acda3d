// `hardy predict` as a process: equal answers for every form of input, one line for every mistake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "formats/npy.h"
#include "tests/cli/program.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::run_hardy;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

/// A model, five utterances in two dialogues (3 + 2) in every form, and the expected answers.
class PredictCommand : public testing::Test {
 protected:
  PredictCommand() {
    EncoderConfig encoder;
    encoder.hidden = 16;
    encoder.depth = 2;
    encoder.decoder_width = 20;
    info_ = test::bundle_info({4, 3}, 3, encoder);
    info_.calibrations.push_back({Pattern(0b11), 10, 1.5, 0.1});
    save_tensor_file(model(), test::random_bundle(info_));
    data_ = std::make_unique<test::RandomUtterances>(info_, 5, 3, Pattern(0b11));
    data_->views[1].features[0] = nullptr;  // utterance 1 has no m0
    for (auto& view : data_->views) view.speaker = -1;
    std::string lines;
    for (std::size_t i = 0; i < 5; ++i) lines += line_of(i).dump() + "\n";
    write_file_atomically(dir_.path() / "in.jsonl", lines);
  }

  [[nodiscard]] std::filesystem::path model() const { return dir_.path() / "model.safetensors"; }

  [[nodiscard]] std::string in(const char* name) const { return (dir_.path() / name).string(); }

  [[nodiscard]] std::vector<float> features(std::size_t i, std::size_t m) const {
    const auto width = static_cast<std::size_t>(info_.modalities[m].width);
    const auto first = data_->features[m].begin() + static_cast<std::ptrdiff_t>(i * width);
    return {first, first + static_cast<std::ptrdiff_t>(width)};
  }

  [[nodiscard]] Json line_of(std::size_t i) const {
    Json line = {{"id", "u" + std::to_string(i)}, {"dialogue", i < 3 ? "a" : "b"}};
    for (std::size_t m = 0; m < 2; ++m) {
      if (data_->views[i].features[m] == nullptr) continue;
      line["features"][info_.modalities[m].name] = features(i, m);
    }
    return line;
  }

  /// The answers to a command that must succeed, one per utterance.
  static std::vector<Json> answers(const std::vector<std::string>& arguments,
                                   const test::ProgramOptions& options = {}) {
    const auto result = run_hardy(arguments, options);
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    std::vector<Json> lines;
    std::size_t start = 0;
    while (start < result.output.size()) {
      const auto end = result.output.find('\n', start);
      lines.push_back(Json::parse(result.output.substr(start, end - start)));
      start = end + 1;
    }
    return lines;
  }

  void expect_same(const std::vector<Json>& answers, std::vector<std::int64_t> offsets) const {
    const auto recogniser = Recogniser::load(model());
    Workspace workspace;
    const auto expected = recogniser.predict(data_->views, offsets, workspace);
    ASSERT_EQ(answers.size(), 5U);
    for (std::size_t i = 0; i < 5; ++i) {
      const auto row = expected.row(static_cast<std::int64_t>(i));
      for (std::size_t c = 0; c < 3; ++c) {
        EXPECT_NEAR(answers[i]["probabilities"][info_.class_names[c]].get<double>(), row[c], 1e-5);
      }
      EXPECT_NEAR(answers[i]["confidence"].get<double>(), expected.confidence[i], 1e-5);
      EXPECT_EQ(answers[i]["label"],
                info_.class_names[static_cast<std::size_t>(expected.labels[i])]);
      EXPECT_EQ(answers[i]["used"].size(), i == 1 ? 1U : 2U);
      EXPECT_EQ(answers[i]["calibrated"].get<bool>(), i != 1);
    }
  }

  test::TempDir dir_;
  BundleInfo info_;
  std::unique_ptr<test::RandomUtterances> data_;
};

TEST_F(PredictCommand, JsonLinesFromAFileAndFromStandardInput) {
  const std::vector<std::int64_t> dialogues = {0, 3, 5};
  expect_same(answers({"predict", model().string(), in("in.jsonl"), "--json"}), dialogues);
  test::ProgramOptions options;
  options.input_file = in("in.jsonl");
  const auto read = answers({"predict", model().string(), "--json"}, options);
  expect_same(read, dialogues);
  EXPECT_EQ(read[4]["id"], "u4");
  EXPECT_EQ(read[4]["dialogue"], "b");
}

TEST_F(PredictCommand, DialoguesOfAFileArePredictedTogetherWithTheBytesThatTheyGetAlone) {
  std::string lines;  // more than one batch
  for (int copy = 0; copy < 150; ++copy) {
    for (std::size_t i = 0; i < 5; ++i) {
      Json line = line_of(i);
      line["dialogue"] = line["dialogue"].get<std::string>() + std::to_string(copy);
      lines += line.dump() + "\n";
    }
  }
  write_file_atomically(dir_.path() / "many.jsonl", lines);
  const auto together = run_hardy({"predict", model().string(), in("many.jsonl"), "--json"});
  test::ProgramOptions options;
  options.input_file = in("many.jsonl");
  const auto one_by_one = run_hardy({"predict", model().string(), "--json"}, options);
  EXPECT_EQ(together.exit_code, 0) << together.errors;
  EXPECT_EQ(std::count(together.output.begin(), together.output.end(), '\n'), 750);
  EXPECT_EQ(together.output, one_by_one.output);
}

TEST_F(PredictCommand, WhatStandsBeforeAFaultIsAnswered) {
  std::string lines;
  for (std::size_t i = 0; i < 5; ++i) lines += line_of(i).dump() + "\n";
  write_file_atomically(dir_.path() / "cut.jsonl", lines + "{\"id\": \"u5\", \"dial");
  const auto result = run_hardy({"predict", model().string(), in("cut.jsonl"), "--json"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.errors, HasSubstr("line 6"));
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 3);  // dialogue "a"
}

TEST_F(PredictCommand, AStreamPredictsEachTurnFromTheTurnsSoFar) {
  const auto streamed = answers({"predict", model().string(), in("in.jsonl"), "--stream"});
  ASSERT_EQ(streamed.size(), 5U);
  const auto recogniser = Recogniser::load(model());
  Workspace workspace;
  for (const auto& [first, count] : {std::pair<std::size_t, std::size_t>{0, 3}, {3, 2}}) {
    for (std::size_t turns = 1; turns <= count; ++turns) {
      const auto prefix =
          recogniser.predict(std::span(data_->views).subspan(first, turns), workspace);
      EXPECT_NEAR(streamed[first + turns - 1]["confidence"].get<double>(),
                  prefix.confidence[turns - 1], 1e-5);
    }
  }
}

TEST_F(PredictCommand, ArraysFoldersAndCorporaWithoutLabels) {
  for (std::size_t m = 0; m < 2; ++m) {
    std::vector<float> values;
    for (std::size_t i = 0; i < 5; ++i) {
      auto row = features(i, m);
      if (data_->views[i].features[m] == nullptr) row.assign(row.size(), NAN);
      values.insert(values.end(), row.begin(), row.end());
    }
    const auto name = info_.modalities[m].name + ".npy";
    save_npy(dir_.path() / "arrays" / name, {5, info_.modalities[m].width}, values);
    save_npy(dir_.path() / "corpus" / name, {5, info_.modalities[m].width}, values);
  }
  const std::vector<std::int64_t> alone = {0, 1, 2, 3, 4, 5};
  expect_same(answers({"predict", model().string(), in("arrays"), "--json"}), alone);
  expect_same(answers({"predict", model().string(), "--json", "--dialogue", "--features",
                       "m0=" + in("arrays/m0.npy"), "--features", "m1=" + in("arrays/m1.npy")}),
              {0, 5});
  write_file_atomically(dir_.path() / "corpus" / "utterances.csv",
                        "id,dialogue,position\nu0,a,0\nu1,a,1\nu2,a,2\nu3,b,0\nu4,b,1\n");
  expect_same(answers({"predict", model().string(), in("corpus"), "--json"}), {0, 3, 5});
}

TEST_F(PredictCommand, TextReconstructionAndAvailability) {
  const auto text = run_hardy({"predict", model().string(), in("in.jsonl")});
  EXPECT_EQ(text.exit_code, 0) << text.errors;
  EXPECT_THAT(text.output, StartsWith("utterance "));
  EXPECT_THAT(text.output, HasSubstr("\nu0 "));
  const auto rebuilt =
      answers({"predict", model().string(), in("in.jsonl"), "--json", "--reconstruct"});
  EXPECT_FALSE(rebuilt[0].contains("reconstruction"));
  EXPECT_EQ(rebuilt[1]["reconstruction"]["m0"].size(), 4U);
  const auto limited =
      answers({"predict", model().string(), in("in.jsonl"), "--json", "--available", "m1"});
  EXPECT_EQ(limited[0]["used"], Json({"m1"}));
}

/// The same utterances and a model with scores of nine dialogues under both modalities, of three
/// under m1 alone: at .9 the former hold classes of probability .25 and more.
class PredictCoverage : public PredictCommand {
 protected:
  PredictCoverage() {
    info_.coverage = {{Pattern(0b10), {.1F, .2F, .3F}, {1, 1, 1}},
                      {Pattern(0b11), {}, std::vector<std::int64_t>(18, 2)}};
    for (int i = 0; i < 18; ++i) {
      info_.coverage[1].scores.push_back(i < 17 ? 0.01F * static_cast<float>(i) : .75F);
    }
    save_tensor_file(model(), test::random_bundle(info_));
  }

  [[nodiscard]] std::vector<std::string> words(std::vector<std::string> more) const {
    more.insert(more.begin(), {"predict", model().string(), in("in.jsonl")});
    return more;
  }
};

TEST_F(PredictCoverage, EveryUtteranceGetsASetOrTheReason) {
  const auto lines = answers(words({"--coverage", "0.9", "--json"}));
  expect_same(lines, {0, 3, 5});
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::set<std::string> expected;
    for (const auto& [name, share] : lines[i]["raw_probabilities"].items()) {
      if (i == 1 || share.get<double>() >= .25 || name == lines[i]["label"]) expected.insert(name);
    }
    EXPECT_EQ(lines[i]["set"].get<std::set<std::string>>(), expected) << i;
    EXPECT_EQ(lines[i]["set"][0], lines[i]["label"]) << i;
    EXPECT_EQ(lines[i]["coverage"], i == 1 ? Json(nullptr) : Json(.9)) << i;
  }
  EXPECT_EQ(lines[1]["no_coverage"], "3 validation dialogues with these modalities; 0.9 takes 9");
  EXPECT_FALSE(lines[0].contains("no_coverage"));
  const auto text = run_hardy(words({"--coverage", "0.9"}));
  EXPECT_EQ(text.exit_code, 0) << text.errors;
  EXPECT_THAT(text.output, HasSubstr("set of 0.9\n"));
  EXPECT_THAT(text.output, ::testing::ContainsRegex("\nu1 +class.* any\n"));
  EXPECT_THAT(text.output, ::testing::ContainsRegex("\nu0 +class.* class[0-2](,class[0-2])*\n"));
  EXPECT_THAT(text.errors, HasSubstr("no coverage is promised for 1 utterance with m1: 3 "
                                     "validation dialogues"));
  EXPECT_THAT(text.errors, Not(HasSubstr("stands alone")));
}

TEST_F(PredictCoverage, UtterancesOutsideOfDialoguesAreNoted) {
  Json line = line_of(0);
  line.erase("dialogue");
  write_file_atomically(dir_.path() / "alone.jsonl", line.dump() + "\n");
  const auto result = run_hardy({"predict", model().string(), in("alone.jsonl"), "--coverage=.5"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("every utterance here stands alone"));
}

TEST_F(PredictCoverage, WhatCannotBePromisedIsRefused) {
  const auto failure = [&](const std::vector<std::string>& more, int code, const char* text) {
    const auto result = run_hardy(words(more));
    EXPECT_EQ(result.exit_code, code) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr(text));
    EXPECT_EQ(result.output, "");
  };
  failure({"--coverage", "0.95"}, 2,
          "coverage 0.95: it takes 19 validation dialogues, the model has 9; they promise 0.900");
  failure({"--coverage", "90"}, 2, "coverage 90: it must lie between 0 and 1");
  failure({"--coverage", "0.9", "--stream"}, 2, "does not go with --stream");
  info_.coverage.clear();
  save_tensor_file(model(), test::random_bundle(info_));
  failure({"--coverage", "0.9"}, 4, "train it again");
  EXPECT_EQ(run_hardy(words({})).exit_code, 0) << "older models predict as before";
}

TEST_F(PredictCoverage, OfAValueIsAnInterval) {
  EncoderConfig encoder = info_.encoder;
  auto info = test::bundle_info({4, 3}, 0, encoder);
  info.label_kind = "value";
  info.coverage = {{Pattern(0b11), {.5F, .5F, .5F, 2}, {1, 1, 1, 1}}};
  save_tensor_file(model(), test::random_bundle(info));
  const auto lines = answers(words({"--coverage", "0.6", "--json"}));
  const auto value = lines[0]["value"].get<double>();
  EXPECT_NEAR(lines[0]["interval"][0].get<double>(), value - .5, 1e-4);
  EXPECT_NEAR(lines[0]["interval"][1].get<double>(), value + .5, 1e-4);
  EXPECT_TRUE(lines[1]["interval"].is_null());
  const auto text = run_hardy(words({"--coverage", "0.6"}));
  EXPECT_THAT(text.output, ::testing::ContainsRegex("\nu0 .* \\[-?[0-9.]+, -?[0-9.]+\\]\n"));
}

TEST_F(PredictCommand, MistakesNameFileLineAndRemedy) {
  const auto failure = [&](const std::vector<std::string>& arguments, int code,
                           const std::string& text) {
    std::vector<std::string> all = {"predict", model().string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto result = run_hardy(all);
    EXPECT_EQ(result.exit_code, code) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr(text));
  };
  write_file_atomically(dir_.path() / "bad.jsonl",
                        line_of(0).dump() + "\n{\"features\":{\"m0\":[1]}}\n");
  failure({in("bad.jsonl"), "--json"}, 3, "bad.jsonl, line 2: features.m0: has 1 values");
  write_file_atomically(dir_.path() / "empty.jsonl", " \n\n");
  failure({in("empty.jsonl")}, 3,
          R"(empty.jsonl: holds no utterance; write one on a line: {"features": {"m0": [4 num)");
  failure({in("none.jsonl")}, 3, "none.jsonl: no such file; give a corpus folder");
  failure({in("wide.npy")}, 2,
          "wide.npy: an array does not say which modality it is; write --features m0=");
  failure({"/dev/zero"}, 3, "/dev/zero, line 1: longer than 64 MiB");
  save_npy(dir_.path() / "wide.npy", {2, 5}, std::vector<float>(10));
  failure({"--features", "m0=" + in("wide.npy")}, 3, "is 5 wide, the model reads 4");
  failure({"--features", "mo=" + in("wide.npy")}, 2, "unknown modality 'mo'");
  failure({"--features", in("wide.npy")}, 2, "expected MODALITY=FILE.npy");
  failure({"--features", "m0="}, 2, "expected MODALITY=FILE.npy");
  failure({"--features", "=" + in("wide.npy")}, 2, "expected MODALITY=FILE.npy");
  save_npy(dir_.path() / "nan.npy", {1, 4}, std::vector<float>{1, NAN, 2, 3});
  failure({"--features", "m0=" + in("nan.npy")}, 3, "row 0: 1 values of modality 'm0' are NaN");
  save_npy(dir_.path() / "none.npy", {1, 4}, std::vector<float>(4, NAN));
  failure({"--features", "m0=" + in("none.npy")}, 3, "none of the 1 utterances has any of the");
  failure({in("in.jsonl"), "--reconstruct"}, 2, "add --json");
  const auto unread =
      run_hardy({"predict", model().string(), in("in.jsonl"), "--available", "m0", "--json"});
  EXPECT_EQ(unread.exit_code, 0);
  EXPECT_THAT(unread.output, HasSubstr(R"("used":[]})"));
  EXPECT_THAT(unread.errors, HasSubstr("have none of the modalities of --available m0"));
  failure({in("in.jsonl"), "--available", "textal"}, 2, "unknown modality 'textal'");
  EXPECT_EQ(run_hardy({"predict", in("in.jsonl"), in("in.jsonl")}).exit_code, 4);
  EXPECT_EQ(run_hardy({"predict", in("nowhere"), in("in.jsonl")}).exit_code, 4);
}

}  // namespace
}  // namespace hardy
