// Stored models on other corpora: matched by name, never scored on utterances that they have seen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/prediction_table.h"
#include "base/random.h"
#include "hardy/errors.h"
#include "hardy/modality.h"
#include "methods/hardymer/settings.h"
#include "protocol/model_file.h"
#include "protocol/run_protocol.h"
#include "support/messages.h"
#include "support/temp_dir.h"

namespace hardy {
namespace {

using test::message_of;
using testing::HasSubstr;

constexpr std::int64_t kDialogues = 16;
constexpr std::int64_t kTurns = 6;

/// Utterances near one of four corners, one corner per class; three modalities.
Corpus corners() {
  Corpus corpus;
  corpus.name = corpus.source = "corners";
  corpus.class_names = {"happy", "sad", "neutral", "angry"};
  auto generator = Seeds(3).stream("corners");
  for (const char* name : {"acoustic", "textual", "visual"}) {
    corpus.modalities.push_back({name, 2, {}, {}});
  }
  for (std::int64_t d = 0; d < kDialogues; ++d) {
    corpus.dialogues.push_back({fmt::format("v{}", d), d * kTurns, kTurns, "", Part::kNone});
    for (std::int64_t t = 0; t < kTurns; ++t) {
      const std::int64_t label = (d * kTurns + t) % 4;
      corpus.utterances.push_back(
          {fmt::format("v{}_{}", d, t), d, t, "", static_cast<float>(label), ""});
      for (auto& modality : corpus.modalities) {
        const auto near = [&](double centre) {
          return static_cast<float>(centre + draw_normal(generator));
        };
        modality.features.push_back(near(label % 2 == 0 ? 2 : -2));
        modality.features.push_back(near(label < 2 ? 2 : -2));
        modality.present.push_back(1);
      }
    }
  }
  corpus.checksum = corpus_checksum(corpus);
  return corpus;
}

class EvaluateModels : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TempDir;
    Config config = make_preset("quick");
    config.protocol.method = "early_linear";
    config.protocol.tracks = Tracks::kUnified;
    config.protocol.split = "kfold";
    config.protocol.folds = 4;
    ProtocolRequest request;
    request.config = config;
    request.folder = *folder_ / "run";
    request.only_fold = 0;
    NoProgress quiet;
    own_ = new Results(run_protocol(request, corners(), quiet).results);
  }

  static void TearDownTestSuite() {
    delete own_;
    delete folder_;
    own_ = nullptr;
    folder_ = nullptr;
  }

  static std::filesystem::path model() {
    return *folder_ / "run/models/unified-fold0-seed1.safetensors";
  }

  /// The corpus under other ids.
  static Corpus renamed() {
    Corpus corpus = corners();
    for (auto& dialogue : corpus.dialogues) dialogue.id = "x" + dialogue.id;
    for (auto& utterance : corpus.utterances) utterance.id = "x" + utterance.id;
    return corpus;
  }

  /// The same with other features, so that none of it counts as seen.
  static Corpus strangers() {
    Corpus corpus = renamed();
    for (auto& modality : corpus.modalities) {
      for (auto& value : modality.features.own()) value += 0.01F;
    }
    return corpus;
  }

  static Results evaluate(Corpus corpus, const std::string& conditions = "a,t,v") {
    corpus.checksum = corpus_checksum(corpus);
    NoProgress quiet;
    return evaluate_models(model(), corpus, conditions, quiet);
  }

  static Results transfer(Corpus corpus, const Transfer& how) {
    corpus.checksum = corpus_checksum(corpus);
    NoProgress quiet;
    return evaluate_models(model(), corpus, "a,t,v", quiet, how);
  }

  static double wa(const Results& results) { return results.scores.at(0).metrics.at(0).value; }

  static std::string notes(const Results& results) {
    return fmt::format("{}", fmt::join(results.notes, "\n"));
  }

  static test::TempDir* folder_;
  static Results* own_;
};

test::TempDir* EvaluateModels::folder_ = nullptr;
Results* EvaluateModels::own_ = nullptr;

TEST_F(EvaluateModels, ClassesInAnotherOrderGiveTheSameScore) {
  const double right = wa(evaluate(strangers()));
  EXPECT_GT(right, 0.9);
  for (const std::vector<std::size_t>& order :
       {std::vector<std::size_t>{3, 0, 2, 1}, std::vector<std::size_t>{3, 2, 1, 0}}) {
    Corpus corpus = strangers();
    const auto names = corpus.class_names;
    for (std::size_t c = 0; c < order.size(); ++c) corpus.class_names[c] = names[order[c]];
    for (auto& utterance : corpus.utterances) {
      const auto place =
          std::find(order.begin(), order.end(), static_cast<std::size_t>(utterance.label));
      utterance.label = static_cast<float>(place - order.begin());
    }
    const auto results = evaluate(corpus);
    EXPECT_EQ(wa(results), right);
    EXPECT_EQ(results.class_names, names);
  }
}

