#include "config/defects.h"

#include <fmt/format.h>

#include "config/fields.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

/// A switch of [published]: everything that is said about it, once.
struct PublishedSwitch {
  const char* number;
  const char* name;
  bool PublishedConfig::*is_on;
  const char* summary;  ///< short, for tables
  const char* meaning;
  const char* effect;
};

constexpr PublishedSwitch kSwitches[] = {
    {"H1", "h1_test_epoch", &PublishedConfig::h1_test_epoch, "epoch chosen by the test part",
     "Defect H1: the epoch of the recogniser is the one with the best *test* result (WA of "
     "classes, F1 of the sign of values), as the published code reports it.",
     "Test labels choose the model: the reported number is a maximum over epochs."},
    {"H1b", "h1b_complete_epochs", &PublishedConfig::h1b_complete_epochs,
     "epochs tested with all modalities compete",
     "Defect H1b: the epochs of the complete-modality stage, tested with *all* modalities, "
     "compete for that maximum too. Needs `h1_test_epoch`.",
     "Where such an epoch wins, the condition's result was made with modalities it does not "
     "have."},
    {"H2", "h2_shared_tuning", &PublishedConfig::h2_shared_tuning,
     "one feature extractor for all folds",
     "Defect H2: one tuning of the features for all folds, fitted on the training side of the "
     "last fold, its last epoch kept. With the official split H2c: fitted on the first utterances "
     "in alphabetical order, as many as there are training and validation dialogues.",
     "In every fold but the last, the labels of the test part were training labels of its "
     "features."},
    {"H4", "h4_masked_target", &PublishedConfig::h4_masked_target,
     "reconstruction of zeros instead of the truth",
     "Defect H4: the hardness estimator reconstructs the zero-masked input, missing modalities "
     "only: its target is zero.",
     "Direct hardness becomes the energy of the prediction and is zero on complete input."},
    {"H5b", "h5b_batch_scaling", &PublishedConfig::h5b_batch_scaling,
     "hardness scaled within its batch and padding",
     "Defect H5b: hardness is min-max scaled within a batch of dialogues whose padding counts as "
     "error 0, not with the statistics of the fold.",
     "How hard an utterance is depends on who shares its batch."},
    {"H7", "h7_first_modality", &PublishedConfig::h7_first_modality,
     "supports from one modality alone",
     "Defect H7: supports come from the neighbours in the first available modality alone (order "
     "of the corpus, textual ones last), unranked.",
     "The other modalities have no say in retrieval."},
    {"H9", "h9_dropped_attention", &PublishedConfig::h9_dropped_attention,
     "cross-attention never trained",
     "Defect H9: the estimator's cross-attention loses all its weights to dropout in training, "
     "while the L2 penalty goes on shrinking its parameters.",
     "Indirect hardness is no longer a statement about pairs of modalities."},
    {"H10", "h10_swapped_hardness", &PublishedConfig::h10_swapped_hardness,
     "hardness of another utterance",
     "Defect H10: hardness laid out dialogue by dialogue is read position by position, padding "
     "included.",
     "Almost every utterance gets as many supports as another one's hardness asks for."},
    {"H12", "h12_kept_gradients", &PublishedConfig::h12_kept_gradients,
     "gradients cleared once per batch",
     "Defect H12: gradients are cleared once per batch although every slot makes a step. Needs "
     "`retrieval.supports = \"slots\"`.",
     "The step of slot j sums the gradients of slots 0 to j, taken at different weights."},
    {"H14", "h14_swapped_mask", &PublishedConfig::h14_swapped_mask,
     "reconstruction loss under a wrong mask",
     "Defect H14: the utterance mask of the reconstruction loss is laid out dialogue by dialogue, "
     "the errors position by position.",
     "Many real utterances are left out of the loss, and padding is learned instead."},
    {"H16", "h16_filled_supports", &PublishedConfig::h16_filled_supports,
     "missing supports filled with the utterance",
     "Defect H16: every utterance gets K + 1 passes, missing supports are filled with the "
     "utterance itself. Needs `retrieval.supports = \"slots\"`.",
     "Hardness changes the mix of training, not its amount."},
};

constexpr const char* kSection = "published.";
constexpr const char* kLabelKey = "retrieval.support_label";

std::string key_of(const PublishedSwitch& item) { return std::string(kSection) + item.name; }

[[noreturn]] void refuse(const char* name, const std::string& why) {
  throw ConfigError(fmt::format("{}{} = true {}, or turn it off", kSection, name, why));
}

