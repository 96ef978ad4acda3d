#include "methods/hardymer_published/defects.h"

#include <memory>

#include <fmt/format.h>

#include "config/fields.h"
#include "hardy/errors.h"
#include "methods/hardymer/settings.h"

namespace hardy {
namespace {

/// One defect with its setting and texts.
struct PublishedSwitch {
  const char* number;
  const char* name;
  bool PublishedSettings::*is_on;
  const char* summary;  ///< short, for tables
  const char* meaning;
  const char* effect;
};

constexpr PublishedSwitch kSwitches[] = {
    {"H1", "h1_test_epoch", &PublishedSettings::h1_test_epoch, "epoch chosen by the test part",
     "Defect H1: the epoch of the recogniser is the one with the best *test* result (WA of "
     "classes, F1 of the sign of values), as the published code reports it.",
     "Test labels choose the model: the reported number is a maximum over epochs."},
    {"H1b", "h1b_complete_epochs", &PublishedSettings::h1b_complete_epochs,
     "epochs tested with all modalities compete",
     "Defect H1b: the epochs of the complete-modality stage, tested with *all* modalities, "
     "compete for that maximum too. Needs `h1_test_epoch`.",
     "Where such an epoch wins, the condition's result was made with modalities it does not "
     "have."},
    {"H2", "h2_shared_tuning", &PublishedSettings::h2_shared_tuning,
     "one feature extractor for all folds",
     "Defect H2: one tuning of the features for all folds, fitted on the training side of the "
     "last fold, its last epoch kept. With the official split H2c: fitted on the first utterances "
     "in alphabetical order, as many as there are training and validation dialogues.",
     "In every fold but the last, the labels of the test part were training labels of its "
     "features."},
    {"H4", "h4_masked_target", &PublishedSettings::h4_masked_target,
     "reconstruction of zeros instead of the truth",
     "Defect H4: the hardness estimator reconstructs the zero-masked input, missing modalities "
     "only: its target is zero.",
     "Direct hardness becomes the energy of the prediction and is zero on complete input."},
    {"H5b", "h5b_batch_scaling", &PublishedSettings::h5b_batch_scaling,
     "hardness scaled within its batch and padding",
     "Defect H5b: hardness is min-max scaled within a batch of dialogues whose padding counts as "
     "error 0, not with the statistics of the fold.",
     "How hard an utterance is depends on who shares its batch."},
    {"H7", "h7_first_modality", &PublishedSettings::h7_first_modality,
     "supports from one modality alone",
     "Defect H7: supports come from the neighbours in the first available modality alone (order "
     "of the corpus, textual ones last), unranked.",
     "The other modalities have no say in retrieval."},
    {"H9", "h9_dropped_attention", &PublishedSettings::h9_dropped_attention,
     "cross-attention never trained",
     "Defect H9: the estimator's cross-attention loses all its weights to dropout in training, "
     "while the L2 penalty goes on shrinking its parameters.",
     "Indirect hardness is no longer a statement about pairs of modalities."},
    {"H10", "h10_swapped_hardness", &PublishedSettings::h10_swapped_hardness,
     "hardness of another utterance",
     "Defect H10: hardness laid out dialogue by dialogue is read position by position, padding "
     "included.",
     "Almost every utterance gets as many supports as another one's hardness asks for."},
    {"H12", "h12_kept_gradients", &PublishedSettings::h12_kept_gradients,
     "gradients cleared once per batch",
     "Defect H12: gradients are cleared once per batch although every slot makes a step. Needs "
     "`hardymer.retrieval.supports = \"slots\"`.",
     "The step of slot j sums the gradients of slots 0 to j, taken at different weights."},
    {"H14", "h14_swapped_mask", &PublishedSettings::h14_swapped_mask,
     "reconstruction loss under a wrong mask",
     "Defect H14: the utterance mask of the reconstruction loss is laid out dialogue by dialogue, "
     "the errors position by position.",
     "Many real utterances are left out of the loss, and padding is learned instead."},
    {"H16", "h16_filled_supports", &PublishedSettings::h16_filled_supports,
     "missing supports filled with the utterance",
     "Defect H16: every utterance gets K + 1 passes, missing supports are filled with the "
     "utterance itself. Needs `hardymer.retrieval.supports = \"slots\"`.",
     "Hardness changes the mix of training, not its amount."},
};

constexpr const char* kSection = "hardymer_published.";
constexpr const char* kLabelKey = "hardymer.retrieval.support_label";

std::string key_of(const PublishedSwitch& item) { return std::string(kSection) + item.name; }

[[noreturn]] void refuse(const char* name, const std::string& why) {
  throw ConfigError(fmt::format("{}{} = true {}, or turn it off", kSection, name, why));
}

/// Checks the switches that act on hardness scores.
void check_hardness_switches(const PublishedSettings& published, const HardyMerSettings& own) {
  const std::pair<bool, const char*> of_hardness[] = {
      {published.h4_masked_target, "h4_masked_target"},
      {published.h5b_batch_scaling, "h5b_batch_scaling"},
      {published.h9_dropped_attention, "h9_dropped_attention"},
      {published.h10_swapped_hardness, "h10_swapped_hardness"}};
  constexpr const char* kSupports =
      "needs supports; set hardymer.retrieval.supports to \"weights\" or \"slots\"";
  for (const auto& [is_on, name] : of_hardness) {
    if (!is_on) continue;
    if (!own.retrieves()) refuse(name, kSupports);
    if (!own.uses_hardness()) {
      refuse(name, "needs hardness scores; set hardymer.hardness.components to \"both\"");
    }
  }
  if (published.h7_first_modality && !own.retrieves()) refuse("h7_first_modality", kSupports);
}

bool has_any(const PublishedSettings& published) {
  for (const auto& item : kSwitches) {
    if (published.*item.is_on) return true;
  }
  return false;
}

/// Throws ConfigError for a switch without effect, naming it and the remedy.
void check_switches(const Config& config) {
  const PublishedSettings& published = published_settings(config);
  if (!has_any(published)) return;
  if (config.protocol.method != kPublishedMethod) {
    throw ConfigError(
        fmt::format("the published defects are those of HARDY-MER, but protocol.method is \"{}\"",
                    config.protocol.method),
        "use --method hardymer_published, or turn the switches of [hardymer_published] off");
  }
  const HardyMerSettings& own = hardymer_settings(config);
  if (published.h1b_complete_epochs && !published.h1_test_epoch) {
    refuse("h1b_complete_epochs",
           fmt::format("needs {}h1_test_epoch = true; turn that on too", kSection));
  }
  if (published.h1b_complete_epochs && own.recogniser.complete_epochs == 0) {
    refuse("h1b_complete_epochs",
           "needs epochs that compete; raise hardymer.recogniser.complete_epochs");
  }
  if (published.h2_shared_tuning && !own.needs_tuning()) {
    refuse("h2_shared_tuning", "needs tuned features; set hardymer.recogniser.input = \"tuned\"");
  }
  const bool has_slots = own.retrieval.supports == SupportUse::kSlots;
  const char* const kSlots = "needs passes by rank; set hardymer.retrieval.supports = \"slots\"";
  if (published.h12_kept_gradients && !has_slots) refuse("h12_kept_gradients", kSlots);
  if (published.h16_filled_supports && !has_slots) refuse("h16_filled_supports", kSlots);
  check_hardness_switches(published, own);
}

}  // namespace

void PublishedSettings::describe(FieldTable& table) {
  for (const auto& item : kSwitches) {
    table.add(item.name, &(this->*item.is_on), Switch{}, {item.meaning, item.effect});
  }
}

void PublishedSettings::follow_up(const std::string& key, Config& config) const {
  std::string& method = config.protocol.method;
  const bool is_on = has_any(*this);
  if (is_on && method == "hardymer") method = kPublishedMethod;
  if (!is_on && method == kPublishedMethod && key.starts_with(kSection)) method = "hardymer";
}

const PublishedSettings& published_settings(const Config& config) {
  return config.methods.of<PublishedSettings>(kPublishedMethod);
}

PublishedSettings& published_settings(Config& config) {
  return config.methods.of<PublishedSettings>(kPublishedMethod);
}

MethodDeclaration declare_hardymer_published() {
  return {.name = kPublishedMethod,
          .title = "HARDY-MER as published",
          .summary = "HARDY-MER with defects of the published code, to measure what each is worth.",
          .sections = {"hardymer"},
          .settings = std::make_shared<PublishedSettings>(),
          .is_variant = true,
          .epochs = declare_hardymer().epochs,
          .patience = declare_hardymer().patience,
          .search = declare_hardymer().search,
          .renamed = {{"published", kPublishedMethod}},
          .validate = check_switches,
          .caveats = active_defect_texts};
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
  const auto& method = config.protocol.method;
  // Other methods read neither section.
  if (method != "hardymer" && method != kPublishedMethod) return active;
  const RetrievalConfig& retrieval = hardymer_settings(config).retrieval;
  for (const auto& defect : known_defects()) {
    bool is_on = false;
    if (defect.key == kLabelKey) {
      is_on = retrieval.support_label == SupportLabel::kQuery &&
              retrieval.supports == SupportUse::kSlots;
    }
    for (const auto& item : kSwitches) {
      if (defect.key == key_of(item)) is_on = published_settings(config).*item.is_on;
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

std::string estimator_defects(const PublishedSettings& published) {
  std::string names;
  if (published.h4_masked_target) names += " h4";
  if (published.h9_dropped_attention) names += " h9";
  if (published.h14_swapped_mask) names += " h14";
  return names;
}

bool has_published_switch(const Config& config) { return has_any(published_settings(config)); }

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
    assignments.emplace_back("hardymer.retrieval.supports=slots");
    assignments.emplace_back("hardymer.recogniser.input=tuned");
  }
  return assignments;
}

}  // namespace hardy
