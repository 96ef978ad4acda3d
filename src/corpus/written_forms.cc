#include "corpus/written_forms.h"

#include <cerrno>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.h"
#include "corpus/plain_form.h"
#include "corpus/tree_writer.h"
#include "corpus/written_ids.h"
#include "formats/csv.h"
#include "formats/npy.h"
#include "formats/pickle_writer.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

std::string class_name_of(const Corpus& corpus, const Utterance& utterance) {
  return utterance.is_labelled() ? corpus.class_names[static_cast<std::size_t>(utterance.label)]
                                 : std::string();
}

/// The label as a text of a table; empty when there is none.
std::string label_text(const Corpus& corpus, const Utterance& utterance) {
  if (corpus.label_kind == LabelKind::kClass) return class_name_of(corpus, utterance);
  return utterance.is_labelled() ? fmt::format("{}", utterance.label) : std::string();
}

/// features/MODALITY/UTTERANCE.npy; an absent feature has no file. Without a flush per file: the
/// folder becomes visible only when it is complete.
void write_feature_files(const Corpus& corpus, const fs::path& folder) {
  for (const auto& modality : corpus.modalities) {
    const fs::path place = folder / "features" / modality.name;
    make_folder(place);
    for (std::int64_t i = 0; i < corpus.size(); ++i) {
      if (modality.present[static_cast<std::size_t>(i)] == 0) continue;
      const fs::path file = place / (corpus.utterances[static_cast<std::size_t>(i)].id + ".npy");
      const std::string bytes = format_npy({modality.width}, modality.row(i));
      std::ofstream stream(file, std::ios::binary);
      stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      stream.close();
      if (!stream) throw_write_error(file, errno);
    }
  }
}

std::string table_text(const Corpus& corpus) {
  std::string text = "id,dialogue,position,speaker,group,split,label,transcript\n";
  for (const auto& one : corpus.utterances) {
    const Dialogue& dialogue = corpus.dialogues[static_cast<std::size_t>(one.dialogue)];
    const std::string fields[] = {one.id,
                                  dialogue.id,
                                  fmt::format("{}", one.position),
                                  one.speaker,
                                  dialogue.group,
                                  part_name(dialogue.part),
                                  label_text(corpus, one),
                                  one.transcript};
    std::string_view separator;
    for (const auto& field : fields) {
      text += separator;
      text += csv_field(field);
      separator = ",";
    }
    text += '\n';
  }
  return text;
}

// ---- MMSA ---------------------------------------------------------------------------------------

/// Adds a key and a list of what `add` writes for each utterance of a part.
template <typename Add>
void add_column(PickleWriter& writer, std::string_view key, const std::vector<std::size_t>& rows,
                Add add) {
  writer.add_text(key);
  writer.begin();
  for (const std::size_t i : rows) add(i);
  writer.end_list();
}

/// [N, 1, D] and the number of frames, 0 where the modality is missing.
void add_features(PickleWriter& writer, const ModalityData& modality,
                  const std::vector<std::size_t>& rows) {
  const std::string key = mmsa_key(modality.name);
  std::vector<float> values;
  for (const std::size_t i : rows) {
    const auto row = modality.row(static_cast<std::int64_t>(i));
    values.insert(values.end(), row.begin(), row.end());
  }
  writer.add_text(key);
  writer.add_array({static_cast<std::int64_t>(rows.size()), 1, modality.width}, values);
  add_column(writer, key + "_lengths", rows,
             [&](std::size_t i) { writer.add_integer(modality.present[i]); });
}

void add_part(PickleWriter& writer, const Corpus& corpus, const std::vector<std::size_t>& rows) {
  const bool keeps_ids = has_mmsa_ids(corpus);
  const auto id_of = [&](const Utterance& one) {
    const auto& dialogue = corpus.dialogues[static_cast<std::size_t>(one.dialogue)];
    return keeps_ids ? one.id : fmt::format("{}$_${}", dialogue.id, one.position);
  };
  const auto utterance = [&](std::size_t i) -> const Utterance& { return corpus.utterances[i]; };
  writer.begin();
  add_column(writer, "id", rows, [&](std::size_t i) { writer.add_text(id_of(utterance(i))); });
  add_column(writer, "raw_text", rows,
             [&](std::size_t i) { writer.add_text(utterance(i).transcript); });
  if (corpus.label_kind == LabelKind::kValue) {
    add_column(writer, "regression_labels", rows,
               [&](std::size_t i) { writer.add_real(static_cast<double>(utterance(i).label)); });
  } else {
    add_column(writer, "classification_labels", rows, [&](std::size_t i) {
      writer.add_integer(static_cast<std::int64_t>(utterance(i).label));
    });
    add_column(writer, "annotations", rows,
               [&](std::size_t i) { writer.add_text(class_name_of(corpus, utterance(i))); });
  }
  for (const auto& modality : corpus.modalities) add_features(writer, modality, rows);
  writer.end_dict();
}