TEST_F(EvaluateModels, AnExtraDeclaredClassDoesNotMatter) {
  Corpus corpus = strangers();
  corpus.class_names.insert(corpus.class_names.begin(), "excited");
  for (auto& utterance : corpus.utterances) utterance.label += 1;
  EXPECT_EQ(wa(evaluate(corpus)), wa(evaluate(strangers())));
}

TEST_F(EvaluateModels, UnknownClassesAreRefused) {
  Corpus corpus = strangers();
  corpus.class_names = {"hap", "sad", "neu", "ang"};
  EXPECT_THAT(message_of<DataError>([&] { evaluate(corpus); }), HasSubstr("hap, neu, ang"));
  corpus.class_names = {"0", "1", "2", "3"};
  EXPECT_THAT(message_of<DataError>([&] { evaluate(corpus); }), HasSubstr("names and numbers"));
  corpus.class_names.clear();
  corpus.label_kind = LabelKind::kValue;
  EXPECT_THAT(message_of<DataError>([&] { evaluate(corpus); }),
              HasSubstr("answers with one class"));
}

TEST_F(EvaluateModels, OneClassAloneCanBeScored) {
  Corpus corpus = strangers();
  for (auto& utterance : corpus.utterances) {
    if (utterance.label != 1) utterance.label = NAN;
  }
  const auto results = evaluate(corpus);
  EXPECT_EQ(results.scores[0].utterances, 24);
  EXPECT_EQ(results.scores[0].unlabelled, 72);
  EXPECT_THAT(notes(results), HasSubstr("72 utterances are not labelled and not scored"));
}

TEST_F(EvaluateModels, DialoguesOfTheTrainingAreLeftOutByIdAndThatIsSaid) {
  const auto own = evaluate(corners());
  EXPECT_EQ(own.scores[0].utterances, own_->scores[0].utterances);
  EXPECT_TRUE(own.notes.empty());
  Corpus corrected = corners();
  corrected.utterances[0].label = 3 - corrected.utterances[0].label;
  const auto results = evaluate(corrected);
  EXPECT_EQ(results.scores[0].utterances, 24);  // four of sixteen dialogues are tested
  EXPECT_THAT(notes(results), HasSubstr("12 of 16 dialogues trained or chose the model"));
}

TEST_F(EvaluateModels, UtterancesOfTheTrainingAreRecognisedInOtherDialogues) {
  Corpus corpus = corners();
  for (auto& dialogue : corpus.dialogues) dialogue.id = "renamed " + dialogue.id;
  EXPECT_EQ(evaluate(corpus).scores[0].utterances, 24);
}

TEST_F(EvaluateModels, DialoguesOfTheTrainingAreRecognisedUnderOtherIds) {
  const auto results = evaluate(renamed());
  EXPECT_EQ(results.scores[0].utterances, 24);
  EXPECT_THAT(notes(results), HasSubstr("shares ids or features with it; 12 of 16 dialogues"));
}

TEST_F(EvaluateModels, WhereNothingIsLeftNothingIsScored) {
  const auto seen = load_model(model()).info.test_dialogues;
  const Corpus corpus = corners();
  Corpus rest = corpus;
  rest.dialogues.clear();
  rest.utterances.clear();
  for (auto& modality : rest.modalities) {
    modality.features.clear();
    modality.present.clear();
  }
  for (std::int64_t d = 0; d < kDialogues; ++d) {
    if (std::find(seen.begin(), seen.end(), d) != seen.end()) continue;
    const auto at = static_cast<std::int64_t>(rest.dialogues.size());
    rest.dialogues.push_back({fmt::format("v{}", d), rest.size(), kTurns, "", Part::kNone});
    for (std::int64_t t = 0; t < kTurns; ++t) {
      const auto i = d * kTurns + t;
      rest.utterances.push_back(corpus.utterances[static_cast<std::size_t>(i)]);
      rest.utterances.back().dialogue = at;
      for (std::size_t m = 0; m < 3; ++m) {
        const auto row = corpus.modalities[m].row(i);
        auto& all = rest.modalities[m].features.own();
        all.insert(all.end(), row.begin(), row.end());
        rest.modalities[m].present.push_back(1);
      }
    }
  }
  EXPECT_THAT(message_of<DataError>([&] { evaluate(rest); }),
              HasSubstr("nothing is left to score"));
}

