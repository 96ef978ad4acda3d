#include "serve/corpus_offer.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hardy/errors.h"
#include "hardy/load.h"
#include "inference/request.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kReaders = 2;

}  // namespace

CorpusOffer::CorpusOffer(const std::string& folder, const BundleInfo& info) {
  DataConfig config;
  config.path = folder == "demo" ? "" : folder;
  corpus_ = load_corpus(config, kReaders);
  const auto fits = fitting(info);
  if (std::any_of(fits.begin(), fits.end(), [](const auto* found) { return found != nullptr; })) {
    return;
  }
  throw DataError(
      fmt::format("{}: no modality has a name and width of the model ({}); offer the corpus that "
                  "it was trained for",
                  corpus_.source, fmt::join(gaps(info), "; ")));
}

const ModalityData* CorpusOffer::find_modality(const std::string& name) const {
  const auto found = std::find_if(corpus_.modalities.begin(), corpus_.modalities.end(),
                                  [&](const ModalityData& own) { return own.name == name; });
  return found == corpus_.modalities.end() ? nullptr : &*found;
}

/// [M of the model] the corpus's modality of that name and width; null where there is none.
std::vector<const ModalityData*> CorpusOffer::fitting(const BundleInfo& info) const {
  std::vector<const ModalityData*> fits;
  for (const auto& modality : info.modalities) {
    const ModalityData* found = find_modality(modality.name);
    fits.push_back(found != nullptr && found->width == modality.width ? found : nullptr);
  }
  return fits;
}

std::vector<std::string> CorpusOffer::gaps(const BundleInfo& info) const {
  std::vector<std::string> texts;
  for (const auto& modality : info.modalities) {
    const ModalityData* found = find_modality(modality.name);
    if (found == nullptr) {
      texts.push_back(fmt::format("{} is not there", modality.name));
    } else if (found->width != modality.width) {
      texts.push_back(fmt::format("{} is {} wide, the model reads {}", modality.name, found->width,
                                  modality.width));
    }
  }
  return texts;
}

const Dialogue* CorpusOffer::find(const std::string& id) const {
  const auto found = std::find_if(corpus_.dialogues.begin(), corpus_.dialogues.end(),
                                  [&](const Dialogue& dialogue) { return dialogue.id == id; });
  return found == corpus_.dialogues.end() ? nullptr : &*found;
}

Json CorpusOffer::dialogues_json() const {
  Json list = Json::array();
  for (const auto& dialogue : corpus_.dialogues) {
    list.push_back({{"id", dialogue.id}, {"utterances", dialogue.count}});
  }
  return {{"name", corpus_.name}, {"synthetic", corpus_.is_synthetic}, {"dialogues", list}};
}

Json CorpusOffer::dialogue_json(const std::string& id, const BundleInfo& info) const {
  const Dialogue* dialogue = find(id);
  if (dialogue == nullptr) return nullptr;
  const auto views = utterances(id, info);
  Json list = Json::array();
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto& utterance = corpus_.utterances[static_cast<std::size_t>(dialogue->first) + i];
    Json entry = {{"id", utterance.id},
                  {"speaker", utterance.speaker},
                  {"transcript", utterance.transcript},
                  {"modalities", pattern_json(views[i].present(), info)}};
    if (!utterance.is_labelled() || !corpus_.target_names.empty()) {
      entry["label"] = nullptr;
    } else if (corpus_.label_kind == LabelKind::kClass) {
      entry["label"] = corpus_.class_names[static_cast<std::size_t>(utterance.label)];
    } else {
      entry["label"] = utterance.label;
    }
    list.push_back(std::move(entry));
  }
  return {{"id", id}, {"utterances", list}};
}

std::vector<std::string> CorpusOffer::ids(const std::string& id) const {
  std::vector<std::string> ids;
  const Dialogue* dialogue = find(id);
  for (std::int64_t i = 0; dialogue != nullptr && i < dialogue->count; ++i) {
    ids.push_back(corpus_.utterances[static_cast<std::size_t>(dialogue->first + i)].id);
  }
  return ids;
}

std::vector<UtteranceView> CorpusOffer::utterances(const std::string& id,
                                                   const BundleInfo& info) const {
  std::vector<UtteranceView> views;
  const Dialogue* dialogue = find(id);
  if (dialogue == nullptr) return views;
  const auto fits = fitting(info);
  std::map<std::string, std::int64_t> speakers;
  for (auto i = dialogue->first; i < dialogue->first + dialogue->count; ++i) {
    UtteranceView view;
    const auto& speaker = corpus_.utterances[static_cast<std::size_t>(i)].speaker;
    const auto next = static_cast<std::int64_t>(speakers.size());
    view.speaker = speaker.empty() ? -1 : speakers.emplace(speaker, next).first->second;
    for (std::size_t m = 0; m < fits.size(); ++m) {
      if (fits[m] != nullptr && fits[m]->present[static_cast<std::size_t>(i)] != 0) {
        view.features[m] = fits[m]->row(i).data();
      }
    }
    views.push_back(view);
  }
  return views;
}

}  // namespace hardy
