// Predicts one dialogue with a trained model: `hardy_example_predict MODEL`. Prints label and
// confidence of a first turn with all modalities and of a second one with the first modality only.
#include <cstdio>
#include <exception>
#include <vector>

#include "hardy/recogniser.h"

namespace {

void run(const char* model) {
  const auto recogniser = hardy::Recogniser::load(model);
  hardy::DialogueInput dialogue(recogniser.info());
  std::vector<std::vector<float>> features;  // normally the output of an extractor
  for (const auto& modality : recogniser.info().modalities) {
    features.emplace_back(static_cast<std::size_t>(modality.width), 0.5F);
  }
  std::vector<hardy::NamedFeatures> turn;
  for (std::size_t m = 0; m < features.size(); ++m) {
    turn.emplace_back(recogniser.info().modalities[m].name, features[m]);
  }
  dialogue.add(turn, "Ann");
  dialogue.add({turn.front()}, "Ben");

  hardy::Workspace workspace;  // one per thread
  const auto result = recogniser.predict(dialogue.utterances(), workspace);
  for (std::int64_t i = 0; i < result.count; ++i) {
    const auto row = static_cast<std::size_t>(i);
    const auto label = static_cast<std::size_t>(result.labels[row]);
    std::printf("turn %d: %s, confidence %.3f\n", static_cast<int>(i) + 1,
                recogniser.info().class_names.empty()
                    ? "value"
                    : recogniser.info().class_names[label].c_str(),
                static_cast<double>(result.confidence[row]));
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
