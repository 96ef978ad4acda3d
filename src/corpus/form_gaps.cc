// What the forms of other programs do not hold.
#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "corpus/written_forms.h"
#include "corpus/written_ids.h"
#include "formats/text.h"
#include "hardy/errors.h"
#include "hardy/load.h"

namespace hardy {
namespace {

using Kind = FormGap::Kind;

class GapList {
 public:
  explicit GapList(const Corpus& corpus) : corpus_(corpus) {}

  void add(bool is_there, Kind kind, std::string text) {
    if (is_there) gaps_.push_back({kind, std::move(text)});
  }

  /// What no form but the plain one holds.
  void add_common() {
    add(corpus_.label_kind == LabelKind::kLabels || corpus_.label_kind == LabelKind::kValues,
        Kind::kRefusal, "several labels per utterance");
    add(!corpus_.values.empty(), Kind::kRefusal,
        "the values behind two classes (convert without --task binary)");
    add(!corpus_.shares.empty(), Kind::kLoss, "the shares of the raters");
    add(!corpus_.true_difficulty.empty(), Kind::kLoss, "the generator's difficulty");
    add(has_any([](const Utterance& one) { return one.id.empty(); }), Kind::kRefusal, "empty ids");
    for (const auto& modality : corpus_.modalities) {
      add(!modality.maker.empty(), Kind::kLoss, fmt::format("the extractor of {}", modality.name));
    }
  }

  /// Forms whose features are files of single utterances.
  void add_files() {
    for (const auto& one : corpus_.utterances) {
      if (is_written_file_name(one.id)) continue;
      add(true, Kind::kRefusal, fmt::format("the id '{}', which cannot be a file name", one.id));
      break;
    }
    for (const auto& modality : corpus_.modalities) {
      const bool is_kept =
          is_written_file_name(modality.name) && modality_of_folder(modality.name) == modality.name;
      add(!is_kept, Kind::kRefusal,
          fmt::format("the name '{}' of a modality, which readers take for another",
                      modality.name));
      const auto found = std::count(modality.present.begin(), modality.present.end(), 1);
      add(2 * found < corpus_.size(), Kind::kRefusal,
          fmt::format("modality {}, which most utterances lack (a reader takes its folder for a "
                      "wrong one)",
                      modality.name));
    }
  }

  void add_speakers(const char* form) {
    add(has_any([](const Utterance& one) { return !one.speaker.empty(); }), Kind::kLoss,
        fmt::format("speakers, which {} has no place for", form));
    add(std::any_of(corpus_.dialogues.begin(), corpus_.dialogues.end(),
                    [](const Dialogue& one) { return !one.group.empty(); }),
        Kind::kLoss, fmt::format("groups, which {} has no place for", form));
  }

  void add_split(const char* form) {
    add(std::any_of(corpus_.dialogues.begin(), corpus_.dialogues.end(),
                    [](const Dialogue& one) { return one.part == Part::kNone; }),
        Kind::kRefusal,
        fmt::format("dialogues without a part of the split; {} needs train, valid and test", form));
  }

  void add_unlabelled(Kind kind, const char* text) {
    add(has_any([](const Utterance& one) { return !one.is_labelled(); }), kind, text);
  }

  void add_class_names() {
    if (corpus_.label_kind != LabelKind::kClass) return;
    std::set<std::size_t> members;
    for (const auto& one : corpus_.utterances) {
      if (one.is_labelled()) members.insert(static_cast<std::size_t>(one.label));
    }
    for (std::size_t c = 0; c < corpus_.class_names.size(); ++c) {
      add(!members.contains(c), Kind::kLoss,
          fmt::format("the class '{}', which no utterance has", corpus_.class_names[c]));
    }
    const auto& names = corpus_.class_names;
    const bool are_numbers = std::all_of(
        names.begin(), names.end(), [](const auto& name) { return to_real(name).has_value(); });
    add(are_numbers, Kind::kRefusal,
        fmt::format("classes that are called {}: they would be read as numbers",
                    fmt::join(names, ", ")));
    add(!std::is_sorted(names.begin(), names.end()), Kind::kNote,
        "classes are read in alphabetical order (models match them by name)");
  }

