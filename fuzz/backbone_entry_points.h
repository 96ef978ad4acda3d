// Entry points of the fuzzers of weights and tokenizers, shared with
// tests/backbones/fuzz_regression_test.cc.
#pragma once

#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "backbones/sound_network.h"
#include "backbones/tokenizer.h"
#include "backbones/weight_set.h"
#include "hardy/errors.h"

namespace hardy::fuzz {

/// A folder of this process for files that are read by name; created once.
inline const std::filesystem::path& own_folder() {
  static const std::filesystem::path folder = [] {
    std::string name = (std::filesystem::temp_directory_path() / "hardy-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return std::filesystem::path(name);
  }();
  return folder;
}

inline void put_own(const char* name, std::string_view contents) {
  std::ofstream(own_folder() / name, std::ios::binary) << contents;
}

/// Every array of a file of weights, then the network that its own settings describe.
inline void run_weights(std::span<const std::byte> bytes) {
  put_own("weights", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  try {
    auto weights = WeightSet::open(own_folder() / "weights");
    for (const auto& key : weights.keys()) {
      try {
        const auto& shape = weights.shape(key);
        const auto values = weights.floats(key, shape);
        std::size_t count = 1;
        for (const auto extent : shape) count *= static_cast<std::size_t>(extent);
        check(values.size() == count, "an array of another size than its shape");
      } catch (const ArtifactError&) {
      }
    }
    static_cast<void>(Wav2vec(std::move(weights)));
  } catch (const ArtifactError&) {
  }
}

/// The first byte selects the kind; then vocabulary, merges and a text follow, separated by the
/// byte 1.
inline void run_tokenizer(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const std::string_view whole(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::array<std::string_view, 3> parts;
  std::size_t start = 1;
  for (auto& part : parts) {
    const auto end = std::min(whole.find('\x01', start), whole.size());
    if (start <= whole.size()) part = whole.substr(start, end - start);
    start = end + 1;
  }
  const auto kind = static_cast<unsigned char>(whole[0]) % 3U;
  put_own(kind == 2 ? "vocab.txt" : "vocab.json", parts[0]);
  put_own("merges.txt", parts[1]);
  try {
    const auto tokenizer = kind == 2 ? make_word_piece_tokenizer(own_folder())
                                     : make_byte_pair_tokenizer(own_folder(), kind == 1);
    const auto tokens = tokenizer->tokens(parts[2]);
    check(tokenizer->ids(tokens).size() == tokens.size() + 2, "a token without a number");
  } catch (const ArtifactError&) {
  } catch (const DataError&) {
  }
}

}  // namespace hardy::fuzz
