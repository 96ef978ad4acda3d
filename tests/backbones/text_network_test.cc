// DeBERTa, BERT and RoBERTa against the hidden states of the original programs.
#include "backbones/text_network.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "backbones/text_pooling.h"
#include "base/files.h"
#include "formats/csv.h"
#include "hardy/errors.h"
#include "tests/backbones/golden.h"
#include "tests/support/messages.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
constexpr double kTolerance = 5e-5;

std::vector<std::int64_t> row_of(const fs::path& file, std::size_t row, std::size_t rows) {
  if (!fs::exists(file)) return {};
  const auto all = test::integers_of(file);
  const auto width = all.size() / rows;
  return {all.begin() + static_cast<std::ptrdiff_t>(row * width),
          all.begin() + static_cast<std::ptrdiff_t>((row + 1) * width)};
}

/// Compares all sequences of a folder of golden arrays. Returns the largest difference.
double compare_case(const TextNetwork& network, const fs::path& folder) {
  const auto ids = load_npy(folder / "input_ids.npy");
  const auto states = load_npy(folder / "hidden_states.npy");
  const auto rows = static_cast<std::size_t>(ids.shape[0]);
  const auto layers = static_cast<std::size_t>(states.shape[0]);
  const auto per_row = states.values.size() / layers / rows;
  const auto attention_file = folder / "attention_layer0.npy";
  double largest = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    TokenSequence sequence;
    sequence.ids = row_of(folder / "input_ids.npy", row, rows);
    sequence.mask = row_of(folder / "attention_mask.npy", row, rows);
    sequence.types = row_of(folder / "token_type_ids.npy", row, rows);
    Matrix attention;
    const auto got = network.hidden_states(sequence, &attention);
    EXPECT_EQ(got.size(), layers);
    for (std::size_t layer = 0; layer < layers; ++layer) {
      const auto wanted = std::span(states.values).subspan((layer * rows + row) * per_row, per_row);
      largest = std::max(largest, test::largest_difference(got[layer].values, wanted));
    }
    if (!fs::exists(attention_file)) continue;
    const auto shares = load_npy(attention_file);
    const auto size = shares.values.size() / rows;
    largest = std::max(
        largest, test::largest_difference(attention.values,
                                          std::span(shares.values).subspan(row * size, size)));
  }
  return largest;
}

std::unique_ptr<TextNetwork> network_at(const fs::path& folder, const std::string& file) {
  return make_text_network(NetworkSettings::read(folder / "config.json"),
                           WeightSet::open(folder / file));
}

/// The rows of a text whose mean is its vector.
Matrix rows_of(const TextNetwork& network, const TextParts& parts) {
  return pooled_rows(parts, network.summed_states(parts.sequences, {-4, -1}));
}

/// Checks sums of states against the states, and sequences read together against single ones.
void expect_sums(const TextNetwork& network) {
  const std::vector<TokenSequence> sequences = {
      {{1, 44, 61, 80, 2}, {}, {}}, {{1, 7, 2}, {}, {}}, {{1, 9, 8, 7, 6, 5, 4, 3, 2}, {}, {}}};
  const auto sums = network.summed_states(sequences, {-3, -2});
  ASSERT_EQ(sums.size(), sequences.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto states = network.hidden_states(sequences[i]);
    Matrix wanted = states[states.size() - 3];
    add_to(wanted, states[states.size() - 2]);
    EXPECT_EQ(sums[i].values, wanted.values) << i;
    const auto alone = network.summed_states({&sequences[i], 1}, {-3, -2});
    EXPECT_EQ(sums[i].values, alone.front().values) << i;
  }
}

class Deberta : public testing::TestWithParam<std::string> {};

TEST_P(Deberta, HiddenStatesAreThoseOfTheOriginal) {
  HARDY_NEEDS_SHARED("golden/backbones/deberta");
  const auto folder = test::backbone_dir() / "deberta" / GetParam();
  const auto network = network_at(folder, "model.safetensors");
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory()) continue;
    const double largest = compare_case(*network, entry.path());
    EXPECT_LE(largest, kTolerance) << entry.path();
    ++cases;
  }
  EXPECT_EQ(cases, 6);
}

