#include "corpus/written_ids.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/foreign.h"
#include "formats/text.h"

namespace hardy {
namespace {

constexpr std::string_view kClipSign = "$_$";
constexpr std::size_t kSessionLetters = 5;  ///< of "Ses01F_impro01"
constexpr std::array kTreeClasses = {"happy", "sad", "neutral", "angry", "excited", "frustrated"};
constexpr std::size_t kFewTreeClasses = 4;

/// Keys of MMSA's dicts that are no features, and those that stand for a modality.
constexpr auto kMmsaKeys = std::to_array<std::string_view>(
    {"raw_text", "id", "text_bert", "annotations", "labels", "regression_labels",
     "classification_labels", "audio", "vision", "video", "text"});

}  // namespace

bool is_written_file_name(const std::string& name) {
  return !name.empty() && name.size() < 200 && name.front() != '.' && !is_side_file(name) &&
         name.find_first_of(std::string_view("/,=\0", 4)) == std::string::npos &&
         trim(name).size() == name.size();
}

bool has_mmsa_ids(const Corpus& corpus) {
  return std::all_of(corpus.dialogues.begin(), corpus.dialogues.end(), [&](const Dialogue& one) {
    std::int64_t last = -1;
    for (auto i = one.first; i < one.first + one.count; ++i) {
      const std::string& id = corpus.utterances[static_cast<std::size_t>(i)].id;
      if (one.count == 1 && id == one.id && id.find(kClipSign) == std::string::npos) return true;
      if (!id.starts_with(one.id + std::string(kClipSign))) return false;
      const auto clip = to_integer(std::string_view(id).substr(one.id.size() + kClipSign.size()));
      if (!clip || *clip <= last) return false;
      last = *clip;
    }
    return true;
  });
}

std::string mmsa_key(const std::string& modality) {
  if (modality == "acoustic") return "audio";
  if (modality == "textual") return "text";
  if (modality == "visual") return "vision";
  const bool is_taken =
      std::find(kMmsaKeys.begin(), kMmsaKeys.end(), modality) != kMmsaKeys.end() ||
      modality.ends_with("_lengths") || modality.starts_with("regression_labels");
  return is_taken ? "" : modality;
}

bool has_tree_classes(const Corpus& corpus) {
  const auto& names = corpus.class_names;
  const bool is_known = names.size() == kFewTreeClasses || names.size() == kTreeClasses.size();
  return is_known && std::equal(names.begin(), names.end(), kTreeClasses.begin());
}

bool has_tree_speakers(const Corpus& corpus) {
  return std::all_of(corpus.dialogues.begin(), corpus.dialogues.end(), [&](const Dialogue& one) {
    const std::string session = one.id.substr(0, kSessionLetters);
    if (!one.id.starts_with("Ses") || one.id.size() <= kSessionLetters || one.group != session) {
      return false;
    }
    for (auto i = one.first; i < one.first + one.count; ++i) {
      const std::string& speaker = corpus.utterances[static_cast<std::size_t>(i)].speaker;
      if (speaker != session + "_F" && speaker != session + "_M") return false;
    }
    return true;
  });
}

}  // namespace hardy
