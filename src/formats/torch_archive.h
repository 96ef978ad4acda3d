// Files of torch.save: a pickle and its storages, in a zip (since PyTorch 1.6) or consecutive
// (before). Nothing of the file is executed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/pickle.h"

namespace hardy {

/// Bytes of one value of a storage type such as "torch.HalfStorage"; 0 = unknown type.
std::size_t torch_item_size(std::string_view storage_type);

/// An opened file. Storages are read on access. Movable, not thread-safe.
class TorchArchive {
 public:
  /// `bytes` must outlive the archive; `name` stands for the file in messages. Classes that are not
  /// plain data are kept as opaque values when `keeps_opaque` is set or the file is of the older
  /// form. Throws ArtifactError when it is neither form, truncated or damaged.
  TorchArchive(std::span<const std::byte> bytes, std::string_view name, bool keeps_opaque);
  TorchArchive(TorchArchive&&) noexcept;
  TorchArchive& operator=(TorchArchive&&) noexcept;
  ~TorchArchive();

  [[nodiscard]] const PickleValue& root() const;

  /// The bytes of a storage; valid as long as this object. Throws ArtifactError when it is missing
  /// or damaged.
  [[nodiscard]] std::span<const std::byte> storage(const std::string& key);

  /// Releases the memory of a storage.
  void release(const std::string& key);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hardy
