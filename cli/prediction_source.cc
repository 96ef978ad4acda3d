#include "cli/prediction_source.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/foreign.h"
#include "base/wording.h"
#include "cli/output.h"
#include "corpus/assembler.h"
#include "corpus/match_model.h"
#include "corpus/plain_form.h"
#include "formats/npy.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "inference/request.h"

namespace hardy {
namespace {

constexpr std::size_t kLongestLine = std::size_t{64} << 20;

/// One modality's array on disk.
struct ArrayOfFile {
  std::string name;
  std::filesystem::path file;
  NpyArray array;

  [[nodiscard]] std::int64_t rows() const { return array.shape.size() == 1 ? 1 : array.shape[0]; }
};

/// Loads MODALITY=FILE.npy; a vector is one utterance.
ArrayOfFile load_array(const std::string& name, const std::filesystem::path& file,
                       const BundleInfo& info) {
  const auto m = static_cast<std::size_t>(info.modality_index(name));
  ArrayOfFile loaded{name, file, load_npy(file)};
  const auto& shape = loaded.array.shape;
  if (shape.empty() || shape.size() > 2) {
    throw DataError(
        fmt::format("{}: has {} axes; give one utterance [width] or several [utterances, width]",
                    file.string(), shape.size()));
  }
  if (shape.back() != info.modalities[m].width) {
    throw DataError(fmt::format(
        "{}: modality '{}' is {} wide, the model reads {}; use the extractor it was trained with",
        file.string(), name, shape.back(), info.modalities[m].width));
  }
  return loaded;
}

/// The values of a row; none when it is NaN throughout, which means missing. Throws when only some
/// are.
std::span<const float> values_of(const ArrayOfFile& source, std::int64_t row) {
  const auto width = static_cast<std::size_t>(source.array.shape.back());
  const auto values =
      std::span(source.array.values).subspan(static_cast<std::size_t>(row) * width, width);
  const auto bad = std::count_if(values.begin(), values.end(),
                                 [](float value) { return !std::isfinite(value); });
  if (bad == 0) return values;
  const bool is_missing =
      std::all_of(values.begin(), values.end(), [](float value) { return std::isnan(value); });
  if (is_missing) return {};
  throw DataError(
      fmt::format("{}, row {}: {} values of modality '{}' are NaN or infinite; a row that is NaN "
                  "throughout means that the modality is missing",
                  source.file.string(), row, bad, source.name));
}

/// An utterance without any modality keeps its position.
void add_utterance(DialogueInput& input, const std::vector<NamedFeatures>& features,
                   const std::string& speaker) {
  if (features.empty()) {
    input.add_empty(speaker);
  } else {
    input.add(features, speaker);
  }
}

void read_arrays(const std::vector<ArrayOfFile>& arrays, bool is_one_dialogue,
                 const BundleInfo& info,
                 const std::function<void(const SourceDialogue&)>& consume) {
  const std::int64_t count = arrays.front().rows();
  for (const auto& source : arrays) {
    if (source.rows() == count) continue;
    throw DataError(fmt::format("{} has {} utterances, {} has {}; they must be the same ones",
                                arrays.front().file.string(), count, source.file.string(),
                                source.rows()));
  }
  SourceDialogue dialogue{is_one_dialogue ? "dialogue" : "", {}, DialogueInput(info)};
  for (std::int64_t row = 0; row < count; ++row) {
    std::vector<NamedFeatures> features;
    for (const auto& source : arrays) {
      const auto values = values_of(source, row);
      if (!values.empty()) features.emplace_back(source.name, values);
    }
    add_utterance(dialogue.input, features, "");
    dialogue.ids.push_back(std::to_string(row));
    if (is_one_dialogue) continue;
    consume(dialogue);
    dialogue.input.clear();
    dialogue.ids.clear();
  }
  if (is_one_dialogue && count > 0) consume(dialogue);
}

/// Whether a path is a file with a whole corpus, by its ending.
bool is_corpus_file(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  return ending == ".pkl" || ending == ".pickle" || ending == ".h5" || ending == ".hdf5";
}

Corpus load_source_corpus(const SourceOptions& options) {
  if (is_plain_form(options.path)) {
    PlainOptions plain;
    plain.folder = options.path;
    plain.needs_labels = false;
    return take_sound_corpus(read_plain(plain));
  }
  DataConfig config;
  config.path = options.path;
  config.labels = options.labels;
  config.reduce = options.reduce;
  config.label = kNoLabel;
  return load_corpus(config,
                     std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 16));
}

void read_corpus_folder(const SourceOptions& options, const BundleInfo& info,
                        const std::function<void(const SourceDialogue&)>& consume) {
  Corpus corpus = load_source_corpus(options);
  std::vector<std::string> notes;
  match_modalities(corpus, info, notes);
  for (const auto& note : notes) print_notice("hardy: note: " + printable(note));
  for (const auto& turns : corpus.dialogues) {
    SourceDialogue dialogue{turns.id, {}, DialogueInput(info)};
    for (auto i = turns.first; i < turns.first + turns.count; ++i) {
      const auto& utterance = corpus.utterances[static_cast<std::size_t>(i)];
      std::vector<NamedFeatures> features;
      for (const auto& modality : corpus.modalities) {
        if (modality.present[static_cast<std::size_t>(i)] == 0) continue;
        features.emplace_back(modality.name, modality.row(i));
      }
      try {
        add_utterance(dialogue.input, features, utterance.speaker);
      } catch (const Error& error) {
        throw DataError(
            fmt::format("{}: utterance '{}': {}", corpus.source, utterance.id, error.what()));
      }
      dialogue.ids.push_back(utterance.id);
    }
    consume(dialogue);
  }
}

/// The next line without its end; false at the end of the input. Stops reading beyond kLongestLine,
/// which bounds the memory of an endless line. Throws IoError.
bool next_line(std::istream& input, const std::string& name, std::string& line) {
  line.clear();
  std::streambuf& source = *input.rdbuf();
  try {
    for (int letter = source.sbumpc(); letter != EOF; letter = source.sbumpc()) {
      if (letter == '\n') return true;
      line.push_back(static_cast<char>(letter));
      if (line.size() > kLongestLine) return true;
    }
  } catch (const std::ios_base::failure&) {
    throw IoError(fmt::format("{}: reading failed", name));
  }
  return !line.empty();
}

/// The model's modality that an array probably means; empty if the array has its own.
std::string meant_modality(const std::string& name, const std::vector<std::string>& known) {
  const auto role = modality_of_folder(name);
  if (std::find(known.begin(), known.end(), role) != known.end()) return role;
  return nearest_name(name, known);
}

/// A folder of MODALITY.npy without a table. An array of another name is named, and refused when it
/// is probably one of the model's.
std::vector<ArrayOfFile> arrays_of_folder(const std::filesystem::path& folder,
                                          const BundleInfo& info) {
  std::vector<ArrayOfFile> arrays;
  std::vector<std::string> absent;
  for (const auto& modality : info.modalities) {
    const auto file = folder / (modality.name + ".npy");
    if (std::filesystem::is_regular_file(file)) {
      arrays.push_back(load_array(modality.name, file, info));
    } else {
      absent.push_back(modality.name);
    }
  }
  const auto names = info.modality_names();
  std::vector<std::string> others;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != ".npy" || is_side_file(entry.path().filename().string()))
      continue;
    if (std::find(names.begin(), names.end(), stem) == names.end()) others.push_back(stem);
  }
  std::sort(others.begin(), others.end());
  for (const auto& name : others) {
    const auto meant = meant_modality(name, absent);
    if (!meant.empty()) {
      throw DataError(
          fmt::format("{}/{}.npy: the model knows no modality '{}'; is it '{}'? Rename "
                      "the file, or give --features {}={}.npy",
                      folder.string(), name, name, meant, meant, name));
    }
    print_notice(
        fmt::format("hardy: note: the model knows no modality {}: not used", printable(name)));
  }
  return arrays;
}

