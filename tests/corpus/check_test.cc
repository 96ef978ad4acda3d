#include "hardy/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "corpus/synth/demo_corpus.h"
#include "hardy/errors.h"
#include "hardy/method_settings.h"
#include "tests/support/shared_data.h"
#include "tests/support/small_corpus.h"
#include "tests/support/small_tree.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::TempDir;
using testing::HasSubstr;

std::vector<std::string> kinds(const std::vector<Finding>& findings, Severity severity) {
  std::vector<std::string> result;
  for (const auto& finding : findings) {
    if (finding.severity == severity) result.push_back(finding.kind);
  }
  return result;
}

CheckReport check_at(const std::filesystem::path& path) {
  DataConfig config;
  config.path = path;
  return check_corpus(config, 2);
}

TEST(Check, ASoundCorpusHasNoErrorsAndSaysSo) {
  const CheckReport report = check_corpus({}, 2);
  EXPECT_TRUE(report.is_sound());
  EXPECT_EQ(report.utterances, make_demo_corpus().size());
  EXPECT_THAT(check_text(report), HasSubstr("0 errors"));
  EXPECT_THAT(check_text(report), HasSubstr(": usable"));
}

TEST(Check, ASmallTreeLacksOnlyAClass) {
  const TempDir folder;
  test::put_iemocap(folder.path());
  const CheckReport report = check_at(folder.path());
  EXPECT_EQ(report.utterances, 8);
  for (const auto& kind : kinds(report.findings, Severity::kError)) {
    EXPECT_EQ(kind, "class-not-trained");
  }
}

TEST(Check, EveryProblemOfATreeIsReportedAtOnce) {
  const TempDir folder;
  test::put_cmu(folder.path());
  auto rows = test::cmu_rows();
  rows[2].labels[0] = 9;
  rows[1].ids[1] = "vidB_1";
  rows.push_back({"vidD", {}, {}, {}});
  test::put_file(folder / "CMUMOSI_labels.pkl",
                 test::label_pickle(rows, {{"vidA", "vidC"}, {"vidB"}, {"vidC"}}));
  test::put_feature(folder / "features/glove-2/vidA_1.npy", {1});
  test::put_feature(folder / "features/glove-2/vidA_2.npy", {1, NAN});
  test::put_file(folder / "features/glove-2/vidC_1.npy", "junk");
  std::filesystem::remove(folder / "features/glove-2/vidC_2.npy");
  const CheckReport report = check_at(folder.path());
  EXPECT_FALSE(report.is_sound());
  EXPECT_THAT(kinds(report.findings, Severity::kError),
              testing::UnorderedElementsAre(
                  "both-sides", "duplicate-id", "label-range", "unreadable-file", "wrong-width",
                  "not-finite", "no-modality", "no-modality", "one-modality", "no-folds"));
  EXPECT_THAT(kinds(report.findings, Severity::kWarning),
              testing::IsSupersetOf({"empty-dialogue", "missing-file"}));
  // Errors come first.
  EXPECT_TRUE(
      std::is_sorted(report.findings.begin(), report.findings.end(),
                     [](const Finding& x, const Finding& y) { return x.severity > y.severity; }));
}

TEST(Check, AModalityAloneIsAnErrorForMethodsOfMissingOnes) {
  const TempDir folder;
  test::put_file(folder / "utterances.csv", "id,label\nu,0\nv,1\nw,0\nx,1\ny,0\nz,1\n");
  test::put_feature(folder / "m.npy", {1, 2, 3, 4, 5, 6});
  DataConfig config;
  config.path = folder.path().string();
  ProtocolConfig protocol;
  const auto findings = check_corpus(config, 1, protocol).findings;
  EXPECT_THAT(kinds(findings, Severity::kError), testing::Contains("one-modality"));
  const auto error = std::find_if(findings.begin(), findings.end(),
                                  [](const auto& each) { return each.kind == "one-modality"; });
  ASSERT_NE(error, findings.end());
  EXPECT_THAT(error->what, HasSubstr("HARDY-MER learns from missing modalities"));
  EXPECT_THAT(error->remedy, HasSubstr("--method context, crossfit, modality_dropout"));
  for (const auto& method : declared_methods()) {
    protocol.method = method.name;
    const auto kind = method.takes_one_modality ? Severity::kNote : Severity::kError;
    EXPECT_THAT(kinds(check_corpus(config, 1, protocol).findings, kind),
                testing::Contains("one-modality"))
        << method.name;
  }
}

