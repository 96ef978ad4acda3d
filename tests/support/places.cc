#include "tests/support/places.h"

namespace hardy::test {

std::filesystem::path source_dir() { return HARDY_SOURCE_DIR; }
std::filesystem::path fixtures_dir() { return source_dir() / "tests" / "fixtures"; }
std::filesystem::path fuzz_corpus_dir() { return source_dir() / "fuzz" / "corpus"; }
std::filesystem::path configured_shared_dir() { return HARDY_SHARED_DIR; }

}  // namespace hardy::test
