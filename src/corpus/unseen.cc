#include "corpus/unseen.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

/// Values of an utterance's features that tell it from others.
constexpr std::size_t kTellingValues = 32;

/// Mark of a dialogue's features in one modality; nothing where they are absent or all the same.
std::optional<std::int64_t> features_mark(const ModalityData& modality, const Dialogue& dialogue) {
  std::string text = modality.name;
  bool varies = false;
  std::optional<float> first;
  for (auto u = dialogue.first; u < dialogue.first + dialogue.count; ++u) {
    if (modality.present[static_cast<std::size_t>(u)] == 0) {
      text += '-';
      continue;
    }
    const auto row = modality.row(u);
    const auto values = row.first(std::min(row.size(), kTellingValues));
    const auto bytes = std::as_bytes(values);
    text += '+';
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (const float value : values) {
      varies = varies || value != first.value_or(value);
      first = first.value_or(value);
    }
  }
  if (!varies) return std::nullopt;
  return seen_mark("features", text);
}

/// Whether the features are those of a dialogue that the model has seen, under whatever id.
bool repeats_seen_features(const BundleInfo& info, const Corpus& corpus, const Dialogue& dialogue) {
  int same = 0;
  for (const auto& modality : corpus.modalities) {
    const bool is_shared =
        std::any_of(info.modalities.begin(), info.modalities.end(),
                    [&](const BundleModality& known) { return known.name == modality.name; });
    const auto mark = is_shared ? features_mark(modality, dialogue) : std::nullopt;
    if (!mark) continue;
    if (!std::binary_search(info.seen.begin(), info.seen.end(), *mark)) return false;
    ++same;
  }
  return same >= (dialogue.count > 1 ? 1 : 2);
}

/// Whether the model was trained or selected with any part of the dialogue.
bool was_seen(const BundleInfo& info, const Corpus& corpus, const Dialogue& dialogue) {
  const auto has = [&](const char* what, const std::string& id) {
    return std::binary_search(info.seen.begin(), info.seen.end(), seen_mark(what, id));
  };
  if (has("dialogue", dialogue.id)) return true;
  for (auto u = dialogue.first; u < dialogue.first + dialogue.count; ++u) {
    if (has("utterance", corpus.utterances[static_cast<std::size_t>(u)].id)) return true;
  }
  return repeats_seen_features(info, corpus, dialogue);
}

}  // namespace

std::vector<std::int64_t> seen_marks(const Corpus& corpus,
                                     const std::vector<std::int64_t>& dialogues) {
  std::vector<std::int64_t> marks;
  for (const auto d : dialogues) {
    const auto& dialogue = corpus.dialogues[static_cast<std::size_t>(d)];
    marks.push_back(seen_mark("dialogue", dialogue.id));
    for (auto u = dialogue.first; u < dialogue.first + dialogue.count; ++u) {
      marks.push_back(seen_mark("utterance", corpus.utterances[static_cast<std::size_t>(u)].id));
    }
    for (const auto& modality : corpus.modalities) {
      if (const auto mark = features_mark(modality, dialogue)) marks.push_back(*mark);
    }
  }
  std::sort(marks.begin(), marks.end());
  marks.erase(std::unique(marks.begin(), marks.end()), marks.end());
  return marks;
}

void OverlapNotes::add(std::int64_t left_out, std::int64_t dialogues, bool is_known) {
  dialogues_ = dialogues;
  if (left_out > 0) left_out_.push_back(left_out);
  unknown_ += is_known ? 0 : 1;
}

std::vector<std::string> OverlapNotes::texts() const {
  std::vector<std::string> texts;
  if (!left_out_.empty()) {
    const auto [least, most] = std::minmax_element(left_out_.begin(), left_out_.end());
    const std::string counts =
        *least == *most ? fmt::format("{}", *most) : fmt::format("{} to {}", *least, *most);
    texts.push_back(fmt::format(
        "the corpus is not the one that was trained on, but shares ids or features with it; {} of "
        "{} dialogues trained or chose the model and are not scored{}",
        counts, dialogues_,
        left_out_.size() == 1 ? "" : fmt::format(" ({} models)", left_out_.size())));
  }
  if (unknown_ > 0) {
    texts.push_back(fmt::format(
        "{} does not say what it was trained on; scores flatter if it was among this data",
        unknown_ == 1 ? "the model" : fmt::format("each of {} models", unknown_)));
  }
  return texts;
}

std::vector<std::int64_t> unseen_dialogues(const BundleInfo& info, const Corpus& corpus,
                                           OverlapNotes& notes) {
  const auto count = static_cast<std::int64_t>(corpus.dialogues.size());
  if (info.data_checksum == corpus.checksum) {
    for (const auto dialogue : info.test_dialogues) {
      if (dialogue >= 0 && dialogue < count) continue;
      throw ArtifactError(fmt::format(
          "a model names test dialogue {}, but its corpus has {}; it was changed after training",
          dialogue, count));
    }
    return info.test_dialogues;
  }
  std::vector<std::int64_t> unseen;
  for (std::int64_t d = 0; d < count; ++d) {
    if (!was_seen(info, corpus, corpus.dialogues[static_cast<std::size_t>(d)])) {
      unseen.push_back(d);
    }
  }
  const auto left_out = count - static_cast<std::int64_t>(unseen.size());
  if (unseen.empty()) {
    throw DataError(
        fmt::format("{}: all {} dialogues trained or chose the model (fold {}, seed {}), by their "
                    "ids or features; nothing is left to score",
                    corpus.source, count, info.fold + 1, info.seed));
  }
  notes.add(left_out, count, !info.seen.empty());
  return unseen;
}

}  // namespace hardy