TEST(Check, AnEmptyFeatureFolderIsMentioned) {
  const TempDir folder;
  test::put_iemocap(folder.path());
  std::filesystem::create_directories(folder / "features" / "extra-UTT");
  EXPECT_THAT(kinds(check_at(folder.path()).findings, Severity::kWarning),
              testing::Contains("empty-folder"));
}

TEST(Check, ACorpusThatCannotBeReadAtAllIsOneFinding) {
  const TempDir folder;
  test::put_file(folder / "utterances.csv", "id,label\n");
  test::put_file(folder / "m.npy", "junk");
  const CheckReport report = check_at(folder.path());
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].kind, "unusable");
  EXPECT_THAT(report.findings[0].what, HasSubstr("has no row"));
  DataConfig config;
  config.format = "zip";
  EXPECT_THROW(check_corpus(config, 1), ConfigError);
}

TEST(Check, ContentsAreJudged) {
  Corpus corpus = test::small_corpus();
  EXPECT_THAT(kinds(check_contents(corpus), Severity::kError), testing::IsEmpty());
  // Class "cross" has one member; u1 lacks textual.
  EXPECT_EQ(kinds(check_contents(corpus), Severity::kWarning),
            (std::vector<std::string>{"small-class"}));
  EXPECT_EQ(kinds(check_contents(corpus), Severity::kNote),
            (std::vector<std::string>{"missing-share"}));

  corpus.modalities[0].present[1] = 0;
  EXPECT_EQ(kinds(check_contents(corpus), Severity::kError),
            (std::vector<std::string>{"no-modality"}));
}

TEST(Check, AClassOfOneGroupOnlyIsMentioned) {
  Corpus corpus = make_demo_corpus();
  EXPECT_THAT(kinds(check_contents(corpus), Severity::kWarning), testing::IsEmpty());
  for (auto& utterance : corpus.utterances) {
    const auto& group = corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)].group;
    if (group != "Ses02" && utterance.label == 3) utterance.label = 0;
  }
  const auto findings = check_contents(corpus);
  EXPECT_EQ(kinds(findings, Severity::kWarning), std::vector<std::string>{"class-in-one-group"});
  EXPECT_THAT(findings[0].where + findings[0].what, HasSubstr("members are in group Ses02"));
}

TEST(Check, ConstantColumnsAndZeroRowsAreCounted) {
  Corpus corpus = test::small_corpus();
  for (std::size_t i = 0; i < 5; ++i) corpus.modalities[0].features[2 * i] = 3;
  auto findings = check_contents(corpus);
  const auto constant = std::find_if(findings.begin(), findings.end(),
                                     [](const Finding& f) { return f.kind == "constant-column"; });
  ASSERT_NE(constant, findings.end());
  EXPECT_EQ(constant->severity, Severity::kWarning);
  EXPECT_THAT(constant->what, HasSubstr("1 of 2 columns never change (0)"));

  corpus.modalities[1].features = {0, 0, 0, 0, 0};
  findings = check_contents(corpus);
  EXPECT_THAT(kinds(findings, Severity::kError), testing::Contains("constant-column"));
  EXPECT_THAT(kinds(findings, Severity::kNote), testing::Contains("all-zero"));
}

TEST(Check, AColumnThatOneUtteranceMakesVaryIsMentioned) {
  Corpus corpus = make_demo_corpus();
  auto& modality = corpus.modalities[1];
  const auto width = static_cast<std::size_t>(modality.width);
  for (std::size_t i = 0; i < modality.present.size(); ++i) {
    modality.features[i * width + 3] = i == 7 ? 0.5F : 0.0F;
  }
  const auto findings = check_contents(corpus);
  EXPECT_EQ(kinds(findings, Severity::kWarning), std::vector<std::string>{"rare-column"});
  EXPECT_EQ(findings[0].where, "modality " + modality.name);
  EXPECT_THAT(findings[0].what, HasSubstr("columns vary in a few utterances only (3)"));
}

