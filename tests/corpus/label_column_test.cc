// Interpretation of label columns, with columns of real data sets.
#include "corpus/label_column.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace hardy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The labels of a column whose rows are on lines 2, 3, ..
TableLabels read(const std::vector<std::string_view>& texts, const PlainSettings& settings = {}) {
  TableColumn column{"t.csv", texts, {}};
  for (std::size_t row = 0; row < texts.size(); ++row) column.lines.push_back(row + 2);
  return read_label_column(column, settings);
}

PlainSettings marking(std::vector<std::string> marks) {
  PlainSettings settings;
  settings.unlabelled = std::move(marks);
  return settings;
}

PlainSettings task_of(const char* task) {
  PlainSettings settings;
  settings.task = task;
  return settings;
}

std::vector<std::string> errors(const TableLabels& labels) {
  std::vector<std::string> kinds;
  for (const auto& finding : labels.findings) {
    if (finding.severity == Severity::kError) kinds.push_back(finding.kind + " " + finding.where);
  }
  return kinds;
}

TEST(LabelColumn, WholeNumbersWithAPointAreClassesAndThatIsSaid) {
  const auto labels = read({"0.0", "1.0", "2.0", "3.0", "1.0"});
  EXPECT_EQ(labels.kind, LabelKind::kClass);
  EXPECT_THAT(labels.class_names, ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(labels.labels, ElementsAre(0, 1, 2, 3, 1));
  ASSERT_EQ(labels.findings.size(), 1U);
  EXPECT_EQ(labels.findings[0].kind, "label-guess");
  EXPECT_THAT(labels.findings[0].remedy, HasSubstr("data.task=regression"));
}

TEST(LabelColumn, MinusOneAmongClassNumbersIsNamedLineByLine) {
  const std::vector<std::string_view> texts = {"0", "1", "-1", "2", "3", "-1"};
  EXPECT_THAT(errors(read(texts)),
              ElementsAre("label-mark t.csv, line 4", "label-mark t.csv, line 7"));
  const auto said = read(texts, marking({"-1"}));
  EXPECT_THAT(errors(said), IsEmpty());
  EXPECT_THAT(said.class_names, ElementsAre("0", "1", "2", "3"));
  EXPECT_TRUE(std::isnan(said.labels[2]));
  PlainSettings classes;
  classes.task = "class";
  EXPECT_THAT(errors(read(texts, classes)).size(), 2U);
}

TEST(LabelColumn, APolarityIsReadAsValuesWithTheSwitchNamed) {
  const auto labels = read({"-1", "0", "1", "1", "-1"});
  EXPECT_EQ(labels.kind, LabelKind::kValue);
  ASSERT_EQ(labels.findings.size(), 1U);
  EXPECT_THAT(labels.findings[0].remedy, HasSubstr("data.task=class"));
  PlainSettings classes;
  classes.task = "class";
  EXPECT_THAT(read({"-1", "0", "1"}, classes).class_names, ElementsAre("-1", "0", "1"));
}

TEST(LabelColumn, EmptyCellsAmongValuesAreNoClasses) {
  for (const char* hole : {"", "nan", "N/A", "NaN", "null", "inf"}) {
    const auto labels = read({"0.5", hole, "-1.25", "2.0"});
    EXPECT_EQ(labels.kind, LabelKind::kValue) << hole;
    EXPECT_THAT(errors(labels), ElementsAre("bad-label t.csv, line 3")) << hole;
    EXPECT_THAT(labels.findings[0].what, HasSubstr("is not a finite number")) << hole;
  }
  const auto marked = read({"0.5", "", "-1.25"}, marking({""}));
  EXPECT_THAT(marked.findings, IsEmpty());
  EXPECT_TRUE(std::isnan(marked.labels[1]));
}

TEST(LabelColumn, EmptyCellsAmongClassesAreErrorsUnlessDeclared) {
  for (const char* hole : {"", "nan", "N/A"}) {
    EXPECT_THAT(errors(read({"sad", hole, "glad"})), ElementsAre("missing-label t.csv, line 3"));
    EXPECT_THAT(errors(read({"0", hole, "1"})), ElementsAre("missing-label t.csv, line 3"));
    const auto marked = read({"sad", hole, "glad"}, marking({hole}));
    EXPECT_THAT(marked.findings, IsEmpty()) << hole;
    EXPECT_THAT(marked.class_names, ElementsAre("glad", "sad"));
  }
  PlainSettings named;
  named.class_names = {"nan", "sad"};
  EXPECT_THAT(read({"nan", "sad"}, named).labels, ElementsAre(0, 1));
}

TEST(LabelColumn, DecimalCommasAreOneFinding) {
  const auto labels = read({"1,5", "-0,25", "2", "0,0"});
  EXPECT_THAT(errors(labels), ElementsAre("label-comma t.csv"));
  EXPECT_THAT(labels.findings[0].what, HasSubstr("decimal comma, e.g. '1,5'"));
  EXPECT_TRUE(labels.findings[0].is_mended);
  EXPECT_THAT(labels.labels, ElementsAre(1.5F, -0.25F, 2, 0));
}

TEST(LabelColumn, ListsInACellAreNoClassNames) {
  EXPECT_THAT(errors(read({"[0, 1, 0]", "[1, 0, 0]"})), ElementsAre("label-list t.csv"));
}

TEST(LabelColumn, ANumberIsNoIndexWhereClassesAreNumbers) {
  PlainSettings settings;
  settings.class_names = {"1", "2", "3"};
  EXPECT_THAT(errors(read({"0", "1"}, settings)), ElementsAre("label-range t.csv, line 2"));
  EXPECT_THAT(read({"3", "1.0"}, settings).labels, ElementsAre(2, 0));
  settings.class_names = {"sad", "glad"};
  EXPECT_THAT(read({"1", "sad"}, settings).labels, ElementsAre(1, 0));
}

TEST(LabelColumn, NamesThatDifferInCaseOrNormalFormAreSeen) {
  const auto labels = read({"sad", "Happy", "happy"});
  ASSERT_EQ(labels.findings.size(), 1U);
  EXPECT_EQ(labels.findings[0].kind, "similar-classes");
  EXPECT_THAT(read({"caf\xC3\xA9", "cafe\xCC\x81", "thé"}).class_names.size(), 2U);
}

TEST(LabelColumn, NamesThatLookAlikeAreSeen) {
  for (const char* other : {"hap py", "hap-py", "hap_py", "hap\xC2\xA0py", "happy\xE2\x80\x8B"}) {
    const auto labels = read({"sad", "happy", other, "happy"});
    ASSERT_EQ(labels.findings.size(), 1U) << other;
    EXPECT_EQ(labels.findings[0].kind, "similar-classes");
  }
  EXPECT_THAT(read({"-1", "1", "0"}, task_of("class")).findings, IsEmpty());
}

TEST(LabelColumn, FillersAmongClassNumbersAreNamedLineByLine) {
  EXPECT_THAT(errors(read({"0", "1", "99", "2", "3", "99"})),
              ElementsAre("label-mark t.csv, line 4", "label-mark t.csv, line 7"));
  EXPECT_THAT(read({"0", "1", "99"}, marking({"99"})).class_names, ElementsAre("0", "1"));
  // Two class numbers, and many: 99 may be one of them.
  EXPECT_THAT(errors(read({"0", "99"})), IsEmpty());
  std::vector<std::string> numbers;
  for (int i = 0; i < 100; ++i) numbers.push_back(std::to_string(i));
  EXPECT_EQ(read({numbers.begin(), numbers.end()}).class_names.size(), 100U);
}

TEST(LabelColumn, FillersAmongValuesAreNamedLineByLine) {
  EXPECT_THAT(errors(read({"0.5", "-1.5", "-999", "2.5"})),
              ElementsAre("label-mark t.csv, line 4"));
  EXPECT_THAT(errors(read({"0.5", "-1.5", "-999"}, marking({"-999"}))), IsEmpty());
  EXPECT_THAT(errors(read({"0.5", "80", "99"}, task_of("regression"))), IsEmpty());
}

TEST(LabelColumn, SignsAndErrorsOfSpreadsheetsAreNoClasses) {
  for (const char* text : {"?", "-", "#NAME?", "#REF!", "#DIV/0!", "\\N"}) {
    EXPECT_THAT(errors(read({"sad", "glad", text})), ElementsAre("missing-label t.csv, line 4"));
  }
}

TEST(LabelColumn, WordsThatMayMeanNotLabelledAreClassesAndThatIsSaid) {
  for (const char* text : {"None", "unknown", "xxx"}) {
    const auto labels = read({"sad", "glad", text});
    ASSERT_EQ(labels.findings.size(), 1U);
    EXPECT_EQ(labels.findings[0].kind, "label-guess");
    EXPECT_THAT(labels.findings[0].remedy, HasSubstr(text));
    EXPECT_THAT(read({"sad", "glad", text}, marking({text})).findings, IsEmpty());
  }
}

TEST(LabelColumn, PercentagesAreOneFinding) {
  EXPECT_THAT(errors(read({"25%", "50 %", "12,5%"})), ElementsAre("label-percent t.csv"));
}

// ---- several labels
// ------------------------------------------------------------------------------

TableLabels read_several(const std::vector<std::vector<std::string_view>>& rows,
                         const PlainSettings& settings = {}) {
  std::vector<TableColumn> columns(rows[0].size());
  for (std::size_t t = 0; t < columns.size(); ++t) {
    columns[t].file = "t.csv";
    for (std::size_t row = 0; row < rows.size(); ++row) {
      columns[t].texts.push_back(rows[row][t]);
      columns[t].lines.push_back(row + 2);
    }
  }
  std::vector<std::string> names = {"joy", "fear", "anger"};
  names.resize(columns.size());
  return read_target_columns(names, columns, settings);
}

TEST(TargetColumns, AboveZeroMeansThere) {
  const auto labels = read_several({{"0", "0.66"}, {"3", "0"}, {"", ""}}, [] {
    auto settings = task_of("labels");
    settings.unlabelled = {""};
    return settings;
  }());
  EXPECT_EQ(labels.kind, LabelKind::kLabels);
  EXPECT_THAT(labels.target_names, ElementsAre("joy", "fear"));
  EXPECT_THAT(labels.targets, ElementsAre(0, 1, 1, 0, 0, 0));
  EXPECT_TRUE(std::isnan(labels.labels[2]));
  EXPECT_THAT(labels.findings, IsEmpty());
}

TEST(TargetColumns, SharesOfRatersAddUpToOne) {
  const auto labels = read_several({{"3", "1", "0"}, {"1", "1", "2"}}, task_of("shares"));
  EXPECT_EQ(labels.kind, LabelKind::kClass);
  EXPECT_THAT(labels.class_names, ElementsAre("joy", "fear", "anger"));
  EXPECT_THAT(labels.labels, ElementsAre(0, 2));
  EXPECT_THAT(labels.shares, ElementsAre(0.75F, 0.25F, 0, 0.25F, 0.25F, 0.5F));
  EXPECT_THAT(errors(read_several({{"0", "0", "0"}}, task_of("shares"))),
              ElementsAre("label-range t.csv, line 2"));
}

TEST(TargetColumns, TheGuessIsSaid) {
  EXPECT_EQ(read_several({{"0", "1"}, {"1", "1"}}).kind, LabelKind::kLabels);
  EXPECT_FALSE(read_several({{"0.5", "0.5"}, {"0.25", "0.75"}}).shares.empty());
  const auto values = read_several({{"0.5", "-2"}, {"0.25", "3"}});
  EXPECT_EQ(values.kind, LabelKind::kValues);
  ASSERT_EQ(values.findings.size(), 1U);
  EXPECT_EQ(values.findings[0].kind, "label-guess");
}

TEST(TargetColumns, HolesAreNamed) {
  EXPECT_THAT(errors(read_several({{"1", "x"}, {"", "0"}}, task_of("values"))),
              ElementsAre("bad-label t.csv, line 2", "missing-label t.csv, line 3"));
  auto marked = task_of("values");
  marked.unlabelled = {""};
  EXPECT_THAT(errors(read_several({{"", "0"}}, marked)),
              ElementsAre("partly-labelled t.csv, line 2"));
  EXPECT_THAT(errors(read_several({{"1", "0"}}, task_of("regression"))),
              ElementsAre("label-task t.csv"));
}

}  // namespace
}  // namespace hardy
