// Uses the parts of the light library that have dependencies: TOML, SHA-256, JSON.
#include <cstdio>

#include "base/checksum.h"
#include "hardy/errors.h"
#include "hardy/hardy.h"
#include "hardy/recogniser.h"
#include "hardy/version.h"
#include "pipeline/manifest.h"

int main() {
  const hardy::Config config = hardy::parse_config("[run]\nseeds = [3]\n", "inline", {});
  const hardy::Corpus corpus = hardy::make_demo_corpus();
  const std::string text = hardy::manifest_json(hardy::make_manifest("run", config, corpus, {}));
  const auto read = hardy::parse_manifest(text, "inline");
  std::printf("%s %s\n", hardy::program_version().c_str(), hardy::sha256(text).c_str());
  try {
    (void)hardy::Recogniser::load("no such model");
    return 1;
  } catch (const hardy::Error& error) {
    if (error.kind() != hardy::ErrorKind::kArtifact) return 1;
  }
  return read.config.run.seeds.front() == 3 ? 0 : 1;
}