  template <typename Test>
  [[nodiscard]] bool has_any(Test test) const {
    return std::any_of(corpus_.utterances.begin(), corpus_.utterances.end(), test);
  }

  [[nodiscard]] std::vector<FormGap> take() { return std::move(gaps_); }

 private:
  const Corpus& corpus_;
  std::vector<FormGap> gaps_;
};

std::vector<FormGap> table_gaps(const Corpus& corpus) {
  GapList gaps(corpus);
  gaps.add_common();
  gaps.add_files();
  gaps.add_class_names();
  gaps.add(corpus.is_synthetic, Kind::kLoss, "the mark that the features are synthetic");
  gaps.add_unlabelled(Kind::kNote,
                      "some utterances are not labelled: read it with "
                      "--set data.unlabelled=empty");
  gaps.add(corpus.label_kind == LabelKind::kValue, Kind::kNote,
           "labels are values: read it with --task regression");
  return gaps.take();
}

std::vector<FormGap> mmsa_gaps(const Corpus& corpus) {
  GapList gaps(corpus);
  gaps.add_common();
  gaps.add_split("MMSA");
  gaps.add_speakers("MMSA");
  gaps.add(!has_mmsa_ids(corpus), Kind::kLoss, "ids: they become DIALOGUE$_$POSITION");
  for (const auto& modality : corpus.modalities) {
    gaps.add(mmsa_key(modality.name).empty(), Kind::kRefusal,
             fmt::format("a modality called {}, which is a key of MMSA", modality.name));
  }
  gaps.add(corpus.is_synthetic, Kind::kLoss, "the mark that the features are synthetic");
  if (corpus.label_kind == LabelKind::kClass) {
    gaps.add_class_names();
    gaps.add(true, Kind::kNote,
             "classification_labels are numbers; --label annotations reads the names of classes");
    gaps.add_unlabelled(Kind::kRefusal, "utterances without a class");
  } else {
    gaps.add_unlabelled(Kind::kNote,
                        "some utterances are not labelled: read it with "
                        "--set data.unlabelled=nan");
  }
  return gaps.take();
}

std::vector<FormGap> tree_gaps(const Corpus& corpus) {
  GapList gaps(corpus);
  gaps.add_common();
  gaps.add_files();
  if (corpus.label_kind == LabelKind::kClass) {
    gaps.add(!has_tree_classes(corpus), Kind::kRefusal,
             fmt::format("the classes {}: the tree numbers IEMOCAP's (happy, sad, neutral, angry, "
                         "or with excited and frustrated)",
                         fmt::join(corpus.class_names, ", ")));
    gaps.add(!has_tree_speakers(corpus), Kind::kRefusal,
             "names other than IEMOCAP's: dialogues Ses01.., its speakers Ses01_F and Ses01_M, "
             "its group Ses01");
    gaps.add(std::any_of(corpus.dialogues.begin(), corpus.dialogues.end(),
                         [](const Dialogue& one) { return one.part != Part::kNone; }),
             Kind::kLoss, "the split: the tree divides IEMOCAP by session");
    gaps.add_unlabelled(Kind::kRefusal, "utterances without a class");
    return gaps.take();
  }
  gaps.add_split("the tree");
  gaps.add_speakers("the tree of CMU-MOSI");
  gaps.add(gaps.has_any([](const Utterance& one) { return std::abs(one.label) > 3; }),
           Kind::kRefusal, "values outside of [-3, 3]");
  gaps.add_unlabelled(Kind::kNote,
                      "some utterances are not labelled: read it with --set data.unlabelled=nan");
  return gaps.take();
}

}  // namespace

std::vector<FormGap> form_gaps(const Corpus& corpus, const std::string& form) {
  if (form == "plain") return {};
  if (form == "table") return table_gaps(corpus);
  if (form == "mmsa") return mmsa_gaps(corpus);
  if (form == "tree") return tree_gaps(corpus);
  throw ConfigError(fmt::format("--to {}: none of {}", form, fmt::join(kWrittenForms, ", ")));
}

}  // namespace hardy
