#include "serve/corpus_offer.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/load.h"
#include "inference/request.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kReaders = 2;

}  // namespace

CorpusOffer::CorpusOffer(const std::string& folder, const BundleInfo& info) : info_(info) {
  DataConfig config;
  config.path = folder == "demo" ? "" : folder;
  corpus_ = load_corpus(config, kReaders);
  bool fits_somewhere = false;
  for (const auto& modality : info.modalities) {
    const auto found =
        std::find_if(corpus_.modalities.begin(), corpus_.modalities.end(),
                     [&](const ModalityData& own) { return own.name == modality.name; });
    const bool fits = found != corpus_.modalities.end() && found->width == modality.width;
    modality_of_.push_back(fits ? static_cast<int>(found - corpus_.modalities.begin()) : -1);
    fits_somewhere = fits_somewhere || fits;
  }
  if (!fits_somewhere) {
    throw DataError(
        fmt::format("{}: no modality has a name and width of the model; offer the "
                    "corpus that it was trained for",
                    corpus_.source));
  }
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

Json CorpusOffer::dialogue_json(const std::string& id) const {
  const Dialogue* dialogue = find(id);
  if (dialogue == nullptr) return nullptr;
  const auto views = utterances(id);
  Json list = Json::array();
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto& utterance = corpus_.utterances[static_cast<std::size_t>(dialogue->first) + i];
    Json entry = {{"id", utterance.id},
                  {"speaker", utterance.speaker},
                  {"transcript", utterance.transcript},
                  {"modalities", pattern_json(views[i].present(), info_)}};
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

std::vector<UtteranceView> CorpusOffer::utterances(const std::string& id) const {
  std::vector<UtteranceView> views;
  const Dialogue* dialogue = find(id);
  if (dialogue == nullptr) return views;
  std::map<std::string, std::int64_t> speakers;
  for (auto i = dialogue->first; i < dialogue->first + dialogue->count; ++i) {
    UtteranceView view;
    const auto& speaker = corpus_.utterances[static_cast<std::size_t>(i)].speaker;
    const auto next = static_cast<std::int64_t>(speakers.size());
    view.speaker = speaker.empty() ? -1 : speakers.emplace(speaker, next).first->second;
    for (std::size_t m = 0; m < modality_of_.size(); ++m) {
      if (modality_of_[m] < 0) continue;
      const auto& modality = corpus_.modalities[static_cast<std::size_t>(modality_of_[m])];
      if (modality.present[static_cast<std::size_t>(i)] != 0) {
        view.features[m] = modality.row(i).data();
      }
    }
    views.push_back(view);
  }
  return views;
}

}  // namespace hardy