void read_json_dialogues(const std::string& path, const BundleInfo& info,
                         const std::function<void(const SourceDialogue&)>& consume) {
  SourceDialogue dialogue{"", {}, DialogueInput(info)};
  bool is_empty = true;
  const auto flush = [&] {
    if (!dialogue.ids.empty()) consume(dialogue);
    dialogue.input.clear();
    dialogue.ids.clear();
  };
  read_lines(path, [&](const std::string& line, const std::string& place) {
    is_empty = false;
    try {
      const UtteranceRequest request = read_line(line, info);
      if (request.dialogue.empty() || request.dialogue != dialogue.id) flush();
      if (request.only_ends()) return flush();
      dialogue.id = request.dialogue;
      request.add_to(dialogue.input);
      dialogue.ids.push_back(request.id);
      if (request.ends_dialogue) flush();
    } catch (const RequestError& error) {
      throw DataError(fmt::format("{}: {}", place, error.what()));
    }
  });
  flush();
  if (!is_empty) return;
  const auto& first = info.modalities.front();
  throw DataError(fmt::format(
      R"({}: holds no utterance; write one on a line: {{"features": {{"{}": [{} numbers]}}}})",
      path.empty() || path == "-" ? "standard input" : path, first.name, first.width));
}

}  // namespace