TEST_P(Deberta, EveryContainerHoldsTheSameNetwork) {
  HARDY_NEEDS_SHARED("golden/backbones/deberta");
  const auto folder = test::backbone_dir() / "deberta" / GetParam();
  const TokenSequence sequence{{1, 44, 261, 80, 2}, {}, {}};
  const auto first = network_at(folder, "model.safetensors")->hidden_states(sequence);
  for (const char* file : {"pytorch_model.bin", "pytorch_model.legacy.bin"}) {
    const auto other = network_at(folder, file)->hidden_states(sequence);
    EXPECT_EQ(first.back().values, other.back().values) << file;
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, Deberta, testing::Values("large_like", "options", "plain_bert"));

class Bert : public testing::TestWithParam<std::string> {};

TEST_P(Bert, HiddenStatesAreThoseOfTheOriginal) {
  HARDY_NEEDS_SHARED("golden/backbones/bert_roberta");
  const auto folder = test::backbone_dir() / "bert_roberta" / GetParam();
  for (const char* file : {"model.safetensors", "pytorch_model.bin"}) {
    EXPECT_LE(compare_case(*network_at(folder, file), folder), kTolerance) << file;
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, Bert, testing::Values("bert", "roberta"));

TEST(TextPooling, WordRowsAreThoseOfGcnet) {
  HARDY_NEEDS_SHARED("golden/backbones/deberta/gcnet_text");
  const auto base = test::backbone_dir() / "deberta";
  const auto network = network_at(base / "large_like", "model.safetensors");
  const auto tokenizer = make_byte_pair_tokenizer(base / "tokenizer", false);
  const auto table =
      parse_csv(read_text_file(base / "gcnet_text" / "transcription.csv"), "transcription.csv");
  ASSERT_EQ(table.rows.size(), 9U);
  for (const auto& row : table.rows) {
    const Matrix rows = rows_of(*network, gcnet_parts(*tokenizer, row[1]));
    const auto words = load_npy(base / "gcnet_text" / "deberta-large-4-FRA" / (row[0] + ".npy"));
    EXPECT_LE(test::largest_difference(rows.values, words.values), kTolerance) << row[0];
    const auto mean = load_npy(base / "gcnet_text" / "deberta-large-4-UTT" / (row[0] + ".npy"));
    EXPECT_LE(test::largest_difference(mean_row(rows), mean.values), kTolerance) << row[0];
  }
}

TEST(TextPooling, TextWithoutAWordHasNoVector) {
  HARDY_NEEDS_SHARED("golden/backbones/deberta/gcnet_text");
  const auto base = test::backbone_dir() / "deberta";
  const auto tokenizer = make_byte_pair_tokenizer(base / "tokenizer", false);
  EXPECT_THROW(static_cast<void>(gcnet_parts(*tokenizer, "... \xE2\x80\x94 !")), DataError);
  EXPECT_THROW(static_cast<void>(whole_parts(*tokenizer, "")), DataError);
}

TEST(TextPooling, MerbenchMeansAreThoseOfTheOriginal) {
  HARDY_NEEDS_SHARED("golden/backbones/deberta/large_like");
  const auto base = test::backbone_dir() / "deberta";
  const auto network = network_at(base / "large_like", "model.safetensors");
  const auto folder = base / "large_like" / "a";
  TextParts parts;
  parts.sequences.push_back({test::integers_of(folder / "input_ids.npy"), {}, {}});
  const Matrix rows = rows_of(*network, parts);
  EXPECT_LE(test::largest_difference(mean_row(rows), load_npy(folder / "merbench_utt.npy").values),
            kTolerance);
}

TEST_P(Bert, StatesAreSummedInRangeAndTheSameAmongOthers) {
  HARDY_NEEDS_SHARED("golden/backbones/bert_roberta");
  const auto folder = test::backbone_dir() / "bert_roberta" / GetParam();
  expect_sums(*network_at(folder, "model.safetensors"));
}

TEST_P(Deberta, StatesAreSummedInRangeAndTheSameAmongOthers) {
  HARDY_NEEDS_SHARED("golden/backbones/deberta");
  const auto folder = test::backbone_dir() / "deberta" / GetParam();
  expect_sums(*network_at(folder, "model.safetensors"));
}

TEST(Deberta, MissingAndMisshapenWeightsAreNamed) {
  HARDY_NEEDS_SHARED("golden/backbones/deberta/large_like");
  const auto folder = test::backbone_dir() / "deberta" / "large_like";
  auto settings = NetworkSettings::read(folder / "config.json").json();
  settings["num_hidden_layers"] = 6;
  const auto load = [&] {
    static_cast<void>(make_deberta(NetworkSettings(settings, "config.json"),
                                   WeightSet::open(folder / "model.safetensors")));
  };
  EXPECT_NE(test::message_of<ArtifactError>(load).find("encoder.layer.5."), std::string::npos);
  settings["num_hidden_layers"] = 5;
  settings["intermediate_size"] = 49;
  EXPECT_NE(test::message_of<ArtifactError>(load).find("intermediate.dense"), std::string::npos);
}

/// 1.6 GB of made weights and a minute: for those who ask for it.
TEST(Deberta, FullSizeIsThatOfTheOriginal) {
  if (std::getenv("HARDY_FULL_SIZE") == nullptr) GTEST_SKIP() << "set HARDY_FULL_SIZE=1 to run it";
  HARDY_NEEDS_SHARED("golden/backbones/deberta/full_size");
  const auto folder = test::backbone_dir() / "deberta" / "full_size";
  const auto network = make_deberta(NetworkSettings::read(folder / "config.json"),
                                    test::made_set(folder / "keys.json", 41));
  TokenSequence sequence;
  sequence.ids = test::integers_of(folder / "input_ids.npy");
  const auto start = std::clock();
  const auto states = network->hidden_states(sequence);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const auto wanted = load_npy(folder / "hidden_states_layers_0_1_12_24.npy");
  const auto size = wanted.values.size() / 4;
  double largest = 0;
  std::size_t at = 0;
  for (const std::size_t layer : {0U, 1U, 12U, 24U}) {
    largest = std::max(
        largest, test::largest_difference(states[layer].values,
                                          std::span(wanted.values).subspan(size * at++, size)));
  }
  std::printf("%zu tokens: %.2f s CPU, largest difference %.2e\n", sequence.ids.size(), seconds,
              largest);
  EXPECT_LE(largest, kTolerance);
}

}  // namespace
}  // namespace hardy
