#include "parity/golden.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstring>
#include <iostream>

#include "base/files.h"
#include "formats/npy.h"
#include "formats/torch_checkpoint.h"
#include "inference/published_checkpoint.h"
#include "support/shared_data.h"
#include "tests/support/places.h"

namespace hardy::test {
namespace {

constexpr double kTolerance = 1e-5;  // ../shared/golden/README.md

GoldenSet current_set = GoldenSet::kOwn;

const nlohmann::json& own_set() {
  static const auto parsed =
      nlohmann::json::parse(read_text_file(test::fixtures_dir() / "golden" / "golden.json"));
  return parsed;
}

at::Tensor tensor_of(const std::vector<std::int64_t>& shape, const std::vector<float>& values) {
  auto tensor = at::empty(shape, at::TensorOptions(at::kFloat));
  std::memcpy(tensor.data_ptr<float>(), values.data(), values.size() * sizeof(float));
  return tensor;
}

}  // namespace

void Golden::SetUp() {
  if (GetParam() == GoldenSet::kShared) HARDY_NEEDS_SHARED("golden/meta.json");
  current_set = GetParam();
}

nlohmann::json golden_json(const std::string& name) {
  if (current_set == GoldenSet::kOwn) return own_set().at(name);
  return nlohmann::json::parse(read_text_file(shared_dir() / "golden" / (name + ".json")));
}

std::int64_t golden_size(const std::string& name) { return golden_json("meta").at(name); }

TensorFile golden_state(const std::string& module) {
  if (current_set == GoldenSet::kShared) {
    return load_torch_checkpoint(shared_dir() / "golden" / (module + ".pth"));
  }
  TensorFile state;
  for (const auto& [name, array] : own_set().at("states").at(module).items()) {
    state.add(name, array.at("shape").get<std::vector<std::int64_t>>(),
              array.at("values").get<std::vector<float>>());
  }
  return state;
}

std::vector<std::int64_t> golden_widths() {
  return {golden_size("adim"), golden_size("tdim"), golden_size("vdim")};
}

at::Tensor load_array(const std::string& name) {
  if (current_set == GoldenSet::kOwn) {
    const auto& array = own_set().at("arrays").at(name);
    return tensor_of(array.at("shape"), array.at("values"));
  }
  const auto array = load_npy(shared_dir() / "golden" / (name + ".npy"));
  return tensor_of(array.shape, array.values);
}

at::Tensor load_golden(const std::string& name, const GoldenBatch& batch, Layout layout) {
  const auto padded = load_array(name);
  std::vector<at::Tensor> rows;
  for (std::size_t b = 0; b < batch.lengths.size(); ++b) {
    for (std::int64_t s = 0; s < batch.lengths[b]; ++s) {
      const auto d = static_cast<std::int64_t>(b);
      rows.push_back(layout == Layout::kTimeFirst ? padded[s][d] : padded[d][s]);
    }
  }
  return at::stack(rows);
}

GoldenBatch load_golden_batch() {
  GoldenBatch batch;
  const auto mask = load_array("utterance_mask");
  for (std::int64_t b = 0; b < mask.size(0); ++b) {
    batch.lengths.push_back(static_cast<std::int64_t>(mask[b].sum().item<float>()));
  }
  const auto input = load_golden("input", batch, Layout::kTimeFirst);
  std::int64_t first = 0;
  for (const std::int64_t width : golden_widths()) {
    batch.table.features.push_back(input.narrow(1, first, width).contiguous());
    first += width;
  }
  batch.table.present.assign(static_cast<std::size_t>(input.size(0)), Pattern::complete(3));
  batch.table.speakers.assign(static_cast<std::size_t>(input.size(0)), -1);
  const auto labels = load_golden("labels", batch, Layout::kBatchFirst);
  for (std::int64_t i = 0; i < labels.size(0); ++i) {
    batch.labels.push_back(static_cast<std::int64_t>(labels[i].item<float>()));
  }
  return batch;
}

BatchPlan GoldenBatch::plan(Pattern pattern) const {
  BatchPlan plan;
  std::int64_t utterance = 0;
  for (const auto length : lengths) {
    for (std::int64_t s = 0; s < length; ++s) plan.rows.push_back({utterance++, s, -1, pattern});
    plan.close_dialogue();
  }
  return plan;
}

BackboneOptions published_options(const TensorFile& state_dict) {
  const PublishedShape shape = published_shape(state_dict, kNames);
  BackboneOptions options;
  options.modality_names = kNames;
  options.widths = shape.widths;
  options.outputs = shape.outputs;
  options.encoder = shape.encoder;
  options.has_decoder = shape.has_decoder;
  options.encoder.heads = golden_size("heads");  // not derivable from the weights
  return options;
}

Pattern golden_pattern(const std::string& letters) {
  std::uint32_t bits = 0;
  if (letters.find('a') != std::string::npos) bits |= 1;
  if (letters.find('t') != std::string::npos) bits |= 2;
  if (letters.find('v') != std::string::npos) bits |= 4;
  return Pattern(bits);
}

void expect_close(const at::Tensor& ours, const at::Tensor& golden, const std::string& what) {
  ASSERT_EQ(ours.sizes(), golden.sizes()) << what;
  const double difference = (ours - golden).abs().max().item<double>();
  std::cout << "golden " << what << ": largest difference " << difference << "\n";
  EXPECT_LT(difference, kTolerance) << what;
}

}  // namespace hardy::test
