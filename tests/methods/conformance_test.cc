// Requirements on every method, also on the example of docs/adding_a_method.md.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "analysis/results_text.h"
#include "base/files.h"
#include "hardy/errors.h"
#include "methods/fit_method.h"
#include "methods/fold_stage.h"
#include "protocol/run_protocol.h"
#include "support/places.h"
#include "support/temp_dir.h"

namespace hardy::test {
namespace {

std::vector<std::string> every_method() {
  add_tiny();
  std::vector<std::string> names;
  for (const auto& method : declared_methods()) names.push_back(method.name);
  return names;
}

class EveryMethod : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Registered, EveryMethod, ::testing::ValuesIn(every_method()),
                         [](const auto& parameter) { return parameter.param; });

double largest_difference(const std::vector<float>& x, const std::vector<float>& y) {
  if (x.size() != y.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])));
  }
  return largest;
}

ProtocolResult run_in(const std::filesystem::path& folder, const Config& config,
                      const Corpus& corpus) {
  NoProgress quiet;
  ProtocolRequest request;
  request.config = config;
  request.folder = folder;
  request.only_fold = 0;
  return run_protocol(request, corpus, quiet);
}

TEST_P(EveryMethod, RunsBothTracksOnClassesAndOnValues) {
  for (const bool has_values : {false, true}) {
    for (const int modalities : {2, 4}) {
      const TempDir dir;
      const Corpus corpus = method_corpus(modalities, has_values);
      Config config = method_config(GetParam());
      config.protocol.conditions = "all";
      const auto result = run_in(dir / "run", config, corpus);
      EXPECT_EQ(result.results.method, GetParam());
      EXPECT_EQ(result.results.tracks.size(), 2U);
      EXPECT_EQ(result.results.scores.size(), 2 * ((1U << modalities) - 1));
      EXPECT_EQ(RunFolder::open(dir / "run").manifest().config.protocol.method, GetParam());
    }
  }
}

TEST_P(EveryMethod, WorksWhereModalitiesAreReallyMissing) {
  const TempDir dir;
  Config config = method_config(GetParam());
  config.protocol.tracks = Tracks::kUnified;
  const auto result = run_in(dir / "run", config, method_corpus(3, false, 0.3));
  EXPECT_EQ(result.results.scores.size(), 7U);
}

TEST_P(EveryMethod, EqualRunsGiveEqualBytesWhateverTheJobs) {
  const TempDir dir;
  const Corpus corpus = method_corpus(3);
  Config config = method_config(GetParam());
  config.run.jobs = 1;
  run_in(dir / "one", config, corpus);
  config.run.jobs = 2;
  run_in(dir / "two", config, corpus);
  int compared = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir / "one")) {
    const auto name = std::filesystem::relative(entry.path(), dir / "one");
    if (!entry.is_regular_file() || name == "timings.json" || *name.begin() == "stages") continue;
    EXPECT_EQ(read_text_file(entry.path()), read_text_file(dir / "two" / name)) << name;
    ++compared;
  }
  EXPECT_GE(compared, 13);  // manifest, three tables, results twice and 8 models at least
}

TEST_P(EveryMethod, StoredModelsGiveTheRunsOwnNumbers) {
  const TempDir dir;
  const Corpus corpus = method_corpus(2);
  const auto result = run_in(dir / "run", method_config(GetParam()), corpus);
  NoProgress quiet;
  EXPECT_EQ(results_csv(result.results),
            results_csv(evaluate_models(dir / "run", corpus, "", quiet)));
}

TEST_P(EveryMethod, IgnoresWhatAbsentModalitiesStore) {
  const Corpus corpus = method_corpus(3);
  MethodOnFold on_fold(corpus, method_config(GetParam()));
  const auto model = on_fold.fit(all_patterns(3));
  for (const auto pattern : proper_patterns(3)) {
    const auto before = on_fold.predict(model, on_fold.data.fold.test, pattern);
    MethodOnFold poisoned(corpus, on_fold.config);
    for (int m = 0; m < 3; ++m) {
      if (pattern.has(m)) continue;
      FeatureRows& features = poisoned.data.table.features[static_cast<std::size_t>(m)];
      features = at::full_like(features.all(), 1e6);
    }
    EXPECT_EQ(before, poisoned.predict(model, on_fold.data.fold.test, pattern)) << pattern.bits();
  }
}

