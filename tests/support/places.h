// Where the tests' files lie. The paths are compiled into one source (places.cc), so that a
// compiler cache serves the other sources of every clone.
#pragma once

#include <filesystem>

namespace hardy::test {

/// Root of the source tree.
std::filesystem::path source_dir();
/// tests/fixtures.
std::filesystem::path fixtures_dir();
/// fuzz/corpus: a folder of seeds for each target.
std::filesystem::path fuzz_corpus_dir();
/// Folder of the reference data that was configured (HARDY_SHARED_DIR); shared_dir() in
/// shared_data.h lets the environment choose another.
std::filesystem::path configured_shared_dir();

}  // namespace hardy::test
