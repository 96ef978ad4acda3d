#include "corpus/plain_form.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/files.h"
#include "formats/npy.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSettingsBytes = std::size_t{1} << 20;

std::string read_toml_text(const toml::node& node, std::string_view key, std::string_view name) {
  const auto value = node.value_exact<std::string>();
  if (!value) {
    throw DataError(fmt::format("{}, line {}: {} is not a text", name, node.source().begin.line,
                                std::string_view(key)));
  }
  return *value;
}

std::vector<std::string> read_toml_list(const toml::node& node, std::string_view key,
                                        std::string_view name) {
  const toml::array* array = node.as_array();
  if (array == nullptr) {
    throw DataError(
        fmt::format("{}, line {}: {} is not a list of texts", name, node.source().begin.line, key));
  }
  std::vector<std::string> texts;
  for (const toml::node& item : *array) texts.push_back(read_toml_text(item, key, name));
  return texts;
}

PlainSettings load_settings(const fs::path& folder) {
  const fs::path file = folder / kPlainSettings;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return {};
  return parse_plain_settings(read_text_file(file, kMaxSettingsBytes), file.string());
}

/// Which arrays become which modalities.
std::vector<ModalityChoice> choose_modalities(const PlainOptions& options,
                                              const PlainSettings& settings) {
  auto choices = parse_modality_choices(options.modalities);
  if (choices.empty()) {
    for (const auto& name : settings.modalities) choices.push_back({name, name});
  }
  if (choices.empty()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(options.folder, error)) {
      const fs::path& path = entry.path();
      if (path.extension() != ".npy" || path.filename().string().starts_with('.')) continue;
      choices.push_back({path.stem().string(), path.stem().string()});
    }
    std::sort(choices.begin(), choices.end(), [](const auto& x, const auto& y) {
      return std::pair(modality_rank(x.name), x.name) < std::pair(modality_rank(y.name), y.name);
    });
  }
  if (choices.empty()) {
    throw DataError(fmt::format("{}: there is no .npy file; each modality needs one [N, D] array",
                                options.folder.string()));
  }
  for (auto& choice : choices) {
    if (choice.name.empty()) choice.name = choice.source;
  }
  return choices;
}

/// Brings one array's rows into the order of the utterances; fills features and presence.
class ArrayReader {
 public:
  ArrayReader(const fs::path& file, const PlainTable& table) : file_(file), table_(table) {}

  void read(ModalityData& modality, std::vector<Finding>& findings) {
    const NpyArray array = load_npy(file_);
    const auto size = static_cast<std::int64_t>(table_.row_of.size());
    const bool is_matrix = array.shape.size() == 2 || array.shape.size() == 1;
    const std::int64_t rows = is_matrix ? array.shape[0] : -1;
    modality.width = array.shape.size() == 2 ? array.shape[1] : 1;
    if (!is_matrix || rows != size || modality.width < 1) {
      throw DataError(
          fmt::format("{}: its shape is ({}); the table has {} rows, so [{}, D] is "
                      "expected, one row per utterance in the order of the table",
                      file_.string(), fmt::join(array.shape, ", "), size, size));
    }
    modality.features.assign(array.values.size(), 0.0F);
    for (std::size_t i = 0; i < table_.row_of.size(); ++i) {
      copy_row(array, i, modality, findings);
    }
  }

 private:
  void copy_row(const NpyArray& array, std::size_t i, ModalityData& modality,
                std::vector<Finding>& findings) const {
    const auto width = static_cast<std::size_t>(modality.width);
    const auto row = static_cast<std::size_t>(table_.row_of[i]);
    const std::span<const float> values(array.values.data() + row * width, width);
    const auto nans =
        std::count_if(values.begin(), values.end(), [](float x) { return std::isnan(x); });
    if (static_cast<std::size_t>(nans) == width) modality.present[i] = 0;
    if (modality.present[i] == 0) return;  // stays zero
    std::copy(values.begin(), values.end(),
              modality.features.begin() + static_cast<std::ptrdiff_t>(i * width));
    const auto bad =
        std::find_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); });
    if (bad == values.end()) return;
    findings.push_back({Severity::kError, "not-finite",
                        fmt::format("{}, row {} ({})", file_.string(), row,
                                    table_.reading.corpus.utterances[i].id),
                        fmt::format("value {} is {}", bad - values.begin(), *bad),
                        "correct it, or make the whole row NaN to mark it as missing"});
  }

  const fs::path& file_;
  const PlainTable& table_;
};

}  // namespace

bool is_plain_form(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / kPlainTable, ignored);
}

PlainSettings parse_plain_settings(std::string_view text, std::string_view name) {
  toml::table table;
  try {
    table = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    throw DataError(fmt::format("{}, line {}, column {}: {}", name, error.source().begin.line,
                                error.source().begin.column, error.description()));
  }
  PlainSettings settings;
  for (const auto& [key, node] : table) {
    const std::string_view field = key.str();
    if (field == "name") {
      settings.name = read_toml_text(node, field, name);
    } else if (field == "task") {
      settings.task = read_toml_text(node, field, name);
    } else if (field == "class_names") {
      settings.class_names = read_toml_list(node, field, name);
    } else if (field == "modalities") {
      settings.modalities = read_toml_list(node, field, name);
    } else if (field == "makers" && node.is_table()) {
      for (const auto& [modality, maker] : *node.as_table()) {
        settings.makers[std::string(modality.str())] = read_toml_text(maker, modality.str(), name);
      }
    } else if (field == "synthetic" && node.is_boolean()) {
      settings.is_synthetic = node.value_or(false);
    } else {
      throw DataError(
          fmt::format("{}, line {}: '{}' is unknown or of the wrong type; known are "
                      "name, task, class_names, modalities (texts), makers (a table "
                      "of texts) and synthetic (true or false)",
                      name, node.source().begin.line, field));
    }
  }
  if (settings.task != "auto" && settings.task != "class" && settings.task != "regression") {
    throw DataError(
        fmt::format("{}: task '{}' is none of auto, class, regression", name, settings.task));
  }
  return settings;
}

Reading read_plain(const PlainOptions& options) {
  const fs::path file = options.folder / kPlainTable;
  PlainSettings settings = load_settings(options.folder);
  settings.needs_labels = options.needs_labels;
  if (options.task != "auto") settings.task = options.task;
  const auto choices = choose_modalities(options, settings);
  std::vector<std::string> sources;
  for (const auto& choice : choices) sources.push_back(choice.source);

  PlainTable table = parse_plain_table(read_text_file(file), file.string(), settings, sources);
  Corpus& corpus = table.reading.corpus;
  corpus.name = settings.name;
  if (corpus.name.empty()) corpus.name = fs::weakly_canonical(options.folder).filename().string();
  corpus.is_synthetic = settings.is_synthetic;
  corpus.source = options.folder.string();
  std::vector<Finding> findings = std::move(table.reading.findings);
  for (std::size_t m = 0; m < choices.size(); ++m) {
    const fs::path array = options.folder / (choices[m].source + ".npy");
    ArrayReader(array, table).read(corpus.modalities[m], findings);
    corpus.modalities[m].name = choices[m].name;
    const auto maker = settings.makers.find(choices[m].source);
    if (maker != settings.makers.end()) corpus.modalities[m].maker = maker->second;
  }
  return {std::move(corpus), std::move(findings)};
}

Corpus load_plain(const PlainOptions& options) { return take_sound_corpus(read_plain(options)); }

}  // namespace hardy