TEST_P(EveryMethod, PredictsADialogueAloneAsAmongOthers) {
  const Corpus corpus = method_corpus(3);
  MethodOnFold on_fold(corpus, method_config(GetParam()));
  const auto model = on_fold.fit(all_patterns(3));
  const auto& dialogues = on_fold.data.fold.test;
  ASSERT_GE(dialogues.size(), 3U);
  for (const auto pattern : {Pattern(1), Pattern(6), Pattern(7)}) {
    std::vector<float> alone;
    for (const auto dialogue : dialogues) {
      const auto part = on_fold.predict(model, {dialogue}, pattern);
      alone.insert(alone.end(), part.begin(), part.end());
    }
    EXPECT_LT(largest_difference(alone, on_fold.predict(model, dialogues, pattern)), 1e-5);
  }
}

TEST_P(EveryMethod, TestLabelsInfluenceNoModel) {
  Corpus corpus = method_corpus(2);
  MethodOnFold honest(corpus, method_config(GetParam()));
  const auto model = honest.fit({Pattern(1)});
  for (const auto u : utterances_of(corpus, honest.data.fold.test)) {
    auto& label = corpus.utterances[static_cast<std::size_t>(u)].label;
    label = static_cast<float>((static_cast<int>(label) + 1) % 4);
  }
  MethodOnFold shifted(corpus, honest.config);
  const auto again = shifted.fit({Pattern(1)});
  for (const auto& [name, array] : model.arrays) {
    EXPECT_EQ(array.values, again.arrays.at(name).values) << name;
  }
}

TEST_P(EveryMethod, TakesOneModalityAsDeclaredOrRefusesBeforeItStarts) {
  const TempDir dir;
  Corpus corpus = method_corpus(2);
  corpus.modalities.pop_back();
  const Config config = method_config(GetParam());
  if (!declared_method(GetParam()).takes_one_modality) {
    EXPECT_THROW(run_in(dir / "run", config, corpus), DataError);
    EXPECT_FALSE(std::filesystem::exists(dir / "run"));
    return;
  }
  const auto result = run_in(dir / "run", config, corpus);
  EXPECT_EQ(result.results.scores.size(), 2U);  // the complete pattern of both tracks
  NoProgress quiet;
  EXPECT_EQ(results_csv(result.results),
            results_csv(evaluate_models(dir / "run", corpus, "", quiet)));
}

/// Mean of -ln p(label) over patterns and what each lets be read of the validation utterances, from
/// predictions only.
double loss_of_predictions(const MethodOnFold& on_fold, const TensorFile& model,
                           const std::vector<Pattern>& patterns) {
  const auto& dialogues = on_fold.data.fold.validation;
  const auto utterances = utterances_of(on_fold.corpus, dialogues);
  const auto classes = on_fold.corpus.class_names.size();
  double total = 0;
  double read = 0;
  for (const auto pattern : patterns) {
    const auto outputs = on_fold.predict(model, dialogues, pattern);
    for (std::size_t i = 0; i < utterances.size(); ++i) {
      if ((pattern & on_fold.corpus.present_pattern(utterances[i])).empty()) continue;
      read += 1;
      const auto u = static_cast<std::size_t>(utterances[i]);
      const auto label = static_cast<std::size_t>(on_fold.corpus.utterances[u].label);
      total -= std::log(static_cast<double>(outputs[i * classes + label]));
    }
  }
  return total / read;
}

TEST(Methods, TheLossThatSelectsAnEpochIsThatOfItsPredictions) {
  const Corpus corpus = method_corpus(3, false, 0.3);
  for (const std::string method : {"hardymer", "momke", "gcnet", "mean_mlp", "modality_dropout"}) {
    for (const auto& patterns : {all_patterns(3), std::vector<Pattern>{Pattern(5)}}) {
      MethodOnFold on_fold(corpus, method_config(method));
      const auto model = on_fold.fit(patterns);
      double selected = INFINITY;
      for (const auto& point : curve_of(model)) {
        if (point.name == "validation_loss") selected = std::min(selected, point.value);
      }
      EXPECT_NEAR(selected, loss_of_predictions(on_fold, model, patterns), 1e-5) << method;
    }
  }
}

TEST(Methods, UnknownOnesAreRefusedWithTheNearest) {
  try {
    static_cast<void>(find_method("momk"));
    FAIL() << "must refuse";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'momke'?"), std::string::npos);
  }
}

TEST(Methods, TheExampleIsTheOneInTheDocuments) {
  const std::string page = read_text_file(source_dir() / "docs" / "adding_a_method.md");
  const std::string code = read_text_file(source_dir() / "examples/own_method/tiny.cc");
  EXPECT_NE(page.find(code), std::string::npos) << "docs/adding_a_method.md is not up to date";
}

}  // namespace
}  // namespace hardy::test
