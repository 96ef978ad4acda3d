// The weights of a network, laid out for its products. Internal.
#pragma once

#include <cstddef>
#include <memory>

#include "hardy/mapped_file.h"
#include "hardy/tensor_file.h"
#include "inference/network.h"

namespace hardy::predict {

/// Gives mapped memory back.
struct UnmapMemory {
  std::size_t bytes = 0;
  void operator()(float* memory) const;
};

/// Panels (panels.h) of every layer, in the order of a forward pass, so that reading ahead flows
/// from one layer into the next.
class PackedWeights {
 public:
  /// Packs all layers of `network`, which reads them from here afterwards. The plain weights are
  /// given back to the system and taken out of `contents`: they are not kept twice.
  void take(NetworkView& network, MappedFile& file, TensorFileView& contents);

 private:
  std::unique_ptr<float[], UnmapMemory> memory_;
};

}  // namespace hardy::predict