TEST_F(EvaluateModels, OnlyUtterancesWithAnAvailableModalityAreScored) {
  Corpus corpus = strangers();
  for (std::size_t i = 0; i < 40; ++i) corpus.modalities[0].present[i] = 0;
  for (std::size_t i = 0; i < 10; ++i)
    corpus.modalities[1].present[i] = corpus.modalities[2].present[i] = 0;
  const auto results = evaluate(corpus, "a; t; a,t,v");
  ASSERT_EQ(results.scores.size(), 3U);
  EXPECT_EQ(results.scores[0].utterances, 56);
  EXPECT_EQ(results.scores[0].unread, 40);
  EXPECT_EQ(results.scores[1].utterances, 86);
  EXPECT_EQ(results.scores[2].unread, 10);
  EXPECT_THAT(notes(results), HasSubstr("40 of 96 utterances have none of its modalities"));

  // The score equals that of a corpus in which only those utterances are labelled.
  Corpus rest = corpus;
  for (std::size_t i = 0; i < 40; ++i) rest.utterances[i].label = NAN;
  EXPECT_EQ(evaluate(rest, "a").scores[0].metrics[0].value, results.scores[0].metrics[0].value);
}

TEST_F(EvaluateModels, ModalitiesAreMatchedByName) {
  const double right = wa(evaluate(strangers()));
  Corpus corpus = strangers();
  std::swap(corpus.modalities[0], corpus.modalities[2]);
  EXPECT_EQ(wa(evaluate(corpus)), right);
  corpus.modalities.push_back(
      {"motion", 1, std::vector<float>(96, 0.5F), std::vector<std::uint8_t>(96, 1)});
  const auto extra = evaluate(corpus);
  EXPECT_EQ(wa(extra), right);
  EXPECT_THAT(notes(extra), HasSubstr("the model knows no modality motion"));

  corpus = strangers();
  const double acoustic = wa(evaluate(corpus, "a"));
  corpus.modalities.resize(1);
  const auto alone = evaluate(corpus);
  EXPECT_EQ(wa(alone), acoustic);
  EXPECT_THAT(notes(alone), HasSubstr("the corpus has no textual, visual: missing everywhere"));
  corpus.modalities[0].name = "Acoustic";
  EXPECT_THAT(message_of<DataError>([&] { evaluate(corpus); }), HasSubstr("is it 'acoustic'?"));
}

TEST_F(EvaluateModels, AMapBringsClassesOfOtherNamesToTheModel) {
  const auto right = evaluate(strangers());
  Corpus corpus = strangers();
  corpus.class_names = {"rage", "joy", "grief", "calm"};
  for (auto& utterance : corpus.utterances) {
    utterance.label = std::vector<float>{1, 2, 3, 0}[static_cast<std::size_t>(utterance.label)];
  }
  const auto map = parse_class_map("joy=happy,grief=sad,calm=neutral,rage=angry");
  const auto mapped = transfer(corpus, {.map = map});
  EXPECT_EQ(mapped.scores.at(0).confusion, right.scores.at(0).confusion);
  EXPECT_EQ(wa(mapped), wa(right));
  EXPECT_THAT(notes(mapped), HasSubstr("joy as happy (24), grief as sad (24)"));

  const auto fewer =
      transfer(corpus, {.map = parse_class_map("joy=happy,grief=sad,calm=-,rage=-")});
  EXPECT_EQ(fewer.scores.at(0).utterances, 48);
  EXPECT_EQ(fewer.scores.at(0).unlabelled, 48);
  EXPECT_THAT(notes(fewer), HasSubstr("left out, which are context only: calm (24), rage (24)"));
  // Its answers neutral and angry are wrong by necessity: the confusion's last two columns.
  const auto& confusion = fewer.scores.at(0).confusion;
  const auto wrong = confusion[2] + confusion[3] + confusion[6] + confusion[7];
  EXPECT_THAT(notes(fewer),
              HasSubstr(fmt::format(
                  "no utterance of the corpus is neutral, angry; {} of 48 answers", wrong)));
}

