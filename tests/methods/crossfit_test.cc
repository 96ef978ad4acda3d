#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <set>

#include "hardy/split.h"
#include "methods/crossfit/settings.h"
#include "methods/fit_method.h"
#include "pipeline/scheduler.h"

namespace hardy::test {
namespace {

constexpr int kModalities = 2;

const Pattern kBoth = Pattern::complete(kModalities);

Config crossfit_config() {
  Config config = method_config("crossfit");
  config.methods.of<CrossfitSettings>("crossfit").members = 2;
  return config;
}

std::string prefix_of(int member) { return "model.member" + std::to_string(member) + "."; }

/// The arrays of one member by their names without prefix.
std::map<std::string, std::vector<float>> member_of(const TensorFile& model, int member) {
  std::map<std::string, std::vector<float>> arrays;
  for (const auto& [name, array] : model.arrays) {
    if (!name.starts_with(prefix_of(member))) continue;
    const auto values = model.floats(name);
    arrays.emplace(name.substr(prefix_of(member).size()),
                   std::vector<float>(values.begin(), values.end()));
  }
  return arrays;
}

/// A model of one network of `model` as each of some members.
TensorFile model_of(const TensorFile& model, int member, const std::vector<int>& places) {
  TensorFile made;
  for (const auto& [name, array] : model.arrays) {
    if (!name.starts_with(prefix_of(member))) continue;
    for (const int place : places) {
      made.arrays.emplace(prefix_of(place) + name.substr(prefix_of(member).size()), array);
    }
  }
  return made;
}

/// A fold of the method with a cache in memory.
struct CrossfitOnFold {
  explicit CrossfitOnFold(const MethodOnFold& on_fold)
      : fold(find_method("crossfit")
                 .on_fold({.corpus = on_fold.corpus,
                           .fold = on_fold.data.fold,
                           .config = on_fold.config,
                           .seed = 1,
                           .patterns = {kBoth},
                           .cache = cache,
                           .costs = costs})) {}

  StageCache cache{""};
  StageCosts costs;
  std::unique_ptr<FoldMethod> fold;
};

TEST(Crossfit, AMemberIsUntouchedByLabelsThatItHoldsOut) {
  const Corpus corpus = method_corpus(kModalities);
  Config config = crossfit_config();
  set_config_field(config, "crossfit.epochs=1");  // validation cannot choose between epochs
  MethodOnFold plain(corpus, config);
  const auto parts =
      divide_dialogues(corpus, known_dialogues(plain.data.fold), 2, config.protocol.split_seed);
  ASSERT_EQ(parts.size(), 2U);
  const auto classes = static_cast<int>(corpus.class_names.size());
  Corpus other = corpus;
  for (const auto u : utterances_of(corpus, parts[0])) {
    auto& label = other.utterances[static_cast<std::size_t>(u)].label;
    label = static_cast<float>((static_cast<int>(label) + 1) % classes);
  }
  MethodOnFold changed(other, config);
  changed.data.fold = plain.data.fold;
  const auto before = plain.fit({kBoth});
  const auto after = changed.fit({kBoth});
  ASSERT_FALSE(member_of(before, 0).empty());
  EXPECT_EQ(member_of(before, 0), member_of(after, 0)) << "it trained on what it holds out";
  EXPECT_NE(member_of(before, 1), member_of(after, 1)) << "the other one trains on part 0";
}

TEST(Crossfit, MembersTrainOnTheValidationPartToo) {
  const Corpus corpus = method_corpus(kModalities);
  Config config = crossfit_config();
  MethodOnFold on_fold(corpus, config);
  std::set<std::int64_t> held_out;
  for (const auto& part : divide_dialogues(corpus, known_dialogues(on_fold.data.fold), 2,
                                           config.protocol.split_seed)) {
    for (const auto d : part) EXPECT_TRUE(held_out.insert(d).second) << "held out twice: " << d;
  }
  for (const auto d : on_fold.data.fold.validation) EXPECT_TRUE(held_out.contains(d));
  for (const auto d : on_fold.data.fold.train) EXPECT_TRUE(held_out.contains(d));
  for (const auto d : on_fold.data.fold.test) EXPECT_FALSE(held_out.contains(d));
}

TEST(Crossfit, HeldOutAnswersAreThoseOfTheMemberThatDidNotTrainOnThem) {
  const Corpus corpus = method_corpus(kModalities);
  MethodOnFold on_fold(corpus, crossfit_config());
  const auto model = on_fold.fit({kBoth});
  const CrossfitOnFold crossfit(on_fold);
  const auto known = known_dialogues(on_fold.data.fold);
  const auto outputs = crossfit.fold->held_out(on_fold.data, model, known, kBoth);
  ASSERT_TRUE(outputs);
  const auto width = static_cast<std::size_t>(on_fold.data.objective->outputs());
  ASSERT_EQ(outputs->size(), utterances_of(corpus, known).size() * width);
  const auto parts = divide_dialogues(corpus, known, 2, on_fold.config.protocol.split_seed);
  auto found = outputs->begin();
  for (const auto d : known) {
    const int own = std::binary_search(parts[0].begin(), parts[0].end(), d) ? 0 : 1;
    const auto twice = model_of(model, own, {0, 1});
    const auto expected = on_fold.predict(twice, {d}, kBoth);
    for (const float value : expected) EXPECT_NEAR(*found++, value, 1e-6) << "dialogue " << d;
  }
}

TEST(Crossfit, ASingleDialogueHasNoHeldOutAnswers) {
  const Corpus corpus = method_corpus(kModalities);
  MethodOnFold on_fold(corpus, crossfit_config());
  on_fold.data.fold.train.resize(1);
  on_fold.data.fold.validation.clear();
  const CrossfitOnFold crossfit(on_fold);
  const auto known = known_dialogues(on_fold.data.fold);
  EXPECT_FALSE(crossfit.fold->held_out(on_fold.data, {}, known, kBoth));
}

TEST(Crossfit, TheAnswerIsTheMeanOfTheMembersLogits) {
  const Corpus corpus = method_corpus(kModalities, true);  // values: outputs are the logits
  MethodOnFold on_fold(corpus, crossfit_config());
  const auto model = on_fold.fit({kBoth});
  const auto& test = on_fold.data.fold.test;
  std::vector<std::vector<float>> alone;
  for (const int member : {0, 1}) {
    alone.push_back(on_fold.predict(model_of(model, member, {0}), test, kBoth));
  }
  const auto both = on_fold.predict(model, test, kBoth);
  ASSERT_EQ(both.size(), alone[0].size());
  EXPECT_NE(alone[0], alone[1]);
  for (std::size_t i = 0; i < both.size(); ++i) {
    EXPECT_NEAR(both[i], (alone[0][i] + alone[1][i]) / 2, 1e-6);
  }
}

}  // namespace
}  // namespace hardy::test
