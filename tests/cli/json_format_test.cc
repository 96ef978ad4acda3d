// What commands print as JSON is what docs/json.md says: a renamed or lost field fails here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "tests/analysis/made_run.h"
#include "tests/cli/program.h"
#include "tests/support/places.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using Json = nlohmann::json;
using test::run_hardy;
using test::TempDir;

/// Fields by command, from the table of the page.
std::map<std::string, std::set<std::string>> documented() {
  std::map<std::string, std::set<std::string>> commands;
  std::istringstream page(read_text_file(test::source_dir() / "docs/json.md"));
  std::string line;
  while (std::getline(page, line)) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, '|');) cells.push_back(cell);
    if (cells.size() < 4 || cells[1].find('`') == std::string::npos) continue;
    const auto first = cells[1].find('`') + 1;
    auto& fields = commands[cells[1].substr(first, cells[1].find('`', first) - first)];
    std::istringstream list(cells[3]);
    for (std::string field; std::getline(list, field, ',');) {
      const auto begin = field.find_first_not_of(' ');
      fields.insert(field.substr(begin, field.find_last_not_of(' ') + 1 - begin));
    }
    fields.insert("format");
  }
  return commands;
}

std::set<std::string> fields_of(const Json& json) {
  std::set<std::string> fields;
  for (const auto& [name, value] : json.items()) fields.insert(name);
  return fields;
}

class JsonFormat : public ::testing::Test {
 protected:
  /// Runs a command and compares the fields of its (first) object with the page.
  void expect_documented(const std::string& command, const std::vector<std::string>& arguments) {
    const auto result = run_hardy(arguments);
    ASSERT_EQ(result.exit_code, 0) << command << ": " << result.errors;
    const bool has_lines = command.starts_with("predict");
    const auto text = has_lines ? result.output.substr(0, result.output.find('\n')) : result.output;
    const Json json = Json::parse(text);
    EXPECT_EQ(fields_of(json), pages_.at(command)) << command;
    if (command != "bundle info") {
      EXPECT_EQ(json.at("format"), 1) << command;
    }
  }

  TempDir dir_;
  std::map<std::string, std::set<std::string>> pages_ = documented();
};

TEST_F(JsonFormat, OfDataAndCacheIsDocumented) {
  const auto corpus = (dir_ / "corpus").string();
  ASSERT_EQ(run_hardy({"data", "synth", corpus, "--sessions", "2", "--dialogues", "2",
                       "--modalities", "2", "--widths", "m1=4,m2=4"})
                .exit_code,
            0);
  expect_documented("data info", {"data", "info", corpus, "--json"});
  expect_documented("data check", {"data", "check", corpus, "--json"});
  expect_documented("data convert",
                    {"data", "convert", corpus, (dir_ / "plain").string(), "--json"});
  expect_documented("data shift", {"data", "shift", corpus, corpus, "--json"});
  expect_documented("cache info",
                    {"cache", "info", "--cache", (dir_ / "cache").string(), "--json"});
}

TEST_F(JsonFormat, OfModelsIsDocumented) {
  EncoderConfig encoder;
  encoder.hidden = 8;
  encoder.depth = 1;
  encoder.heads = 2;
  encoder.decoder = Decoder::kLinear;
  auto info = test::bundle_info({2, 3}, 3, encoder);
  info.coverage = {{Pattern(0b11), {.5F}, {1}}};
  const auto model = (dir_ / "model").string();
  save_tensor_file(model, test::random_bundle(info));
  const auto& names = info.modalities;
  const Json line = {{"id", "u1"},
                     {"dialogue", "d1"},
                     {"features", {{names[0].name, {0.1, 0.2}}, {names[1].name, {1, 2, 3}}}}};
  const auto input = (dir_ / "input.jsonl").string();
  test::put_file(input, line.dump() + "\n");
  expect_documented("predict", {"predict", model, input, "--json"});
  expect_documented("predict --coverage", {"predict", model, input, "--json", "--coverage", "0.5"});
  expect_documented("explain", {"explain", model, input, "--json"});
  expect_documented("bundle info", {"bundle", "info", model, "--json"});
}

TEST_F(JsonFormat, OfComparisonsIsDocumented) {
  using test::MadeFit;
  test::make_run(
      dir_ / "good",
      test::hit_outcomes([](const MadeFit&, std::int64_t u) { return u % 5 != 0; }, {1}));
  test::make_run(
      dir_ / "poor",
      test::hit_outcomes([](const MadeFit&, std::int64_t u) { return u % 3 != 0; }, {1}));
  expect_documented("stats RUN RUN", {"stats", (dir_ / "good").string(), (dir_ / "poor").string(),
                                      "--resamples", "1000", "--json"});
}

}  // namespace
}  // namespace hardy
