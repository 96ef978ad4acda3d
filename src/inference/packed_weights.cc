#include "inference/packed_weights.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <set>
#include <vector>

#include "kernels/panels.h"

namespace hardy::predict {
namespace {

/// Every layer in the order of a forward pass.
std::vector<LinearView*> layers_of(NetworkView& network) {
  std::vector<LinearView*> layers;
  for (auto& modality : network.modalities) {
    if (modality.reads_tuned()) {
      for (auto* layer : {&modality.tuning1, &modality.tuning2}) layers.push_back(layer);
    }
    layers.push_back(&modality.embed);
    for (auto& unit : modality.units) {
      for (auto* layer : {&unit.q, &unit.k, &unit.v, &unit.fc1, &unit.fc2}) layers.push_back(layer);
    }
  }
  for (auto& modality : network.modalities) layers.push_back(&modality.joint);
  layers.push_back(&network.classifier);
  if (!network.is_linear_decoder) layers.push_back(&network.decoder_hidden);
  for (auto& modality : network.modalities) layers.push_back(&modality.decoder);
  return layers;
}

std::span<const std::byte> bytes_of(const LinearView& layer) {
  return std::as_bytes(std::span(layer.weight, static_cast<std::size_t>(layer.in * layer.out)));
}

}  // namespace

void UnmapMemory::operator()(float* memory) const { ::munmap(memory, bytes); }

void PackedWeights::take(NetworkView& network, MappedFile& file, TensorFileView& contents) {
  const auto layers = layers_of(network);
  std::size_t floats = 0;
  for (const auto* layer : layers) {
    floats += static_cast<std::size_t>(packed_size(layer->in, layer->out));
  }
  // Mapped instead of allocated, so that a service which loads another model returns the memory.
  // Aligned for large pages: a pass reads everything, and small pages would cost a lookup and stop
  // the prefetching every four kilobytes.
  constexpr std::size_t kLargePage = std::size_t{2} << 20;
  const std::size_t bytes = std::max<std::size_t>(floats, 1) * sizeof(float);
  const std::size_t mapped = bytes + kLargePage;
  void* memory =
      ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = {static_cast<float*>(memory), UnmapMemory{mapped}};
  void* start = memory;
  std::size_t left = mapped;
  std::align(kLargePage, bytes, start, left);
#ifdef MADV_HUGEPAGE
  (void)::madvise(start, bytes, MADV_HUGEPAGE);  // optional: it is only slower without large pages
#endif
  float* place = static_cast<float*>(start);
  std::set<const std::byte*> plain;
  for (auto* layer : layers) {
    layer->panels = pack({layer->weight, layer->in}, layer->in, layer->out, 1.0F, place).data;
    place += packed_size(layer->in, layer->out);
    plain.insert(reinterpret_cast<const std::byte*>(layer->weight));
    file.release(bytes_of(*layer));
    layer->weight = nullptr;
  }
  for (auto& modality : network.modalities) {
    for (auto& unit : modality.units) unit.qkv.weight = nullptr;
  }
  std::erase_if(contents.arrays,
                [&](const auto& named) { return plain.contains(named.second.bytes.data()); });
}

}  // namespace hardy::predict
