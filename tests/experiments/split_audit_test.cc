// The split audit on a corpus with planted duplicates.
#include "experiments/split_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tiny_experiment.h"

namespace hardy {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SplitAudit : public ::testing::Test {
 protected:
  SplitAudit() : corpus_(test::tiny_corpus(3)) {
    for (auto& utterance : corpus_.utterances) utterance.transcript.clear();
  }

  SplitReport audit() { return audit_split(corpus_, make_folds(corpus_, ProtocolConfig{})); }

  /// The line of fold 0's test part; fails the test if there is none.
  static SplitCheck line(const SplitReport& report, const std::string& check,
                         const std::string& modality = "") {
    for (const auto& row : report.checks) {
      if (row.fold == 0 && row.part == "test" && row.check == check && row.modality == modality) {
        return row;
      }
    }
    ADD_FAILURE() << "no line " << check;
    return {};
  }

  std::int64_t first_of(const std::string& session) {
    for (const auto& dialogue : corpus_.dialogues) {
      if (dialogue.group == session) return dialogue.first;
    }
    return -1;
  }

  void copy_row(std::size_t modality, std::int64_t from, std::int64_t to, float factor = 1) {
    auto& data = corpus_.modalities[modality];
    for (std::int64_t j = 0; j < data.width; ++j) {
      data.features[static_cast<std::size_t>(to * data.width + j)] =
          factor * data.features[static_cast<std::size_t>(from * data.width + j)];
    }
  }

  Corpus corpus_;
};

TEST_F(SplitAudit, ACleanCorpusHasNoFinding) {
  const auto report = audit();
  EXPECT_EQ(report.findings(), 0);
  EXPECT_EQ(line(report, "copies").count, 0);
  EXPECT_EQ(line(report, "dialogues").count, 0);
  EXPECT_EQ(line(report, "speakers").count, 0);
  EXPECT_GT(line(report, "speakers").of, 0);
  EXPECT_THAT(line(report, "transcripts").missing, HasSubstr("no transcript of 5 words"));
  EXPECT_THAT(split_text(report), HasSubstr("keeps apart what it claims to"));
}

TEST_F(SplitAudit, FindsAPlantedCopyAndNamesIt) {
  const auto trained = first_of("Ses03");  // fold 0 tests Ses01 and validates with the next group
  const auto tested = first_of("Ses01");
  copy_row(0, trained, tested);
  // A near duplicate in one modality only is reported, but is no copy.
  auto report = audit();
  EXPECT_EQ(report.findings(), 0);
  EXPECT_EQ(line(report, "near duplicates", corpus_.modalities[0].name).count, 1);
  copy_row(1, trained, tested, 1.0001F);
  report = audit();
  const auto copies = line(report, "copies");
  EXPECT_EQ(copies.count, 1);
  EXPECT_TRUE(copies.is_finding);
  ASSERT_EQ(copies.examples.size(), 1U);
  EXPECT_EQ(copies.examples[0], corpus_.utterances[static_cast<std::size_t>(tested)].id + " = " +
                                    corpus_.utterances[static_cast<std::size_t>(trained)].id);
  EXPECT_THAT(split_csv(report), HasSubstr("0,Ses01,test,copies,,1,"));
  EXPECT_THAT(split_json(report), HasSubstr("\"findings\": "));
}

TEST_F(SplitAudit, ASpeakerOnBothSidesIsAFindingWhereGroupsAreHeldOut) {
  corpus_.utterances[static_cast<std::size_t>(first_of("Ses01"))].speaker =
      corpus_.utterances[static_cast<std::size_t>(first_of("Ses03"))].speaker;
  const auto speakers = line(audit(), "speakers");
  EXPECT_EQ(speakers.count, 1);
  EXPECT_TRUE(speakers.is_finding);
  // An official split does not imply new speakers: reported, but no finding.
  for (std::size_t d = 0; d < corpus_.dialogues.size(); ++d) {
    auto& dialogue = corpus_.dialogues[d];
    dialogue.part = d % 3 == 0 ? Part::kTest : d % 3 == 1 ? Part::kValidation : Part::kTrain;
  }
  const auto official = line(audit(), "speakers");
  EXPECT_GT(official.count, 0);
  EXPECT_FALSE(official.is_finding);
}

TEST_F(SplitAudit, CountsConstantRowsApartAndFindsEqualTranscripts) {
  const auto tested = first_of("Ses01");
  const auto trained = first_of("Ses03");
  auto& data = corpus_.modalities[2];
  for (const auto u : {tested, trained}) {
    for (std::int64_t j = 0; j < data.width; ++j) {
      data.features[static_cast<std::size_t>(u * data.width + j)] = 0;
    }
  }
  corpus_.utterances[static_cast<std::size_t>(tested)].transcript = "No, I do NOT think so!";
  corpus_.utterances[static_cast<std::size_t>(trained)].transcript = "no i do not think so";
  corpus_.utterances[static_cast<std::size_t>(tested + 1)].transcript = "Yes.";
  corpus_.utterances[static_cast<std::size_t>(trained + 1)].transcript = "Yes.";
  const auto report = audit();
  EXPECT_EQ(line(report, "constant rows", data.name).count, 1);
  EXPECT_EQ(line(report, "near duplicates", data.name).count, 0);
  const auto transcripts = line(report, "transcripts");
  EXPECT_EQ(transcripts.count, 1);
  EXPECT_EQ(transcripts.of, 1);
  EXPECT_EQ(report.findings(), 0);
}

TEST_F(SplitAudit, SaysWhatCannotBeLookedAt) {
  for (auto& utterance : corpus_.utterances) utterance.speaker.clear();
  auto& data = corpus_.modalities[0];
  std::fill(data.features.begin(), data.features.end(), 1.0F);
  const auto report = audit();
  EXPECT_THAT(line(report, "speakers").missing, HasSubstr("names no speaker"));
  EXPECT_THAT(line(report, "near duplicates", data.name).missing, HasSubstr("too few"));
  EXPECT_THAT(split_text(report), AllOf(HasSubstr("not computable because"),
                                        HasSubstr("keeps apart what it claims to")));
}

TEST_F(SplitAudit, ADialogueInTwoPartsIsAFinding) {
  auto folds = make_folds(corpus_, ProtocolConfig{});
  folds[0].train.push_back(folds[0].test.front());
  const auto report = audit_split(corpus_, folds);
  EXPECT_TRUE(line(report, "dialogues").is_finding);
  EXPECT_THAT(line(report, "dialogues").examples, ::testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace hardy
