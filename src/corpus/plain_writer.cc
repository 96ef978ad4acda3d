// Corpus -> the plain form.
#include <algorithm>
#include <limits>
#include <sstream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/checksum_list.h"
#include "base/files.h"
#include "corpus/plain_form.h"
#include "formats/csv.h"
#include "formats/npy.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

bool is_always_present(const ModalityData& modality) {
  return std::all_of(modality.present.begin(), modality.present.end(),
                     [](std::uint8_t mark) { return mark != 0; });
}

/// The names for label: columns if an utterance has several labels; else empty.
std::vector<std::string> label_columns(const Corpus& corpus) {
  return corpus.shares.empty() ? corpus.target_names : corpus.class_names;
}

/// The fields of the label columns; an empty one means "not labelled", which corpus.toml declares.
std::vector<std::string> label_texts(const Corpus& corpus, std::size_t i) {
  const Utterance& utterance = corpus.utterances[i];
  const std::size_t several = label_columns(corpus).size();
  if (!utterance.is_labelled()) {
    return std::vector<std::string>(std::max<std::size_t>(1, several));
  }
  if (several == 0) {
    return {corpus.label_kind == LabelKind::kClass
                ? corpus.class_names[static_cast<std::size_t>(utterance.label)]
                : fmt::format("{}", utterance.label)};
  }
  const auto& numbers = corpus.shares.empty() ? corpus.targets : corpus.shares;
  std::vector<std::string> texts;
  for (std::size_t t = 0; t < several; ++t) {
    texts.push_back(fmt::format("{}", numbers[i * several + t]));
  }
  return texts;
}

/// The task under which the labels read back unchanged.
const char* task_of(const Corpus& corpus) {
  switch (corpus.label_kind) {
    case LabelKind::kClass:
      return corpus.shares.empty() ? "class" : "shares";
    case LabelKind::kValue:
      return "regression";
    case LabelKind::kLabels:
      return "labels";
    case LabelKind::kValues:
      return "values";
  }
  return "auto";
}

std::vector<std::string> table_header(const Corpus& corpus) {
  std::vector<std::string> header = {"id",    "dialogue", "position",  "speaker",
                                     "group", "split",    "transcript"};
  const auto several = label_columns(corpus);
  if (several.empty()) header.emplace_back("label");
  for (const auto& name : several) header.push_back("label:" + name);
  if (!corpus.true_difficulty.empty()) header.emplace_back("difficulty");
  if (!corpus.values.empty()) header.emplace_back("value");
  for (const auto& modality : corpus.modalities) {
    if (!is_always_present(modality)) header.push_back("present:" + modality.name);
  }
  return header;
}

std::vector<std::string> table_row(const Corpus& corpus, std::size_t i) {
  const Utterance& utterance = corpus.utterances[i];
  const Dialogue& dialogue = corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)];
  // "{}" prints the shortest text that reads back as the same float.
  std::vector<std::string> row = {
      utterance.id,         dialogue.id,    fmt::format("{}", utterance.position),
      utterance.speaker,    dialogue.group, part_name(dialogue.part),
      utterance.transcript,
  };
  for (auto& text : label_texts(corpus, i)) row.push_back(std::move(text));
  if (!corpus.true_difficulty.empty()) {
    row.push_back(fmt::format("{}", corpus.true_difficulty[i]));
  }
  if (!corpus.values.empty()) row.push_back(fmt::format("{}", corpus.values[i]));
  for (const auto& modality : corpus.modalities) {
    if (!is_always_present(modality)) row.emplace_back(modality.present[i] != 0 ? "1" : "0");
  }
  return row;
}

void append_row(std::string& text, const std::vector<std::string>& row) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) text += ',';
    text += csv_field(row[i]);
  }
  text += '\n';
}

std::string format_table(const Corpus& corpus) {
  std::string text;
  append_row(text, table_header(corpus));
  for (std::size_t i = 0; i < corpus.utterances.size(); ++i) append_row(text, table_row(corpus, i));
  return text;
}

