// TorchScript programs by libtorch. Linking this file into a program makes them available to it.
#include <torch/script.h>

#include <ATen/Parallel.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/version.h>

#include <string>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "media/script_network.h"

namespace hardy {
namespace {

/// The first line of an error; the rest is a trace of the interpreter.
std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

class TorchScript final : public ScriptNetwork {
 public:
  TorchScript(torch::jit::Module module, std::string description)
      : module_(std::move(module)), description_(std::move(description)) {
    module_.eval();
  }

  [[nodiscard]] std::string description() const override { return description_; }

  [[nodiscard]] std::vector<float> mean_output(
      std::span<const float> input, const std::vector<std::int64_t>& shape) const override {
    return run(at::tensor(at::ArrayRef<float>(input.data(), input.size())).reshape(shape));
  }

  [[nodiscard]] std::vector<float> mean_output(std::span<const std::int64_t> ids) const override {
    return run(at::tensor(at::ArrayRef<std::int64_t>(ids.data(), ids.size())).unsqueeze(0));
  }

 private:
  [[nodiscard]] std::vector<float> run(at::Tensor input) const {
    const c10::InferenceMode mode;
    try {
      auto module = module_;  // a handle; forward is no const method
      const auto result = module.forward({std::move(input)});
      if (!result.isTensor()) throw DataError("the program's output is no tensor");
      const auto output = result.toTensor().to(at::kCPU, at::kFloat);
      if (output.dim() < 1 || output.numel() == 0) {
        throw DataError("the program's output is empty");
      }
      const auto mean =
          output.reshape({-1, output.size(-1)}).to(at::kDouble).mean(0).to(at::kFloat).contiguous();
      const float* values = mean.data_ptr<float>();
      return {values, values + mean.numel()};
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      throw DataError("the program failed: " + first_line(error));
    }
  }

  torch::jit::Module module_;
  std::string description_;
};

std::unique_ptr<ScriptNetwork> load_torch_script(const std::filesystem::path& file) {
  // Recordings are processed in parallel already, and forked processes must find no threads.
  // Without the optimiser, a program gives the same bytes at its first and its later calls.
  at::set_num_threads(1);
  torch::jit::setGraphExecutorOptimize(false);
  std::unordered_map<std::string, std::string> extra = {{"hardy.json", ""}};
  try {
    auto module = torch::jit::load(file.string(), at::Device(at::kCPU), extra);
    return std::make_unique<TorchScript>(std::move(module), extra["hardy.json"]);
  } catch (const std::exception& error) {
    throw ArtifactError(
        fmt::format("{}: cannot be loaded as TorchScript: {}", file.string(), first_line(error)),
        "export it with operators of libtorch " TORCH_VERSION " (docs/recordings.md)");
  }
}

[[maybe_unused]] const bool kIsSet = (set_script_loader(load_torch_script), true);

}  // namespace
}  // namespace hardy
