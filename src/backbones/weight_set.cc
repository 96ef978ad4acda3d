#include "backbones/weight_set.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

bool fits_shape(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& wanted) {
  if (shape.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (wanted[i] >= 0 && shape[i] != wanted[i]) return false;
  }
  return true;
}

}  // namespace

void WeightSet::add(const std::string& key, std::vector<std::int64_t> shape,
                    std::vector<float> values) {
  const auto own = std::make_shared<const std::vector<float>>(std::move(values));
  entries_[key] = {std::move(shape), [own] { return std::span<const float>(*own); }, {}};
}

std::vector<std::string> WeightSet::keys() const {
  std::vector<std::string> keys;
  for (const auto& entry : entries_) keys.push_back(entry.first);
  return keys;
}

const std::vector<std::int64_t>& WeightSet::shape(const std::string& key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    throw ArtifactError(fmt::format(
        "{}: the weights '{}' are missing; the file is incomplete or of another network", name_,
        key));
  }
  return found->second.shape;
}

std::span<const float> WeightSet::floats(const std::string& key,
                                         const std::vector<std::int64_t>& shape) const {
  const auto& stored = this->shape(key);
  if (!fits_shape(stored, shape)) {
    throw ArtifactError(
        fmt::format("{}: the weights '{}' have the shape [{}], the network needs "
                    "[{}] (-1 = any); is it of another size?",
                    name_, key, fmt::join(stored, ", "), fmt::join(shape, ", ")));
  }
  return entries_.at(key).load();
}

void WeightSet::forget(const std::string& key) const {
  const auto found = entries_.find(key);
  if (found != entries_.end() && found->second.forget) found->second.forget();
}

void WeightSet::keep_below(std::string_view prefix) {
  std::map<std::string, Entry> kept;
  for (auto& [key, entry] : entries_) {
    if (key.starts_with(prefix)) kept[key.substr(prefix.size())] = std::move(entry);
  }
  if (!kept.empty()) entries_ = std::move(kept);
}

void WeightSet::rename_endings(std::string_view old_ending, std::string_view ending) {
  std::map<std::string, Entry> renamed;
  for (auto& [key, entry] : entries_) {
    const bool is_old = key.ends_with(old_ending);
    const auto stem = is_old ? key.substr(0, key.size() - old_ending.size()) : key;
    renamed[is_old ? stem + std::string(ending) : key] = std::move(entry);
  }
  entries_ = std::move(renamed);
}

}  // namespace hardy
