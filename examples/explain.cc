// Contribution of each modality: `hardy_example_explain MODEL` predicts an utterance with all
// modalities and prints a line per modality with its Shapley value for the predicted class.
#include <cstdio>
#include <exception>
#include <vector>

#include "hardy/explain.h"

namespace {

void run(const char* model) {
  const hardy::Explainer explainer(hardy::Recogniser::load(model));
  const auto& modalities = explainer.recogniser().info().modalities;
  std::vector<std::vector<float>> features;  // normally the output of an extractor
  hardy::UtteranceView utterance;
  for (const auto& modality : modalities) {
    features.emplace_back(static_cast<std::size_t>(modality.width), 0.5F);
  }
  for (std::size_t m = 0; m < features.size(); ++m) utterance.features[m] = features[m].data();
  hardy::Workspace workspace;
  const auto explanation = explainer.explain({&utterance, 1}, 0, workspace);
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    std::printf("%s %+.3f\n", modalities[m].name.c_str(), explanation.contributions[m]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    run(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
