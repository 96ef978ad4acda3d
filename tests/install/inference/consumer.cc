// Uses all parts of the prediction interface: loading, predicting, streaming, explaining.
#include <cstdio>
#include <string_view>

#include "hardy/errors.h"
#include "hardy/explain.h"
#include "hardy/recogniser.h"
#include "hardy/stream.h"

int main(int argc, char** argv) {
  const char* file = argc > 1 ? argv[1] : "no such model";
  try {
    const auto recogniser = hardy::Recogniser::load(file);
    hardy::DialogueStream stream(recogniser);
    hardy::Workspace workspace;
    (void)stream.add_turn({}, workspace);
    const hardy::Explainer explainer(recogniser);
    (void)explainer.explain({}, 0, workspace);
  } catch (const hardy::Error& error) {
    const bool is_named = std::string_view(error.what()).find(file) != std::string_view::npos;
    std::printf("%s\n", error.what());
    return error.kind() == hardy::ErrorKind::kArtifact && is_named ? 0 : 1;
  }
  return 1;
}
