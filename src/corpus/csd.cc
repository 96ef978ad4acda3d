#include "corpus/csd.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.h"
#include "base/foreign.h"
#include "corpus/assembler.h"
#include "corpus/csd_sequences.h"
#include "corpus/table_words.h"
#include "formats/csv.h"
#include "formats/hdf5.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

/// Frames that only touch a label's interval do not belong to it. In seconds, as in the SDK.
constexpr double kLeastOverlap = 1e-5;

constexpr const char* kSplitTable = "split.csv";

constexpr std::array kMoseiColumns = {"sentiment", "happy",   "sad", "anger",
                                      "surprise",  "disgust", "fear"};

/// Location of a sequence.
struct SequenceSource {
  std::string modality;
  std::string name;  ///< name of the file or group
  fs::path file;
  std::string root;  ///< group; empty = the first one
};

std::string column_name(std::size_t k, std::size_t count) {
  if (count == 1) return "sentiment";
  if (count == kMoseiColumns.size()) return kMoseiColumns[k];
  return fmt::format("label[{}]", k);
}

/// "video[12]" -> "video" and 12.
std::pair<std::string, std::int64_t> split_id(const std::string& id) {
  const std::size_t open = id.rfind('[');
  if (open == std::string::npos || open == 0 || !id.ends_with(']')) return {id, 0};
  const auto number = to_integer(std::string_view(id).substr(open + 1, id.size() - open - 2));
  return number ? std::pair(id.substr(0, open), *number) : std::pair(id, std::int64_t{0});
}

class CsdReader {
 public:
  CsdReader(const fs::path& source, const DataConfig& config)
      : source_(source),
        config_(config),
        assembler_(source.string(), SequenceRules::from(config)) {}

  Reading read(std::vector<SequenceSource> sequences, const std::string& name,
               const std::string& layout) {
    sort_sequences(std::move(sequences));
    read_split();
    read_labels();
    check_split();
    if (words_) read_words();
    for (const auto& feature : choose_features()) read_features(feature);
    return assembler_.finish(config_, name, layout);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(fmt::format("{}: {}", source_.string(), what));
  }

  void sort_sequences(std::vector<SequenceSource> sequences) {
    std::vector<std::string> labels;
    for (auto& sequence : sequences) {
      switch (kind_of_sequence(sequence.name)) {
        case SequenceKind::kLabels:
          labels.push_back(sequence.name);
          labels_ = std::move(sequence);
          break;
        case SequenceKind::kWords:
          if (!words_) words_ = std::move(sequence);
          break;
        case SequenceKind::kFeatures:
          features_.push_back(std::move(sequence));
          break;
        case SequenceKind::kOther:
          break;
      }
    }
    if (labels.empty()) {
      fail("no sequence holds labels (one whose name has 'label' in it); put it beside the others");
    }
    if (labels.size() > 1) {
      fail(fmt::format("several sequences hold labels ({}); keep one of them in the folder",
                       fmt::join(labels, ", ")));
    }
  }

