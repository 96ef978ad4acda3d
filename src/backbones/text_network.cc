// What all networks of texts share.
#include "backbones/text_network.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {

std::vector<Matrix> TextNetwork::hidden_states(const TokenSequence& sequence,
                                               Matrix* attention) const {
  std::vector<Matrix> states;
  states.push_back(embed(sequence));
  for (std::size_t n = 0; n < layers(); ++n) {
    states.push_back(run_layer(n, states.back(), {&sequence, 1}, n == 0 ? attention : nullptr));
  }
  return states;
}

std::vector<Matrix> TextNetwork::summed_states(std::span<const TokenSequence> sequences,
                                               StateRange range) const {
  Matrix x(0, width());
  for (const auto& sequence : sequences) {
    const Matrix embedded = embed(sequence);
    x.values.insert(x.values.end(), embedded.values.begin(), embedded.values.end());
    x.rows += embedded.rows;
  }
  const int count = static_cast<int>(layers()) + 1;
  check(-count <= range.first && range.first <= range.last && range.last <= -1,
        "states are summed that do not exist");
  Matrix sum(x.rows, x.width);
  for (int n = 0;; ++n) {
    if (n >= count + range.first) add_to(sum, x);
    if (n == count + range.last) break;
    x = run_layer(static_cast<std::size_t>(n), x, sequences, nullptr);
  }
  std::vector<Matrix> sums;
  const float* from = sum.values.data();
  for (const auto& sequence : sequences) {
    auto& part = sums.emplace_back(static_cast<std::int64_t>(sequence.ids.size()), sum.width);
    std::copy_n(from, part.size(), part.values.begin());
    from += part.size();
  }
  return sums;
}

std::unique_ptr<TextNetwork> make_text_network(const NetworkSettings& settings, WeightSet weights) {
  const std::string kind = settings.text_or("model_type", "");
  if (kind == "deberta") return make_deberta(settings, std::move(weights));
  if (kind == "bert" || kind == "roberta") return make_bert(settings, std::move(weights));
  settings.refuse(fmt::format(
      "a network of the kind '{}' is not supported; texts are read by deberta (the first version), "
      "bert and roberta, anything else as TorchScript",
      kind));
}

}  // namespace hardy
