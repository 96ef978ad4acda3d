#include "media/vector_store.h"

#include <system_error>
#include <utility>

#include "hardy/errors.h"
#include "hardy/tensor_file.h"

namespace hardy {

std::filesystem::path VectorStore::file_of(const std::string& key) const {
  return folder_ / key.substr(0, 2) / (key + ".safetensors");
}

std::optional<WorkerResult> VectorStore::find(const std::string& key) const {
  std::error_code ignored;
  if (folder_.empty() || !std::filesystem::is_regular_file(file_of(key), ignored)) return {};
  try {
    const TensorFile file = load_tensor_file(file_of(key));
    const auto values = file.floats("values");
    const auto facts = file.floats("facts");
    const auto counts = file.integers("counts");
    if (facts.size() != 1 || counts.size() != 2) return {};
    WorkerResult result;
    result.values.assign(values.begin(), values.end());
    result.reason = file.text("reason");
    result.seconds = static_cast<double>(facts[0]);
    result.pictures = counts[0];
    result.found = counts[1];
    if (result.values.size() == 1 && !result.reason.empty()) result.values.clear();
    return result;
  } catch (const Error&) {
    return {};  // damaged: computed again
  }
}

void VectorStore::keep(const std::string& key, const WorkerResult& result) const {
  if (folder_.empty()) return;
  TensorFile file;
  // An absent modality has a reason and, because tensor files hold no empty array, one zero.
  std::vector<float> values = result.values;
  if (values.empty()) values.push_back(0);
  file.add("values", {static_cast<std::int64_t>(values.size())}, std::move(values));
  file.add("facts", {1}, std::vector<float>{static_cast<float>(result.seconds)});
  file.add("counts", {2}, std::vector<std::int64_t>{result.pictures, result.found});
  file.metadata["reason"] = result.reason;
  save_tensor_file(file_of(key), file);
}

}  // namespace hardy