std::string mmsa_pickle(const Corpus& corpus) {
  std::map<Part, std::vector<std::size_t>> rows;
  for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
    const auto dialogue = static_cast<std::size_t>(corpus.utterances[i].dialogue);
    rows[corpus.dialogues[dialogue].part].push_back(i);
  }
  PickleWriter writer;
  writer.begin();
  for (const auto& [part, key] :
       {std::pair(Part::kTrain, "train"), {Part::kValidation, "valid"}, {Part::kTest, "test"}}) {
    if (!rows.contains(part)) continue;
    writer.add_text(key);
    add_part(writer, corpus, rows[part]);
  }
  writer.end_dict();
  return writer.finish();
}

// ---- the tree -----------------------------------------------------------------------------------

/// Four dicts by dialogue, then sets of dialogues (here lists, which every reader takes).
std::string tree_pickle(const Corpus& corpus) {
  const bool is_class = corpus.label_kind == LabelKind::kClass;
  PickleWriter writer;
  const auto add_dict = [&](auto add) {
    writer.begin();
    for (const auto& dialogue : corpus.dialogues) {
      writer.add_text(dialogue.id);
      writer.begin();
      for (auto i = dialogue.first; i < dialogue.first + dialogue.count; ++i) {
        add(corpus.utterances[static_cast<std::size_t>(i)]);
      }
      writer.end_list();
    }
    writer.end_dict();
  };
  const auto add_set = [&](Part part) {
    writer.begin();
    for (const auto& dialogue : corpus.dialogues) {
      if (dialogue.part == part) writer.add_text(dialogue.id);
    }
    writer.end_list();
  };
  writer.begin();
  add_dict([&](const Utterance& one) { writer.add_text(one.id); });
  add_dict([&](const Utterance& one) {
    is_class ? writer.add_integer(static_cast<std::int64_t>(one.label))
             : writer.add_real(static_cast<double>(one.label));
  });
  add_dict([&](const Utterance& one) {
    writer.add_text(is_class ? one.speaker.substr(one.speaker.size() - 1) : std::string());
  });
  add_dict([&](const Utterance& one) { writer.add_text(one.transcript); });
  // IEMOCAP's two sets are no split to report on: all dialogues are in the first.
  add_set(is_class ? Part::kNone : Part::kTrain);
  if (!is_class) add_set(Part::kValidation);
  add_set(Part::kTest);
  writer.end_list();
  return writer.finish();
}

void write_tree_files(const Corpus& corpus, const fs::path& folder) {
  write_feature_files(corpus, folder);
  write_file_atomically(folder / "labels.pkl", std::string_view(tree_pickle(corpus)));
  if (!corpus.is_synthetic) return;
  write_file_atomically(folder / kSyntheticMarker,
                        std::string_view("The features in this folder are synthetic.\n"));
}

void require_free(const fs::path& destination, bool is_file) {
  std::error_code error;
  if (!fs::exists(destination, error)) return;
  if (!is_file && fs::is_directory(destination, error) && fs::is_empty(destination, error)) return;
  throw ConfigError(fmt::format("{}: exists{}; choose another name", destination.string(),
                                is_file ? "" : " and is not an empty folder"));
}

void require_held(const Corpus& corpus, const std::string& form, bool may_lose) {
  std::vector<std::string> refused;
  std::vector<std::string> lost;
  for (auto& gap : form_gaps(corpus, form)) {
    if (gap.kind == FormGap::Kind::kRefusal) refused.push_back(std::move(gap.text));
    if (gap.kind == FormGap::Kind::kLoss) lost.push_back(std::move(gap.text));
  }
  if (!refused.empty()) {
    throw ConfigError(fmt::format("{}: the form '{}' cannot hold {}; the plain form can",
                                  corpus.name, form, fmt::join(refused, "; ")));
  }
  if (lost.empty() || may_lose) return;
  throw ConfigError(fmt::format(
      "{}: the form '{}' has no place for {}; --lossy leaves that out, the plain form holds it",
      corpus.name, form, fmt::join(lost, "; ")));
}

}  // namespace

void write_form(const Corpus& corpus, const std::string& form, const fs::path& destination,
                bool may_lose) {
  require_held(corpus, form, may_lose);
  require_free(destination, form == "mmsa");
  if (form == "plain") return write_plain(corpus, destination, PlainChecksums::kWritten);
  if (form == "mmsa") {
    return write_file_atomically(destination, std::string_view(mmsa_pickle(corpus)));
  }
  write_folder_atomically(destination, [&](const fs::path& temporary) {
    if (form == "tree") return write_tree_files(corpus, temporary);
    write_feature_files(corpus, temporary);
    write_file_atomically(temporary / "labels.csv", std::string_view(table_text(corpus)));
  });
}

}  // namespace hardy