TEST_F(EvaluateModels, MergedClassesOfTheModelAreScoredByTheirSums) {
  Corpus corpus = strangers();
  corpus.class_names = {"bad", "good"};
  for (auto& utterance : corpus.utterances) {
    utterance.label = utterance.label == 0 || utterance.label == 2 ? 1.0F : 0.0F;
  }
  const auto map =
      parse_class_map("model:happy=good,model:neutral=good,model:sad=bad,model:angry=bad");
  const auto results = transfer(corpus, {.map = map});
  EXPECT_THAT(results.class_names, testing::ElementsAre("bad", "good"));
  EXPECT_EQ(results.scores.at(0).confusion.size(), 4U);
  EXPECT_GT(wa(results), 0.9);
  // A calibration of four classes does not hold for two.
  for (const auto& metric : results.scores.at(0).metrics) {
    if (metric.name == "calibrated_ece") {
      EXPECT_TRUE(std::isnan(metric.value));
    }
  }
}

TEST_F(EvaluateModels, TargetStatisticsUndoAnotherScale) {
  const double right = wa(evaluate(strangers()));
  Corpus corpus = strangers();
  for (auto& modality : corpus.modalities) {
    std::vector<float> values(modality.features.begin(), modality.features.end());
    for (auto& value : values) value = 100 + 7 * value;
    modality.features = values;
  }
  const auto plain = transfer(corpus, {});
  EXPECT_LT(wa(plain), 0.6);
  EXPECT_THAT(notes(plain), HasSubstr("mean standardised difference from the training features"));
  const auto own = transfer(corpus, {.by_target_statistics = true});
  EXPECT_NEAR(wa(own), right, 0.05);
  EXPECT_THAT(notes(own), HasSubstr("(--target-statistics)"));

  corpus.modalities[2].present.assign(corpus.modalities[2].present.size(), 0);
  EXPECT_GT(wa(transfer(corpus, {.by_target_statistics = true})), 0.8);
  corpus.modalities[2].present[5] = 1;
  EXPECT_THAT(message_of<DataError>([&] { transfer(corpus, {.by_target_statistics = true}); }),
              HasSubstr("one utterance only has the modality visual"));
}

TEST_F(EvaluateModels, ACorpusWithoutAnyLabelIsRefused) {
  Corpus corpus = strangers();
  for (auto& utterance : corpus.utterances) utterance.label = NAN;
  EXPECT_THAT(message_of<DataError>([&] { evaluate(corpus); }),
              HasSubstr("no utterance is labelled"));
}

// ---- the same rule in run and stats
// --------------------------------------------------------------

TEST(ScoredUtterances, RunAndItsStoredPredictionsLeaveOutTheSame) {
  const test::TempDir folder;
  Corpus corpus = corners();
  for (std::size_t i = 0; i < 96; i += 3) corpus.modalities[0].present[i] = 0;
  for (std::size_t i = 1; i < 96; i += 12) corpus.utterances[i].label = NAN;
  corpus.checksum = corpus_checksum(corpus);
  ProtocolRequest request;
  request.config = make_preset("quick");
  request.config.protocol.method = "early_linear";
  request.config.protocol.tracks = Tracks::kUnified;
  request.config.protocol.split = "kfold";
  request.config.protocol.folds = 2;
  request.config.protocol.conditions = "a; a,t,v";
  request.folder = folder / "run";
  NoProgress quiet;
  const auto result = run_protocol(request, corpus, quiet);
  std::int64_t scored = 0;
  std::int64_t unread = 0;
  std::int64_t unlabelled = 0;
  for (const auto& score : result.results.scores) {
    if (score.condition.pattern.count() != 1) continue;
    scored += score.utterances;
    unread += score.unread;
    unlabelled += score.unlabelled;
  }
  EXPECT_EQ(scored, 96 - 32 - 8);
  EXPECT_EQ(unread, 32);
  EXPECT_EQ(unlabelled, 8);
  // stats reads predictions.csv and gives the same numbers.
  const auto table = read_predictions(RunFolder::open(folder / "run"));
  for (const auto& score : result.results.scores) {
    const auto* cell =
        table.find("unified", condition_label(score.condition, corpus.modality_names()), score.fold,
                   score.seed);
    ASSERT_NE(cell, nullptr);
    std::vector<double> total(table.layout.width());
    for (std::size_t i = 0; i < cell->tallies.size(); ++i) {
      total[i % total.size()] += cell->tallies[i];
    }
    std::vector<double> metrics(table.layout.metric_names().size());
    table.layout.metrics(total, metrics);
    EXPECT_DOUBLE_EQ(metrics[0], score.metrics[0].value);
  }
  const auto again = evaluate_models(folder / "run", corpus, "", quiet);
  for (std::size_t i = 0; i < again.scores.size(); ++i) {
    EXPECT_EQ(again.scores[i].utterances, result.results.scores[i].utterances);
    EXPECT_EQ(again.scores[i].confusion, result.results.scores[i].confusion);
  }
}

// ---- labels of every kind
// ------------------------------------------------------------------------

