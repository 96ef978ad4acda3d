// The packed weights of a network. Internal.
#pragma once

#include <cstddef>
#include <memory>

#include "hardy/mapped_file.h"
#include "hardy/tensor_file.h"
#include "inference/network.h"

namespace hardy::predict {

/// Unmaps memory.
struct UnmapMemory {
  std::size_t bytes = 0;
  void operator()(float* memory) const;
};

/// Panels (panels.h) of every layer, in the order of a forward pass, so that prefetching continues
/// from one layer to the next.
class PackedWeights {
 public:
  /// Packs all layers of `network`, which then reads them from here. The pages of the plain weights
  /// are released and the arrays removed from `contents`, so that weights are not in memory twice.
  void take(NetworkView& network, MappedFile& file, TensorFileView& contents);

 private:
  std::unique_ptr<float[], UnmapMemory> memory_;
};

}  // namespace hardy::predict
