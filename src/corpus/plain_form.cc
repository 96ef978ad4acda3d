#include "corpus/plain_form.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/checksum_list.h"
#include "base/files.h"
#include "base/foreign.h"
#include "base/nearest_name.h"
#include "formats/npy.h"
#include "formats/npy_cells.h"
#include "formats/text.h"
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

/// Refuses a file that is not what SHA256SUMS says, where there is one.
void require_as_written(const fs::path& folder, const std::string& name) {
  const auto found = checksum_finding(folder, name);
  if (!found) return;
  throw DataError(fmt::format(
      "{}: {}; copy it again, or, if it was changed on purpose, remove {} or write it anew with "
      "sha256sum",
      (folder / name).string(), *found, kChecksumFile));
}

/// The same for the table and the settings, of which the latter may be absent when unlisted.
void require_texts_as_written(const fs::path& folder) {
  require_as_written(folder, kPlainTable);
  const auto listed = listed_files(folder);
  std::error_code ignored;
  if (std::find(listed.begin(), listed.end(), kPlainSettings) != listed.end() ||
      fs::exists(folder / kPlainSettings, ignored)) {
    require_as_written(folder, kPlainSettings);
  }
}

PlainSettings load_settings(const fs::path& folder) {
  const fs::path file = folder / kPlainSettings;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return {};
  return parse_plain_settings(read_text_file(file, kMaxSettingsBytes), file.string());
}

/// Sorted names of the arrays in a folder, without ".npy". Throws DataError for a name that is not
/// UTF-8.
std::vector<std::string> list_arrays(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (is_side_file(name) || entry.path().extension() != ".npy") continue;
    require_readable_name(folder, name);
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Assigns arrays to modalities.
std::vector<ModalityChoice> choose_modalities(const PlainOptions& options,
                                              const PlainSettings& settings,
                                              const std::vector<std::string>& arrays) {
  auto choices = parse_modality_choices(options.modalities);
  if (choices.empty()) {
    for (const auto& name : settings.modalities) choices.push_back({name, name});
  }
  if (choices.empty()) {
    for (const auto& name : arrays) choices.push_back({name, name});
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
    choice.name = normal_form(choice.name);
  }
  return choices;
}

/// Reorders one array's rows to the utterances; fills features and presence.
class ArrayReader {
 public:
  ArrayReader(fs::path file, const PlainTable& table, bool takes_bad_as_missing)
      : file_(std::move(file)), table_(table), takes_bad_as_missing_(takes_bad_as_missing) {}

  void read(ModalityData& modality, std::vector<Finding>& findings) {
    const NpyArray array = load_npy(file_);
    const auto size = static_cast<std::int64_t>(table_.row_of.size());
    const bool is_matrix = array.shape.size() == 2 || array.shape.size() == 1;
    const std::int64_t rows = is_matrix ? array.shape[0] : -1;
    const std::int64_t width = array.shape.size() == 2 ? array.shape[1] : 1;
    if (!is_matrix || rows != size || width < 1) {
      throw DataError(
          fmt::format("{}: its shape is ({}); the table has {} rows, so [{}, D] is "
                      "expected, one row per utterance in the order of the table",
                      file_.string(), fmt::join(array.shape, ", "), size, size));
    }
    modality.width = width;
    modality.features.assign(array.values.size(), 0.0F);
    for (std::size_t i = 0; i < table_.row_of.size(); ++i) {
      copy_row(array, i, modality, findings);
    }
    if (left_out_ == 0) return;
    findings.push_back(
        {Severity::kWarning, "bad-rows-left-out", file_.string(),
         fmt::format("{} rows hold NaN, infinity or huge values and count as missing", left_out_),
         "as data.not_finite says"});
  }

 private:
  void copy_row(const NpyArray& array, std::size_t i, ModalityData& modality,
                std::vector<Finding>& findings) {
    const auto width = static_cast<std::size_t>(modality.width);
    const auto row = static_cast<std::size_t>(table_.row_of[i]);
    const std::span<const float> values(array.values.data() + row * width, width);
    const auto nans =
        std::count_if(values.begin(), values.end(), [](float x) { return std::isnan(x); });
    if (static_cast<std::size_t>(nans) == width) modality.present[i] = 0;
    if (modality.present[i] == 0) return;  // stays zero
    const auto bad = std::find_if(values.begin(), values.end(),
                                  [](float x) { return !is_usable(x, kLargestFeature); });
    if (bad != values.end() && takes_bad_as_missing_) {
      modality.present[i] = 0;
      ++left_out_;
      return;
    }
    std::copy(values.begin(), values.end(),
              modality.features.begin() + static_cast<std::ptrdiff_t>(i * width));
    if (bad == values.end()) return;
    const auto column = static_cast<std::size_t>(bad - values.begin());
    const double stored = stored_number(read_file(file_), file_.string(), row * width + column);
    findings.push_back({Severity::kError, "not-finite",
                        fmt::format("{}, row {} ({})", file_.string(), row,
                                    table_.reading.corpus.utterances[i].id),
                        fmt::format("column {} is {}", column, bad_value_text(stored)),
                        "correct it, make the whole row NaN to mark it as missing, or let hardy do "
                        "so: --set data.not_finite=missing"});
  }

  fs::path file_;
  const PlainTable& table_;
  bool takes_bad_as_missing_;
  std::int64_t left_out_ = 0;
};

/// Reads every array; an unusable one is a finding, and its modality is absent.
void read_arrays_of(const PlainOptions& options, const std::vector<ModalityChoice>& choices,
                    const std::vector<std::string>& arrays, PlainTable& table,
                    std::vector<Finding>& findings) {
  for (std::size_t m = 0; m < choices.size(); ++m) {
    ModalityData& modality = table.reading.corpus.modalities[m];
    modality.name = choices[m].name;
    const fs::path file = options.folder / (choices[m].source + ".npy");
    std::error_code ignored;
    try {
      if (!fs::exists(file, ignored)) {
        const auto nearest = nearest_name(choices[m].source, arrays);
        throw DataError(
            fmt::format("{}: there is no such file{}", file.string(),
                        nearest.empty() ? "" : fmt::format("; is it '{}.npy'?", nearest)));
      }
      require_as_written(options.folder, file.filename().string());
      ArrayReader(file, table, options.not_finite != "refuse").read(modality, findings);
    } catch (const DataError& error) {
      std::string what = error.what();
      if (what.starts_with(file.string() + ": ")) what.erase(0, file.string().size() + 2);
      findings.push_back({Severity::kError, "bad-array", file.string(), what,
                          "correct the file, or choose others with --set data.modalities=.."});
      modality.width = 1;
      modality.features.assign(table.row_of.size(), 0.0F);
      std::fill(modality.present.begin(), modality.present.end(), std::uint8_t{0});
    }
  }
}

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
    } else if (field == "unlabelled") {
      settings.unlabelled = read_toml_list(node, field, name);
    } else if (field == "synthetic" && node.is_boolean()) {
      settings.is_synthetic = node.value_or(false);
    } else {
      throw DataError(
          fmt::format("{}, line {}: '{}' is unknown or of the wrong type; known are "
                      "name, task, class_names, modalities, unlabelled (texts), makers (a "
                      "table of texts) and synthetic (true or false)",
                      name, node.source().begin.line, field));
    }
  }
  constexpr std::string_view kTasks[] = {"auto",   "class",  "regression",
                                         "labels", "values", "shares"};
  if (std::find(std::begin(kTasks), std::end(kTasks), settings.task) == std::end(kTasks)) {
    throw DataError(
        fmt::format("{}: task '{}' is none of {}", name, settings.task, fmt::join(kTasks, ", ")));
  }
  return settings;
}

