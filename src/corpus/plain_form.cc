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
#include "base/wording.h"
#include "formats/csv.h"
#include "formats/npy.h"
#include "formats/npy_cells.h"
#include "formats/text.h"
#include "hardy/errors.h"
#include "hardy/mapped_file.h"

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

/// From this size on an array is mapped rather than copied, if it lies in its file as it is used.
constexpr std::size_t kSmallestMapping = std::size_t{1} << 24;

/// Brings one array's rows into the order of the utterances; fills features and presence.
class ArrayReader {
 public:
  ArrayReader(fs::path file, const PlainTable& table, const PlainOptions& options)
      : file_(std::move(file)),
        table_(table),
        takes_bad_as_missing_(options.not_finite != "refuse"),
        reads_all_(!options.only_outlines) {}

  void read(ModalityData& modality, std::vector<Finding>& findings) {
    if (!map_rows(modality)) copy_rows(modality);
    for (std::size_t i = 0; i < table_.row_of.size(); ++i) judge_row(i, modality, findings);
    if (left_out_ == 0) return;
    findings.push_back(
        {Severity::kWarning, "bad-rows-left-out", file_.string(),
         fmt::format("{} rows hold NaN, infinity or huge values and count as missing", left_out_),
         "as data.not_finite says"});
  }

 private:
  /// D, after making sure that there is one row per utterance.
  [[nodiscard]] std::int64_t width_of(const std::vector<std::int64_t>& shape) const {
    const auto size = static_cast<std::int64_t>(table_.row_of.size());
    const bool is_matrix = shape.size() == 2 || shape.size() == 1;
    const std::int64_t rows = is_matrix ? shape[0] : -1;
    const std::int64_t width = shape.size() == 2 ? shape[1] : 1;
    if (!is_matrix || rows != size || width < 1) {
      throw DataError(
          fmt::format("{}: its shape is ({}); the table has {} rows, so [{}, D] is "
                      "expected, one row per utterance in the order of the table",
                      file_.string(), fmt::join(shape, ", "), size, size));
    }
    return width;
  }

  [[nodiscard]] bool is_in_order() const {
    for (std::size_t i = 0; i < table_.row_of.size(); ++i) {
      if (table_.row_of[i] != static_cast<std::int64_t>(i)) return false;
    }
    return true;
  }

  /// Whether the file could be used as it is.
  bool map_rows(ModalityData& modality) const {
    std::error_code unknown;
    const auto bytes = fs::file_size(file_, unknown);
    if (unknown || bytes < kSmallestMapping || !is_in_order()) return false;
    const MappedFile mapped(file_);
    const NpyHeader header = parse_npy_header(mapped.bytes(), file_.string());
    const bool is_float = header.type == 'f' && header.item_size == sizeof(float);
    const bool is_row_major = !header.is_fortran || header.shape.size() < 2;
    if (!is_float || header.is_big_endian || !is_row_major) return false;
    if (header.data_offset % sizeof(float) != 0) return false;
    modality.width = width_of(header.shape);
    modality.features = FeatureArray::map(file_, header.data_offset, header.count);
    return true;
  }

  void copy_rows(ModalityData& modality) const {
    NpyArray array = load_npy(file_);
    modality.width = width_of(array.shape);
    if (is_in_order()) {
      modality.features = std::move(array.values);
      return;
    }
    const auto width = static_cast<std::size_t>(modality.width);
    std::vector<float> ordered(array.values.size());
    for (std::size_t i = 0; i < table_.row_of.size(); ++i) {
      const auto row = static_cast<std::size_t>(table_.row_of[i]);
      std::copy_n(array.values.begin() + static_cast<std::ptrdiff_t>(row * width), width,
                  ordered.begin() + static_cast<std::ptrdiff_t>(i * width));
    }
    modality.features = std::move(ordered);
  }

  /// Marks the row as absent where it is; a row that is absent reads as zeros.
  void judge_row(std::size_t i, ModalityData& modality, std::vector<Finding>& findings) {
    const auto width = static_cast<std::size_t>(modality.width);
    const auto values = std::as_const(modality).row(static_cast<std::int64_t>(i));
    const auto is_nan = [](float x) { return std::isnan(x); };
    if (std::all_of(values.begin(), values.end(), is_nan)) modality.present[i] = 0;
    if (!reads_all_ && modality.features.is_mapped() && modality.present[i] != 0) return;
    auto bad = values.end();
    if (modality.present[i] != 0) {
      bad = std::find_if(values.begin(), values.end(),
                         [](float x) { return !is_usable(x, kLargestFeature); });
      if (bad != values.end() && takes_bad_as_missing_) {
        modality.present[i] = 0;
        ++left_out_;
      }
    }
    if (modality.present[i] == 0) modality.features.hide(i * width, width);
    if (modality.present[i] == 0 || bad == values.end()) return;
    const auto row = static_cast<std::size_t>(table_.row_of[i]);
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
  bool reads_all_;
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
      if (!options.only_outlines) {
        require_as_written(options.folder, file.filename().string());
      }
      ArrayReader(file, table, options).read(modality, findings);
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
  if (const auto foreign = foreign_contents(text); !foreign.empty()) {
    throw DataError(fmt::format("{}: it is {}", name, foreign));
  }
  std::string converted;
  toml::table table;
  try {
    table = toml::parse(text_in_utf8(text, converted), name);
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