std::string format_settings(const Corpus& corpus) {
  toml::array modalities;
  for (const auto& modality : corpus.modalities) modalities.push_back(modality.name);
  toml::table table;
  table.insert("name", corpus.name);
  table.insert("task", task_of(corpus));
  table.insert("modalities", modalities);
  if (corpus.label_kind == LabelKind::kClass) {
    toml::array classes;
    for (const auto& name : corpus.class_names) classes.push_back(name);
    table.insert("class_names", classes);
  }
  const bool is_partly = std::any_of(corpus.utterances.begin(), corpus.utterances.end(),
                                     [](const Utterance& one) { return !one.is_labelled(); });
  if (is_partly) table.insert("unlabelled", toml::array{""});
  if (corpus.is_synthetic) table.insert("synthetic", true);
  toml::table makers;
  for (const auto& modality : corpus.modalities) {
    if (!modality.maker.empty()) makers.insert(modality.name, modality.maker);
  }
  if (!makers.empty()) table.insert("makers", makers);
  std::ostringstream stream;
  stream << table << "\n";
  return stream.str();
}

/// Absent rows are written as NaN, so that they cannot be taken for data.
std::vector<float> with_absent_as_nan(const ModalityData& modality) {
  std::vector<float> values(modality.features.begin(), modality.features.end());
  const auto width = static_cast<std::size_t>(modality.width);
  for (std::size_t i = 0; i < modality.present.size(); ++i) {
    if (modality.present[i] != 0) continue;
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(i * width), width,
                std::numeric_limits<float>::quiet_NaN());
  }
  return values;
}

void check_names(const Corpus& corpus) {
  for (const auto& modality : corpus.modalities) {
    const bool is_file_name =
        !modality.name.empty() && modality.name.size() < 200 && !modality.name.starts_with('.') &&
        modality.name.find_first_of(std::string_view("/=,\0", 4)) == std::string::npos;
    if (!is_file_name) {
      throw DataError(fmt::format("modality '{}' cannot be a file name; rename it", modality.name));
    }
  }
}

void write_files(const Corpus& corpus, const fs::path& folder, const ArrayWriter& write_array,
                 PlainChecksums checksums) {
  std::vector<std::string> names = {kPlainTable, kPlainSettings};
  write_file_atomically(folder / kPlainTable, std::string_view(format_table(corpus)));
  write_file_atomically(folder / kPlainSettings, std::string_view(format_settings(corpus)));
  for (std::size_t m = 0; m < corpus.modalities.size(); ++m) {
    names.push_back(corpus.modalities[m].name + ".npy");
    write_array(m, folder / names.back());
  }
  if (checksums == PlainChecksums::kWritten) write_checksums(folder, names);
}

}  // namespace

void write_plain(const Corpus& corpus, const fs::path& folder, PlainChecksums checksums) {
  const auto write_array = [&](std::size_t m, const fs::path& file) {
    const ModalityData& modality = corpus.modalities[m];
    const std::vector<std::int64_t> shape = {corpus.size(), modality.width};
    if (is_always_present(modality)) {
      save_npy(file, shape, std::span(modality.features.data(), modality.features.size()));
    } else {
      save_npy(file, shape, with_absent_as_nan(modality));
    }
  };
  write_plain(corpus, folder, write_array, checksums);
}

void write_plain(const Corpus& corpus, const fs::path& folder, const ArrayWriter& write_array,
                 PlainChecksums checksums) {
  check_names(corpus);
  std::error_code error;
  if (fs::exists(folder, error) &&
      !(fs::is_directory(folder, error) && fs::is_empty(folder, error))) {
    throw ConfigError(
        fmt::format("{}: exists and is not an empty folder; choose another name", folder.string()));
  }
  write_folder_atomically(folder, [&](const fs::path& temporary) {
    write_files(corpus, temporary, write_array, checksums);
  });
}

}  // namespace hardy
