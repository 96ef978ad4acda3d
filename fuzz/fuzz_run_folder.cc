// manifest.json and results.json of a damaged run folder: refused with ArtifactError or accepted.
#include <cstddef>
#include <cstdint>
#include <string>

#include "hardy/core/errors.h"
#include "hardy/evaluation/results_json.h"
#include "hardy/evaluation/results_text.h"
#include "hardy/run/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  try {
    (void)hardy::manifest_json(hardy::parse_manifest(text, "fuzz"));
  } catch (const hardy::ArtifactError&) {
  }
  try {
    const hardy::Results results = hardy::parse_results(text, "fuzz");
    (void)hardy::results_table(results);
    (void)hardy::results_csv(results);
  } catch (const hardy::ArtifactError&) {
  }
  return 0;
}