/// What needs hardness scores to act on.
void check_hardness_switches(const Config& config) {
  const PublishedConfig& published = config.published;
  const std::pair<bool, const char*> of_hardness[] = {
      {published.h4_masked_target, "h4_masked_target"},
      {published.h5b_batch_scaling, "h5b_batch_scaling"},
      {published.h9_dropped_attention, "h9_dropped_attention"},
      {published.h10_swapped_hardness, "h10_swapped_hardness"}};
  const bool has_supports = config.retrieval.supports != "none";
  for (const auto& [is_on, name] : of_hardness) {
    if (!is_on) continue;
    if (!has_supports) {
      refuse(name, "needs supports; set retrieval.supports to \"weights\" or \"slots\"");
    }
    if (config.hardness.components == "none") {
      refuse(name, "needs hardness scores; set hardness.components to \"both\"");
    }
  }
  if (published.h7_first_modality && !has_supports) {
    refuse("h7_first_modality",
           "needs supports; set retrieval.supports to \"weights\" or "
           "\"slots\"");
  }
}

}  // namespace

void describe_published(FieldTable table, PublishedConfig& published) {
  for (const auto& item : kSwitches) {
    table.add(item.name, &(published.*item.is_on), Switch{}, {item.meaning, item.effect});
  }
}

const std::vector<Defect>& known_defects() {
  static const std::vector<Defect> defects = [] {
    std::vector<Defect> all;
    for (const auto& item : kSwitches) {
      if (std::string(item.number) == "H12") {
        all.push_back({"H11", kLabelKey, "query", "supports under the label of the query"});
      }
      all.push_back({item.number, key_of(item), "true", item.summary});
    }
    return all;
  }();
  return defects;
}

std::vector<Defect> active_defects(const Config& config) {
  std::vector<Defect> active;
  // Other methods read neither section.
  if (config.protocol.method != "hardymer") return active;
  for (const auto& defect : known_defects()) {
    bool is_on = false;
    if (defect.key == kLabelKey) {
      is_on = config.retrieval.support_label == "query" && config.retrieval.supports == "slots";
    }
    for (const auto& item : kSwitches) {
      if (defect.key == key_of(item)) is_on = config.published.*item.is_on;
    }
    if (is_on) active.push_back(defect);
  }
  return active;
}

std::vector<std::string> active_defect_texts(const Config& config) {
  std::vector<std::string> texts;
  for (const auto& defect : active_defects(config)) {
    texts.push_back(fmt::format("{} ({})", defect.number, defect.summary));
  }
  return texts;
}

bool has_published_switch(const Config& config) {
  for (const auto& item : kSwitches) {
    if (config.published.*item.is_on) return true;
  }
  return false;
}

std::vector<std::string> protocol_assignments(const std::string& protocol) {
  if (protocol != "strict" && protocol != "published") {
    throw ConfigError(fmt::format(
        "--protocol {}: unknown; it is strict (no defect, the default) or published (every defect "
        "of the published code)",
        protocol));
  }
  const bool is_published = protocol == "published";
  std::vector<std::string> assignments;
  for (const auto& item : kSwitches) {
    assignments.push_back(fmt::format("{}={}", key_of(item), is_published));
  }
  assignments.push_back(fmt::format("{}={}", kLabelKey, is_published ? "query" : "own"));
  if (is_published) {
    assignments.emplace_back("retrieval.supports=slots");
    assignments.emplace_back("recogniser.input=tuned");
  }
  return assignments;
}

void check_published(const Config& config) {
  if (!has_published_switch(config)) return;
  if (config.protocol.method != "hardymer") {
    throw ConfigError(
        fmt::format("the published defects are those of HARDY-MER, but protocol.method is \"{}\"; "
                    "use --method hardymer, or turn the switches of [published] off",
                    config.protocol.method));
  }
  const PublishedConfig& published = config.published;
  if (published.h1b_complete_epochs && !published.h1_test_epoch) {
    refuse("h1b_complete_epochs", "needs published.h1_test_epoch = true; turn that on too");
  }
  if (published.h1b_complete_epochs && config.recogniser.complete_epochs == 0) {
    refuse("h1b_complete_epochs", "needs epochs that compete; raise recogniser.complete_epochs");
  }
  const bool reads_tuned =
      config.recogniser.input == "tuned" ||
      (config.retrieval.supports != "none" && config.retrieval.database == "tuned");
  if (published.h2_shared_tuning && !reads_tuned) {
    refuse("h2_shared_tuning", "needs tuned features; set recogniser.input = \"tuned\"");
  }
  const bool has_slots = config.retrieval.supports == "slots";
  const char* const kSlots = "needs passes by rank; set retrieval.supports = \"slots\"";
  if (published.h12_kept_gradients && !has_slots) refuse("h12_kept_gradients", kSlots);
  if (published.h16_filled_supports && !has_slots) refuse("h16_filled_supports", kSlots);
  check_hardness_switches(config);
}

}  // namespace hardy
