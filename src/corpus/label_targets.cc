// Several labels per utterance: the columns label:NAME of a plain table.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "corpus/label_column.h"
#include "corpus/label_words.h"
#include "formats/text.h"

namespace hardy {
namespace {

/// Tolerance of the sum of a row's shares, for rounded tables.
constexpr double kSumTolerance = 0.02;

class TargetReader {
 public:
  TargetReader(const std::vector<std::string>& names, const std::vector<TableColumn>& columns,
               const PlainSettings& settings)
      : names_(names), columns_(columns), settings_(settings), rows_(columns[0].texts.size()) {}

  TableLabels read() {
    for (std::size_t row = 0; row < rows_; ++row) read_row(row);
    const std::string task = choose_task();
    if (task == "shares") {
      read_shares();
    } else {
      result_.kind = task == "values" ? LabelKind::kValues : LabelKind::kLabels;
      result_.target_names = names_;
      if (task == "labels") make_labels();
      result_.targets = std::move(numbers_);
    }
    return std::move(result_);
  }

 private:
  void add(Severity severity, const char* kind, std::size_t row, std::string what,
           std::string remedy) {
    result_.findings.push_back(
        {severity, kind, fmt::format("{}, line {}", columns_[0].file, columns_[0].lines[row]),
         std::move(what), std::move(remedy)});
  }

  /// Numbers of a row; an unlabelled one stays zero.
  void read_row(std::size_t row) {
    std::size_t marks = 0;
    const std::size_t first = numbers_.size();
    for (std::size_t t = 0; t < names_.size(); ++t) {
      const auto text = columns_[t].texts[row];
      const float number = static_cast<float>(to_real(text).value_or(NAN));
      const bool is_mark = is_unlabelled_mark(text, settings_);
      marks += is_mark ? 1 : 0;
      numbers_.push_back(std::isfinite(number) && !is_mark ? number : 0.0F);
      if (std::isfinite(number) || is_mark) continue;
      add(Severity::kError, looks_missing(text) ? "missing-label" : "bad-label", row,
          fmt::format("label:{} '{}' is not a finite number", names_[t], text),
          "correct it, or say what stands for \"not labelled\": unlabelled = [..] in corpus.toml, "
          "or --set data.unlabelled=..");
    }
    const bool is_labelled = marks == 0;
    result_.labels.push_back(is_labelled ? 0.0F : std::numeric_limits<float>::quiet_NaN());
    if (is_labelled || marks == names_.size()) return;
    std::fill(numbers_.begin() + static_cast<std::ptrdiff_t>(first), numbers_.end(), 0.0F);
    add(Severity::kError, "partly-labelled", row,
        fmt::format("{} of {} labels are marked as not labelled", marks, names_.size()),
        "give all of them or none");
  }

  [[nodiscard]] double sum_of(std::size_t row) const {
    double sum = 0;
    for (std::size_t t = 0; t < names_.size(); ++t) {
      sum += static_cast<double>(numbers_[row * names_.size() + t]);
    }
    return sum;
  }

  std::string choose_task() {
    const std::string& asked = settings_.task;
    if (asked == "labels" || asked == "values" || asked == "shares") return asked;
    if (asked != "auto") {
      result_.findings.push_back(
          {Severity::kError, "label-task", columns_[0].file,
           fmt::format("there are several labels per utterance ({}), the task is '{}'",
                       fmt::join(names_, ", "), asked),
           "say what they are with task = \"labels\", \"values\" or \"shares\""});
      return "values";
    }
    const bool is_binary = std::all_of(numbers_.begin(), numbers_.end(),
                                       [](float x) { return x == 0.0F || x == 1.0F; });
    bool adds_up = std::none_of(numbers_.begin(), numbers_.end(), [](float x) { return x < 0; });
    for (std::size_t row = 0; row < rows_ && adds_up; ++row) {
      adds_up = std::isnan(result_.labels[row]) || std::abs(sum_of(row) - 1) <= kSumTolerance;
    }
    const char* guess = is_binary ? "labels" : adds_up ? "shares" : "values";
    result_.findings.push_back(
        {Severity::kWarning, "label-guess", columns_[0].file,
         fmt::format("the columns label:{} are read as task \"{}\"", fmt::join(names_, ", label:"),
                     guess),
         "say what they are with task = \"labels\" (each is there or not), \"values\" or "
         "\"shares\" (of raters) in corpus.toml"});
    return guess;
  }

  /// Present above zero, the rule for the emotions of CMU-MOSEI (0 to 3).
  void make_labels() {
    for (std::size_t row = 0; row < rows_; ++row) {
      for (std::size_t t = 0; t < names_.size(); ++t) {
        float& number = numbers_[row * names_.size() + t];
        if (number < 0) {
          add(Severity::kError, "label-range", row,
              fmt::format("label:{} is {}; it is there (above 0) or not (0)", names_[t], number),
              "correct it, or say task = \"values\"");
        }
        number = number > 0 ? 1.0F : 0.0F;
      }
    }
  }

  /// Votes or shares -> shares; the label is the class with the largest share, the first of equals.
  void read_shares() {
    result_.kind = LabelKind::kClass;
    result_.class_names = names_;
    for (std::size_t row = 0; row < rows_; ++row) {
      const auto votes = numbers_.begin() + static_cast<std::ptrdiff_t>(row * names_.size());
      const auto end = votes + static_cast<std::ptrdiff_t>(names_.size());
      if (std::isnan(result_.labels[row])) continue;
      const double sum = sum_of(row);
      if (std::any_of(votes, end, [](float x) { return x < 0; }) || sum <= 0) {
        add(Severity::kError, "label-range", row, "the shares are negative or add up to nothing",
            "correct them");
        continue;
      }
      result_.labels[row] = static_cast<float>(std::max_element(votes, end) - votes);
      for (auto share = votes; share != end; ++share) {
        *share = static_cast<float>(static_cast<double>(*share) / sum);
      }
    }
    result_.shares = std::move(numbers_);
  }

  const std::vector<std::string>& names_;
  const std::vector<TableColumn>& columns_;
  const PlainSettings& settings_;
  std::size_t rows_;
  std::vector<float> numbers_;  ///< [rows, T]
  TableLabels result_;
};

}  // namespace

TableLabels read_target_columns(const std::vector<std::string>& names,
                                const std::vector<TableColumn>& columns,
                                const PlainSettings& settings) {
  return TargetReader(names, columns, settings).read();
}

}  // namespace hardy