Reading read_plain(const PlainOptions& options) {
  const fs::path file = options.folder / kPlainTable;
  require_texts_as_written(options.folder);
  PlainSettings settings = load_settings(options.folder);
  settings.needs_labels = options.needs_labels;
  settings.has_ids_by_part = options.has_ids_by_part;
  settings.unlabelled.insert(settings.unlabelled.end(), options.unlabelled.begin(),
                             options.unlabelled.end());
  if (options.task != "auto") settings.task = options.task;
  const auto arrays = list_arrays(options.folder);
  const auto choices = choose_modalities(options, settings, arrays);
  std::vector<std::string> sources;
  for (const auto& choice : choices) sources.push_back(choice.source);

  PlainTable table = parse_plain_table(read_text_file(file), file.string(), settings, sources);
  Corpus& corpus = table.reading.corpus;
  corpus.name = settings.name;
  if (corpus.name.empty()) corpus.name = fs::weakly_canonical(options.folder).filename().string();
  corpus.is_synthetic = settings.is_synthetic;
  corpus.source = options.folder.string();
  std::vector<Finding> findings = std::move(table.reading.findings);
  read_arrays_of(options, choices, arrays, table, findings);
  for (std::size_t m = 0; m < choices.size(); ++m) {
    const auto maker = settings.makers.find(choices[m].source);
    if (maker != settings.makers.end()) corpus.modalities[m].maker = maker->second;
  }
  return {std::move(corpus), std::move(findings)};
}

Corpus load_plain(const PlainOptions& options) { return take_sound_corpus(read_plain(options)); }

}  // namespace hardy