TEST(Check, OneClassIsAnError) {
  Corpus corpus = test::small_corpus();
  for (auto& utterance : corpus.utterances) utterance.label = 1;
  EXPECT_THAT(kinds(check_contents(corpus), Severity::kError), testing::ElementsAre("one-class"));
}

// ---- check and run agree
// -------------------------------------------------------------------------

/// Eight dialogues of four utterances in the parts train, train, validation, test in turn, two
/// classes, two modalities.
Corpus split_corpus() {
  Corpus corpus;
  corpus.name = corpus.source = "split";
  corpus.class_names = {"calm", "cross"};
  corpus.modalities = {{"a", 1, {}, {}}, {"b", 1, {}, {}}};
  const Part parts[] = {Part::kTrain, Part::kTrain, Part::kValidation, Part::kTest};
  for (std::int64_t d = 0; d < 8; ++d) {
    corpus.dialogues.push_back({"d" + std::to_string(d), 4 * d, 4, "", parts[d % 4]});
    for (std::int64_t i = 0; i < 4; ++i) {
      corpus.utterances.push_back(
          {"u" + std::to_string(4 * d + i), d, i, "", static_cast<float>(i % 2), ""});
      for (auto& modality : corpus.modalities) {
        modality.features.push_back(static_cast<float>((4 * d + i) % 5));
        modality.present.push_back(1);
      }
    }
  }
  return corpus;
}

/// The errors of a check; `hardy run` must refuse if and only if there are any.
std::vector<std::string> agreed_errors(const Corpus& corpus, const ProtocolConfig& protocol = {}) {
  const auto errors = kinds(check_training(corpus, protocol), Severity::kError);
  if (errors.empty()) {
    EXPECT_NO_THROW(require_trainable(corpus, protocol));
  } else {
    EXPECT_THROW(require_trainable(corpus, protocol), Error);
  }
  return errors;
}

using testing::ElementsAre;

TEST(CheckTraining, ASoundSplitHasNoError) {
  EXPECT_THAT(agreed_errors(split_corpus()), testing::IsEmpty());
}

TEST(CheckTraining, AClassThatNoTrainingUtteranceHasIsAnErrorOfBoth) {
  for (const std::size_t member : {12U, 8U}) {  // in the test part, in the validation part
    Corpus corpus = split_corpus();
    corpus.class_names.push_back("rare");
    corpus.utterances[member].label = corpus.utterances[member + 1].label = 2;
    EXPECT_THAT(agreed_errors(corpus), ElementsAre("class-not-trained"));
  }
  Corpus trained = split_corpus();
  trained.class_names.push_back("rare");
  trained.utterances[0].label = trained.utterances[1].label = 2;
  EXPECT_THAT(agreed_errors(trained), testing::IsEmpty());
}

TEST(CheckTraining, TheRemedyForARareClassCanBeFollowed) {
  Corpus corpus = split_corpus();
  corpus.class_names.push_back("rare");
  corpus.utterances[12].label = corpus.utterances[13].label = 2;
  const auto findings = check_training(corpus, {});
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [](const Finding& f) { return f.kind == "class-not-trained"; });
  ASSERT_NE(found, findings.end());
  EXPECT_THAT(found->what, HasSubstr("it occurs in 1 dialogue"));
  EXPECT_THAT(found->remedy, HasSubstr("merge it with another class or remove its utterances"));
}

TEST(CheckTraining, HolesInTheSplitOrTheGroupsAreErrorsOfBoth) {
  Corpus corpus = split_corpus();
  corpus.dialogues[1].part = Part::kNone;
  EXPECT_THAT(agreed_errors(corpus), ElementsAre("no-part"));
  ProtocolConfig kfold;
  kfold.split = "kfold";
  kfold.folds = 2;
  EXPECT_THAT(agreed_errors(corpus, kfold), testing::IsEmpty());
  for (auto& dialogue : corpus.dialogues) dialogue.part = Part::kNone;
  for (std::size_t d = 0; d < 7; ++d) corpus.dialogues[d].group = d % 2 == 0 ? "s1" : "s2";
  EXPECT_THAT(agreed_errors(corpus), ElementsAre("no-group"));
}

