// Turns records in file order into a Corpus: dialogues, positions, rows.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/sequence.h"
#include "hardy/corpus.h"
#include "hardy/load.h"

namespace hardy {

/// One utterance in a file's order.
struct Record {
  std::string id;
  std::string dialogue;
  std::int64_t order = 0;  ///< sort key within a dialogue; ties keep the file's order
  std::string speaker;
  std::string group;
  Part part = Part::kNone;
  std::string transcript;
};

/// A label of every record: numbers, or text that names classes.
struct LabelColumn {
  std::string name;
  std::vector<float> values;       ///< [N]; empty when the labels are texts; NaN = not labelled
  std::vector<std::string> texts;  ///< [N]; empty when the labels are numbers
  std::vector<std::string> class_names;  ///< for numbers that are indices of classes
  bool is_nan_unlabelled = false;        ///< its NaN were classified already
};

/// The value of DataConfig::label that reads no label: every utterance is unlabelled.
inline constexpr std::string_view kNoLabel = "none";

/// Collects records, labels and features in the order of a file and puts them in the order of
/// dialogues. Not thread-safe.
class CorpusAssembler {
 public:
  CorpusAssembler(std::string source, const SequenceRules& rules)
      : source_(std::move(source)), rules_(rules) {}

  /// Adds a record; its number counts from 0.
  void add(Record record) { records_.push_back(std::move(record)); }

  [[nodiscard]] std::size_t size() const { return records_.size(); }

  [[nodiscard]] const Record& record(std::size_t i) const { return records_[i]; }

  void set_transcript(std::size_t record, std::string text) {
    records_[record].transcript = std::move(text);
  }

  /// Adds labels of all records; the first one is the default.
  void add_label(LabelColumn column) { labels_.push_back(std::move(column)); }

  /// Adds an empty modality for sequences of frames of `width` values, for the records added so
  /// far. Returns its index. Throws DataError when the width is not at least 1.
  std::size_t add_modality(const std::string& name, std::int64_t width, bool is_sequence = true);

  /// Width of a frame of modality `m`.
  [[nodiscard]] std::int64_t width(std::size_t m) const { return widths_[m]; }

  /// Sets the feature of a record from its frames [T, width]; T = 0: missing. Problems become
  /// findings, which name `where`.
  void set(std::size_t m, std::size_t record, std::span<const float> frames,
           const std::string& where);

  /// Adds a complete modality: a row for every record, in order.
  void add_vectors(ModalityData modality);

  void add_finding(Finding finding) { findings_.push_back(std::move(finding)); }

  /// The corpus with the label `config.label`; with the task "labels" or "values" with several:
  /// those listed there, otherwise CMU-MOSEI's emotions or all values. `layout` names the layout.
  /// Utterances of one dialogue in several parts of the split become one dialogue per part. Throws
  /// DataError without records or modalities, ConfigError when no label has the name.
  Reading finish(const DataConfig& config, const std::string& name, const std::string& layout);

 private:
  void split_mixed_dialogues();
  void separate_parts(bool is_asked);
  void check_ids();
  [[nodiscard]] const LabelColumn& find_label(const std::string& name) const;
  void choose_label(const DataConfig& config, Corpus& corpus, std::vector<float>& labels);
  [[nodiscard]] std::vector<const LabelColumn*> choose_targets(const DataConfig& config) const;
  void fill_targets(const DataConfig& config, const std::vector<std::size_t>& order, Corpus& corpus,
                    std::vector<float>& labels);
  void apply_classes(const LabelColumn& column, Corpus& corpus, std::vector<float>& labels);
  [[nodiscard]] std::vector<std::size_t> order_records() const;
  /// The largest magnitude of the values that are no fillers; infinite where none is sought.
  [[nodiscard]] double largest_value(const std::vector<float>& labels, const Corpus& corpus) const;
  void fill_dialogues(const std::vector<std::size_t>& order, const std::vector<float>& labels,
                      Corpus& corpus);
  void fill_modalities(const std::vector<std::size_t>& order, Corpus& corpus);
  void check_class(const Record& record, float label, bool is_unlabelled, const Corpus& corpus);
  void add_counts();

  std::string source_;
  SequenceRules rules_;
  std::vector<Record> records_;
  std::vector<LabelColumn> labels_;
  std::vector<ModalityData> modalities_;  ///< rows in record order
  std::vector<std::int64_t> widths_;      ///< width of a frame
  std::vector<bool> is_sequence_;
  std::vector<std::int64_t> skipped_;  ///< frames left out, per modality
  std::vector<std::string> marks_;     ///< of DataConfig::unlabelled
  bool is_nan_unlabelled_ = false;     ///< NaN in the selected labels
  std::vector<Finding> findings_;
};

}  // namespace hardy