  /// split.csv, if present: columns dialogue and split.
  void read_split() {
    const fs::path file = fs::is_directory(source_) ? source_ / kSplitTable : fs::path();
    std::error_code ignored;
    if (file.empty() || !fs::is_regular_file(file, ignored)) return;
    const CsvTable table = parse_csv(read_text_file(file), file.string());
    const auto dialogue = table.column("dialogue");
    const auto split = table.column("split");
    if (!dialogue || !split) {
      throw DataError(fmt::format("{}: columns dialogue and split are needed; there are {}",
                                  file.string(), fmt::join(table.header, ", ")));
    }
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      const auto part = part_of_word(trim(table.rows[row][*split]));
      if (!part) {
        throw DataError(fmt::format("{}, line {}: '{}' is none of train, validation, test",
                                    file.string(), table.lines[row], table.rows[row][*split]));
      }
      split_.emplace(normal_form(trim(table.rows[row][*dialogue])), *part);
    }
  }

  /// Reports recordings of split.csv that have no label, e.g. because they are spelt otherwise.
  void check_split() {
    std::set<std::string> labelled;
    for (const auto& [video, spans] : by_video_) labelled.insert(normal_form(video));
    std::vector<std::string> unknown;
    for (const auto& [video, part] : split_) {
      if (!labelled.contains(video)) unknown.push_back(video);
    }
    if (unknown.empty() || labelled.empty()) return;
    const std::string what = fmt::format(
        "{} of its {} recordings have no label, e.g. '{}'; those with labels are "
        "called like '{}'",
        unknown.size(), split_.size(), unknown[0], *labelled.begin());
    if (unknown.size() == split_.size()) fail(fmt::format("{}: {}", kSplitTable, what));
    assembler_.add_finding({Severity::kWarning, "unknown-dialogue",
                            fmt::format("{}/{}", source_.string(), kSplitTable), what,
                            "nothing, if they were never labelled"});
  }

  // ---- labels -----------------------------------------------------------------------------------

  void read_labels() {
    std::vector<LabelColumn> columns;
    read_sequence(labels_->file, labels_->root, false, [&](SequenceRows& rows) {
      const auto width = static_cast<std::size_t>(rows.width);
      if (rows.count == 0) return;
      if (columns.empty()) columns.resize(width);
      if (columns.size() != width) {
        fail(fmt::format("{}: {} has {} labels, others {}", labels_->name, rows.id, width,
                         columns.size()));
      }
      for (std::int64_t k = 0; k < rows.count; ++k) add_record(rows, k, columns);
    });
    for (std::size_t k = 0; k < columns.size(); ++k) {
      columns[k].name = column_name(k, columns.size());
      assembler_.add_label(std::move(columns[k]));
    }
  }

  void add_record(const SequenceRows& rows, std::int64_t k, std::vector<LabelColumn>& columns) {
    const auto [video, number] = split_id(rows.id);
    // An aligned sequence has an entry per label; otherwise labels are numbered here.
    const bool is_aligned = video != rows.id;
    if (is_aligned && k > 0) return;
    Record record;
    record.dialogue = video;
    record.order = is_aligned ? number : k;
    record.id = is_aligned ? rows.id : fmt::format("{}[{}]", video, k);
    const auto part = split_.find(normal_form(video));
    if (part != split_.end()) record.part = part->second;
    Span span{0, 0, assembler_.size()};
    if (!rows.intervals.empty()) {
      span.start = rows.intervals[static_cast<std::size_t>(2 * k)];
      span.end = rows.intervals[static_cast<std::size_t>(2 * k + 1)];
    }
    if (!(span.end >= span.start)) {
      assembler_.add_finding({Severity::kError, "bad-interval",
                              fmt::format("{}, {}", labels_->name, record.id),
                              fmt::format("its interval is {} to {} s", span.start, span.end),
                              "correct the label file"});
    }
    by_id_.emplace(record.id, assembler_.size());
    by_video_[video].push_back(span);
    assembler_.add(std::move(record));
    for (std::size_t d = 0; d < columns.size(); ++d) {
      columns[d].values.push_back(rows.values[static_cast<std::size_t>(k) * columns.size() + d]);
    }
  }

  // ---- rows of a label --------------------------------------------------------------------------

  struct Span {
    double start = 0;
    double end = 0;
    std::size_t record = 0;
  };

  /// Calls `visit(record, rows)` with the numbers of the rows of each label.
  template <typename Visit>
  void for_each_label(const SequenceRows& rows, Visit visit) {
    std::vector<std::int64_t> numbers;
    const auto aligned = by_id_.find(rows.id);
    const bool is_entry = aligned != by_id_.end() && split_id(rows.id).first != rows.id;
    if (is_entry) {
      for (std::int64_t t = 0; t < rows.count; ++t) numbers.push_back(t);
      visit(aligned->second, numbers);
      return;
    }
    const auto spans = by_video_.find(rows.id);
    if (spans == by_video_.end()) return;
    if (rows.intervals.empty()) fail(fmt::format("{} has no intervals", rows.id));
    for (const Span& span : spans->second) {
      numbers.clear();
      for (std::int64_t t = 0; t < rows.count; ++t) {
        const double start = rows.intervals[static_cast<std::size_t>(2 * t)];
        const double end = rows.intervals[static_cast<std::size_t>(2 * t + 1)];
        const double overlap = std::min(end, span.end) - std::max(start, span.start);
        if (overlap > kLeastOverlap) numbers.push_back(t);
      }
      visit(span.record, numbers);
    }
  }

  void read_words() {
    std::map<std::size_t, std::string> texts;
    read_sequence(words_->file, words_->root, true, [&](SequenceRows& rows) {
      for_each_label(rows, [&](std::size_t record, const std::vector<std::int64_t>& numbers) {
        std::string& text = texts[record];
        for (const std::int64_t t : numbers) {
          const std::string& word = rows.texts[static_cast<std::size_t>(t)];
          if (word == "sp" || word.empty()) continue;  // a pause
          if (!text.empty()) text += ' ';
          text += word;
        }
      });
    });
    for (auto& [record, text] : texts) assembler_.set_transcript(record, std::move(text));
  }

  [[nodiscard]] std::vector<SequenceSource> choose_features() const {
    const auto choices = parse_modality_choices(config_.modalities);
    std::vector<SequenceSource> chosen;
    for (const auto& [name, source] : choices) {
      const auto found =
          std::find_if(features_.begin(), features_.end(), [&wanted = source](const auto& feature) {
            return feature.name == wanted || feature.file.filename() == wanted;
          });
      if (found == features_.end()) {
        throw ConfigError(fmt::format("{}: no sequence '{}'; there are {}", source_.string(),
                                      source, feature_names()));
      }
      chosen.push_back(*found);
      if (!name.empty()) chosen.back().modality = name;
    }
    if (!choices.empty()) return chosen;
    chosen = features_;
    std::stable_sort(chosen.begin(), chosen.end(), [](const auto& x, const auto& y) {
      return std::pair(modality_rank(x.modality), x.modality) <
             std::pair(modality_rank(y.modality), y.modality);
    });
    for (std::size_t i = 1; i < chosen.size(); ++i) {
      if (chosen[i].modality != chosen[i - 1].modality) continue;
      throw ConfigError(fmt::format(
          "{}: several sequences hold {} features ({}); choose with --features {}={} (and name the "
          "other modalities likewise)",
          source_.string(), chosen[i].modality, feature_names(), chosen[i].modality,
          chosen[i].name));
    }
    return chosen;
  }

  [[nodiscard]] std::string feature_names() const {
    std::vector<std::string> names;
    for (const auto& feature : features_) names.push_back(feature.name);
    return fmt::format("{}", fmt::join(names, ", "));
  }

  /// The rows of these numbers, which ascend: as they lie where they follow one another, which is
  /// nearly always, else copied into `gathered`.
  static std::span<const float> frames_of(const SequenceRows& rows,
                                          const std::vector<std::int64_t>& numbers,
                                          std::vector<float>& gathered) {
    const auto width = static_cast<std::size_t>(rows.width);
    const auto row = [&](std::int64_t t) {
      return std::span(rows.values).subspan(static_cast<std::size_t>(t) * width, width);
    };
    if (numbers.empty()) return {};
    const auto count = static_cast<std::int64_t>(numbers.size());
    if (numbers.back() - numbers.front() + 1 == count) {
      return {row(numbers.front()).data(), numbers.size() * width};
    }
    gathered.clear();
    for (const std::int64_t t : numbers) {
      const auto values = row(t);
      gathered.insert(gathered.end(), values.begin(), values.end());
    }
    return gathered;
  }

  void read_features(const SequenceSource& feature) {
    std::optional<std::size_t> m;
    std::vector<float> gathered;
    read_sequence(feature.file, feature.root, false, [&](SequenceRows& rows) {
      if (rows.count == 0) return;
      if (!m) m = assembler_.add_modality(feature.modality, rows.width);
      if (rows.width != assembler_.width(*m)) {
        fail(fmt::format("{}: {} is {} wide, others {}", feature.name, rows.id, rows.width,
                         assembler_.width(*m)));
      }
      for_each_label(rows, [&](std::size_t record, const std::vector<std::int64_t>& numbers) {
        assembler_.set(*m, record, frames_of(rows, numbers, gathered),
                       fmt::format("{} of {}", feature.name, assembler_.record(record).id));
      });
    });
    if (!m) fail(fmt::format("{} holds no features", feature.name));
  }

  fs::path source_;
  const DataConfig& config_;
  CorpusAssembler assembler_;
  std::optional<SequenceSource> labels_;
  std::optional<SequenceSource> words_;
  std::vector<SequenceSource> features_;
  std::map<std::string, Part> split_;  ///< by recording
  std::unordered_map<std::string, std::size_t> by_id_;
  std::unordered_map<std::string, std::vector<Span>> by_video_;
};

std::vector<fs::path> csd_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const fs::path& path = entry.path();
    if (path.extension() == ".csd" && !is_side_file(path.filename().string())) {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

bool is_csd_folder(const fs::path& folder) { return !csd_files(folder).empty(); }

Reading read_csd_folder(const DataConfig& config) {
  const fs::path folder = config.path;
  std::vector<SequenceSource> sequences;
  for (const auto& file : csd_files(folder)) {
    const std::string name = file.stem().string();
    sequences.push_back({modality_of_sequence(name), name, file, ""});
  }
  if (sequences.empty()) {
    throw DataError(fmt::format("{}: there is no .csd file", folder.string()));
  }
  return CsdReader(folder, config)
      .read(std::move(sequences), fs::weakly_canonical(folder).filename().string(),
            "CMU-MultimodalSDK (.csd), aligned to the label intervals");
}

Reading read_merged_hdf5(const fs::path& file, const DataConfig& config) {
  std::vector<SequenceSource> sequences;
  for (const auto& name : list_hdf5_root(file)) {
    sequences.push_back({modality_of_sequence(name), name, file, name});
  }
  return CsdReader(file, config)
      .read(std::move(sequences), file.stem().string(), "merged HDF5 of aligned sequences");
}

}  // namespace hardy
