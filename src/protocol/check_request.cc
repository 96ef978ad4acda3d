// Validation of a request before training: its device, folder and folds.
#include <torch/types.h>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/checksum.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "hardy/split.h"
#include "methods/method.h"
#include "protocol/run_protocol.h"

namespace hardy {

namespace {

/// The fold with its test part among what trains.
Fold fold_of_all(Fold fold) {
  fold.name = "all data";
  fold.train.insert(fold.train.end(), fold.test.begin(), fold.test.end());
  std::sort(fold.train.begin(), fold.train.end());
  fold.test.clear();
  return fold;
}

}  // namespace

at::Device protocol_device(const Config& config) {
  if (config.run.device != "cuda") return at::Device(config.run.device);
  if (HARDY_HAS_CUDA == 0) {
    throw ConfigError(
        "--device cuda: this hardy was built without CUDA; use cpu, or build it with HARDY_CUDA "
        "and a libtorch that has CUDA");
  }
  if (!at::hasCUDA()) throw ConfigError("--device cuda: libtorch finds no GPU here; use cpu");
  return at::Device(config.run.device);
}

std::filesystem::path run_folder_of(const ProtocolRequest& request, const Corpus& corpus) {
  if (!request.folder.empty()) return request.folder;
  const auto digest =
      sha256(config_toml(kept_config(request.config)) + corpus.checksum + request.command);
  std::string name = corpus.name.substr(0, corpus.name.find(' '));
  std::replace(name.begin(), name.end(), '/', '-');
  return std::filesystem::path("runs") / fmt::format("{}-{}", name, digest.substr(0, 8));
}

std::vector<Fold> check_request(const ProtocolRequest& request, const Corpus& corpus) {
  const Config& config = request.config;
  require_trainable(corpus, config.protocol);
  auto folds = make_folds(corpus, config.protocol);
  if (request.only_fold && *request.only_fold >= static_cast<int>(folds.size())) {
    std::vector<std::string> names;
    for (const auto& fold : folds) names.push_back(fold.name);
    throw ConfigError(fmt::format("--fold {}: this corpus has {} folds: {}", *request.only_fold + 1,
                                  folds.size(), fmt::join(names, ", ")));
  }
  std::vector<Fold> wanted;
  for (const auto& fold : folds) {
    if (!request.only_fold || *request.only_fold == fold.index) wanted.push_back(fold);
  }
  const Method& method = find_method(config.protocol.method);
  if (const auto problem = method.problem_with(corpus, wanted, config)) {
    throw DataError(fmt::format("{}: {} cannot serve this corpus: {}", corpus.source,
                                declared_method(config.protocol.method).title, *problem));
  }
  if (request.all_data) return {fold_of_all(folds.front())};
  return folds;
}

}  // namespace hardy
