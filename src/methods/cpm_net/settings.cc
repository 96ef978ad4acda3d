#include "methods/cpm_net/settings.h"

#include "config/fields.h"

namespace hardy {

void CpmNetSettings::describe(FieldTable& table) {
  table.add("latent", &latent, IntegerRange{2, kMaxWidth},
            {"Width L of the latent of every utterance.", "Larger: closer reconstruction."});
  table.add("class_weight", &class_weight, NumberRange{0, 1000},
            {"Weight of the classification loss on latents.", "0 leaves classes out of training."});
  table.add("epochs", &epochs, IntegerRange{1, kMaxEpochs},
            {"Training epochs: `steps` of the decoders, then `steps` of the latents.",
             "More: a closer fit."});
  table.add(
      "steps", &steps, IntegerRange{1, 1000},
      {"Adam steps per epoch, of decoders, of latents and in inference.", "More: a closer fit."});
  table.add("validate_every", &validate_every, IntegerRange{1, kMaxEpochs},
            {"Epochs between validations, each of which infers the validation part's latents.",
             "Small: a finer choice of epoch, a longer run."});
  table.add("patience", &patience, IntegerRange{0, kMaxEpochs},
            {"Epochs without a better validation loss before training stops, looked at where it is "
             "measured (`validate_every`); 0 = never.",
             "Small: shorter training; the best epoch is kept."});
  table.add("decoder_learning_rate", &decoder_learning_rate, NumberRange{0, 1, true, false},
            {"Step size of Adam on the decoders.", "Larger: faster but less steady."});
  table.add("latent_learning_rate", &latent_learning_rate, NumberRange{0, 1, true, false},
            {"Step size of Adam on the training latents.", "Larger: faster but less steady."});
  table.add("inference_epochs", &inference_epochs, IntegerRange{1, kMaxEpochs},
            {"Epochs of `steps` Adam steps that fit a new utterance's latent.",
             "More: a closer fit of what is observed."});
  table.add("inference_learning_rate", &inference_learning_rate, NumberRange{0, 1, true, false},
            {"Step size of Adam in inference.", "Larger: faster but less steady."});
}

void CpmNetSettings::apply_preset(const std::string& preset) {
  if (preset != "quick") return;
  latent = 32;
  epochs = 20;
  inference_epochs = 60;
  inference_learning_rate = 5e-3;
}

MethodDeclaration declare_cpm_net() {
  return {.name = "cpm_net",
          .title = "CPM-Net",
          .summary = "Latents that reconstruct whatever is observed (Zhang et al. 2019).",
          .settings = std::make_shared<CpmNetSettings>(),
          .epochs = {{"cpm_net.epochs"}},
          .patience = {"cpm_net.patience"},
          .search = {"cpm_net.decoder_learning_rate=log:3e-4..1e-2",
                     "cpm_net.latent_learning_rate=log:3e-3..1e-1",
                     "cpm_net.class_weight=log:0.3..10", "cpm_net.latent=64,128,256"}};
}

}  // namespace hardy