TEST(CheckTraining, MissingPartsAndTooFewDialoguesAreErrorsOfBoth) {
  Corpus corpus = split_corpus();
  for (auto& dialogue : corpus.dialogues) {
    if (dialogue.part == Part::kTest) dialogue.part = Part::kTrain;
  }
  // Without test marks the dialogues are divided into five folds.
  EXPECT_THAT(agreed_errors(corpus), testing::IsEmpty());
  ProtocolConfig official;
  official.split = "official";
  EXPECT_THAT(agreed_errors(corpus, official), ElementsAre("no-folds"));
  ProtocolConfig many;
  many.split = "kfold";
  many.folds = 9;
  EXPECT_THAT(agreed_errors(split_corpus(), many), ElementsAre("no-folds"));
  for (auto& dialogue : corpus.dialogues) dialogue.part = Part::kTest;
  EXPECT_THAT(agreed_errors(corpus), ElementsAre("empty-part", "empty-part"));
}

TEST(CheckTraining, AModalityThatCarriesNothingIsAnErrorOfBoth) {
  Corpus corpus = split_corpus();
  std::fill(corpus.modalities[1].features.begin(), corpus.modalities[1].features.end(), 0.0F);
  EXPECT_THAT(agreed_errors(corpus), ElementsAre("constant-column"));
  std::fill(corpus.modalities[1].present.begin(), corpus.modalities[1].present.end(),
            std::uint8_t{0});
  EXPECT_THAT(agreed_errors(corpus), ElementsAre("absent-modality"));
  corpus = split_corpus();
  for (std::size_t i = 0; i < 32; ++i) corpus.modalities[1].present[i] = i / 4 % 4 == 3 ? 1 : 0;
  EXPECT_THAT(agreed_errors(corpus), ElementsAre("modality-not-trained"));
  corpus = split_corpus();
  corpus.modalities[0].present[5] = corpus.modalities[1].present[5] = 0;
  EXPECT_THAT(agreed_errors(corpus), ElementsAre("no-modality"));
}

TEST(CheckTraining, UnlabelledUtterancesAreNoErrorAPartOfThemIs) {
  Corpus corpus = split_corpus();
  corpus.utterances[0].label = NAN;
  EXPECT_THAT(agreed_errors(corpus), testing::IsEmpty());
  for (std::size_t i = 0; i < 32; ++i) {
    if (i / 4 % 4 == 3) corpus.utterances[i].label = NAN;
  }
  EXPECT_THAT(agreed_errors(corpus), ElementsAre("unlabelled-part"));
}

TEST(Check, SpeakersOnBothSidesOfTheSplitAreNamed) {
  Corpus corpus = test::small_corpus();
  corpus.utterances[3].speaker = "ann";
  const auto findings = check_contents(corpus);
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [](const Finding& f) { return f.kind == "speaker-both-sides"; });
  ASSERT_NE(found, findings.end());
  EXPECT_EQ(found->where, "speaker ann");
}

TEST(Check, TextGroupsAndJsonKeepsEveryFinding) {
  CheckReport report;
  report.source = "corpus \xFF";
  for (int i = 0; i < 8; ++i) {
    report.findings.push_back({Severity::kWarning, "missing-file", "file " + std::to_string(i),
                               "there is no feature file", "extract it"});
  }
  const std::string text = check_text(report);
  EXPECT_THAT(text, HasSubstr("warning missing-file (8)\n"));
  EXPECT_THAT(text, HasSubstr("file 4"));
  EXPECT_THAT(text, testing::Not(HasSubstr("file 5")));
  EXPECT_THAT(text, HasSubstr("... and 3 more\n  -> extract it\n"));
  const auto json = nlohmann::json::parse(check_json(report));
  EXPECT_EQ(json["findings"].size(), 8U);
  EXPECT_EQ(json["warnings"], 8);
  EXPECT_EQ(json["usable"], true);
  EXPECT_EQ(json["findings"][5]["where"], "file 5");
}

TEST(Check, CmuMosiIsUsable) {
  HARDY_NEEDS_SHARED("data/CMUMOSI");
  const CheckReport report = check_at(test::shared_dir() / "data/CMUMOSI");
  EXPECT_TRUE(report.is_sound()) << check_text(report);
  EXPECT_EQ(report.utterances, 2199);
}

}  // namespace
}  // namespace hardy