UtteranceRequest read_line(const std::string& line, const BundleInfo& info) {
  auto request = read_utterance(line, "", info);
  if (request.only_ends() && request.dialogue.empty()) {
    throw RequestError(RequestError::Kind::kMalformed, "features",
                       "is missing, and no dialogue is named that would end");
  }
  return request;
}

void read_lines(const std::string& path,
                const std::function<void(const std::string&, const std::string&)>& consume) {
  const bool is_standard = path.empty() || path == "-";
  std::ifstream file;
  if (!is_standard) {
    file.open(path);
    if (!file) {
      std::error_code ignored;
      throw DataError(fmt::format(
          "{}: {}; give a corpus folder, a folder of MODALITY.npy, or a file of JSON "
          "lines",
          path, std::filesystem::exists(path, ignored) ? "cannot be opened" : "no such file"));
    }
  }
  std::istream& input = is_standard ? std::cin : file;
  const std::string name = is_standard ? "standard input" : path;
  std::string line;
  for (std::int64_t number = 1; next_line(input, name, line); ++number) {
    const auto place = fmt::format("{}, line {}", name, number);
    if (line.size() > kLongestLine) {
      throw DataError(fmt::format("{}: longer than {} MiB", place, kLongestLine >> 20));
    }
    if (line.find_first_not_of(" \t\r") != std::string::npos) consume(line, place);
  }
}

void require_no_source(const SourceOptions& options) {
  if (options.path.empty() && options.features.empty() && options.labels.empty() &&
      !options.is_one_dialogue) {
    return;
  }
  throw ConfigError("--media goes without INPUT, --features, --labels and --dialogue");
}

void read_dialogues(const SourceOptions& options, const BundleInfo& info,
                    const std::function<void(const SourceDialogue&)>& consume) {
  std::vector<ArrayOfFile> arrays;
  for (const auto& choice : options.features) {
    const auto equals = choice.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == choice.size()) {
      throw ConfigError(fmt::format("--features {}: expected MODALITY=FILE.npy, e.g. {}={}", choice,
                                    info.modalities[0].name, choice));
    }
    arrays.push_back(load_array(choice.substr(0, equals), choice.substr(equals + 1), info));
  }
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(options.path, ignored);
  const bool is_corpus = is_folder || is_corpus_file(options.path);
  if (!is_folder && std::filesystem::path(options.path).extension() == ".npy") {
    throw ConfigError(
        fmt::format("{}: an array does not say which modality it is; write --features {}={}",
                    options.path, info.modalities[0].name, options.path));
  }
  if (!arrays.empty() && !options.path.empty()) {
    throw ConfigError("give either --features or an input, not both");
  }
  if (arrays.empty() && is_folder && !is_plain_form(options.path)) {
    arrays = arrays_of_folder(options.path, info);
  }
  if (!arrays.empty()) {
    read_arrays(arrays, options.is_one_dialogue, info, consume);
  } else if (is_corpus) {
    read_corpus_folder(options, info, consume);
  } else {
    read_json_dialogues(options.path, info, consume);
  }
}

}  // namespace hardy