Results run_labels(const Corpus& corpus, const std::filesystem::path& folder,
                   const std::string& method) {
  ProtocolRequest request;
  request.config = make_preset("quick");
  request.config.protocol.method = method;
  request.config.protocol.tracks = Tracks::kUnified;
  request.config.protocol.split = "kfold";
  request.config.protocol.folds = 2;
  request.config.protocol.conditions = "a; a,t,v";
  hardymer_settings(request.config).recogniser.complete_epochs = 4;
  hardymer_settings(request.config).recogniser.pattern_epochs = 4;
  request.folder = folder;
  NoProgress quiet;
  return run_protocol(request, corpus, quiet).results;
}

Corpus with_several(LabelKind kind) {
  Corpus corpus = corners();
  corpus.label_kind = kind;
  corpus.class_names.clear();
  corpus.target_names = {"left", "low"};
  for (auto& utterance : corpus.utterances) {
    const auto label = static_cast<int>(utterance.label);
    corpus.targets.push_back(label % 2 == 0 ? 1.0F : 0.0F);
    corpus.targets.push_back(label < 2 ? 1.0F : 0.0F);
    utterance.label = 0;
  }
  corpus.utterances[7].label = NAN;
  corpus.checksum = corpus_checksum(corpus);
  return corpus;
}

TEST(LabelKinds, SeveralLabelsAreLearnedScoredStoredAndEvaluated) {
  for (const char* method : {"early_linear", "mean_mlp", "late_linear", "modality_dropout"}) {
    const test::TempDir folder;
    const Corpus corpus = with_several(LabelKind::kLabels);
    const auto results = run_labels(corpus, folder / "run", method);
    EXPECT_EQ(results.headline,
              (std::vector<std::string>{"mean_wa", "mean_weighted_f1", "mean_f1"}));
    EXPECT_GT(results.find("unified", "acoustic,textual,visual", "wa.left")->mean, 0.75) << method;
    EXPECT_GT(results.find("unified", "acoustic,textual,visual", "f1.low")->mean, 0.75) << method;
    NoProgress quiet;
    const auto again = evaluate_models(folder / "run", corpus, "", quiet);
    EXPECT_EQ(again.find("unified", "acoustic,textual,visual", "mean_wa")->mean,
              results.find("unified", "acoustic,textual,visual", "mean_wa")->mean);
    const auto info = load_model(folder / "run/models/unified-fold0-seed1.safetensors").info;
    EXPECT_EQ(info.label_kind, "labels");
    EXPECT_EQ(info.target_names, corpus.target_names);
    EXPECT_EQ(info.format, 5);
  }
}

TEST(LabelKinds, SeveralValuesAreJudgedByConcordance) {
  const test::TempDir folder;
  const auto results = run_labels(with_several(LabelKind::kValues), folder / "run", "early_linear");
  EXPECT_EQ(results.headline,
            (std::vector<std::string>{"mean_ccc", "mean_mae", "mean_correlation"}));
  EXPECT_GT(results.find("unified", "acoustic,textual,visual", "ccc.left")->mean, 0.6);
  EXPECT_LT(results.find("unified", "acoustic,textual,visual", "mae.low")->mean, 0.3);
}

TEST(LabelKinds, SharesOfRatersAreLearnedAsTheyAre) {
  const test::TempDir folder;
  Corpus corpus = corners();
  for (const auto& utterance : corpus.utterances) {
    for (int c = 0; c < 4; ++c) {
      corpus.shares.push_back(c == static_cast<int>(utterance.label) ? 0.7F : 0.1F);
    }
  }
  corpus.checksum = corpus_checksum(corpus);
  const auto results = run_labels(corpus, folder / "run", "early_linear");
  EXPECT_GT(results.find("unified", "acoustic,textual,visual", "wa")->mean, 0.9);
}

TEST(LabelKinds, AMethodThatCannotTakeSeveralLabelsSaysSoBeforeItStarts) {
  const test::TempDir folder;
  EXPECT_THAT(message_of<DataError>(
                  [&] { run_labels(with_several(LabelKind::kLabels), folder / "run", "cpm_net"); }),
              HasSubstr("not several labels"));
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

TEST(LabelKinds, TheMajorityIsTheMeanOfWhatIsLabelled) {
  const test::TempDir folder;
  Corpus corpus = with_several(LabelKind::kValues);
  const auto results = run_labels(corpus, folder / "run", "majority");
  EXPECT_NEAR(results.find("unified", "acoustic,textual,visual", "mae.left")->mean, 0.5, 0.05);
}

}  // namespace
}  // namespace hardy
