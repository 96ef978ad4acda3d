#include "corpus/label_column.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "corpus/label_words.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kMaxClasses = 1000;
constexpr float kUnlabelled = std::numeric_limits<float>::quiet_NaN();
/// With more distinct whole numbers, negative ones are unlikely to be class numbers.
constexpr std::size_t kFewValues = 10;

constexpr const char* kSayUnlabelled =
    "label it, remove the row, or say what stands for \"not labelled\": unlabelled = [..] in "
    "corpus.toml, or --set data.unlabelled=..";

/// Counts of the kinds of entries in a column.
struct Census {
  std::size_t others = 0;  ///< neither marks nor missing
  std::size_t numbers = 0;
  std::size_t whole = 0;
  std::size_t fractions = 0;  ///< whole numbers written with a decimal point
  std::size_t commas = 0;
  std::size_t lists = 0;
  std::size_t percentages = 0;
  std::set<std::int64_t> values;  ///< the whole numbers
};

class LabelColumnReader {
 public:
  LabelColumnReader(const TableColumn& column, const PlainSettings& settings)
      : column_(column), settings_(settings) {
    for (const auto text : column_.texts) count(text);
  }

  TableLabels read() {
    if (settings_.task == "regression") {
      read_values();
    } else if (settings_.task == "class" || !settings_.class_names.empty()) {
      result_.class_names = settings_.class_names;
      if (result_.class_names.empty()) collect_classes();
      read_classes();
    } else {
      guess();
    }
    warn_of_similar_classes();
    warn_of_doubtful_classes();
    return std::move(result_);
  }

 private:
  void count(std::string_view text) {
    if (is_unlabelled_mark(text, settings_) || looks_missing(text)) return;
    ++census_.others;
    if (text.starts_with('[') || text.starts_with('(')) ++census_.lists;
    if (has_decimal_comma(text)) ++census_.commas;
    if (is_percentage(text)) ++census_.percentages;
    if (!number_in(text)) return;
    ++census_.numbers;
    const auto whole = whole_number_in(text);
    if (!whole) return;
    ++census_.whole;
    census_.values.insert(*whole);
    if (text.find_first_of(".eE") != std::string_view::npos) ++census_.fractions;
  }

  void add(Severity severity, const char* kind, std::size_t row, std::string what,
           std::string remedy) {
    result_.findings.push_back({severity, kind,
                                fmt::format("{}, line {}", column_.file, column_.lines[row]),
                                std::move(what), std::move(remedy)});
  }

  void add_to_file(Severity severity, const char* kind, std::string what, std::string remedy) {
    result_.findings.push_back({severity, kind, column_.file, std::move(what), std::move(remedy)});
  }

  // ---- kind of labels ---------------------------------------------------------------------------

  void guess() {
    if (census_.lists > 0) {
      add_to_file(Severity::kError, "label-list",
                  fmt::format("{} labels are lists such as '{}'", census_.lists,
                              first([](auto text) { return text[0] == '[' || text[0] == '('; })),
                  "write one column per emotion instead, label:NAME, with 0 or 1 in it");
    } else if (2 * census_.percentages > census_.others) {
      add_to_file(Severity::kError, "label-percent",
                  fmt::format("{} labels are percentages, e.g. '{}'", census_.percentages,
                              first(is_percentage)),
                  "write the numbers without %");
    } else if (census_.commas > 0 && 2 * (census_.commas + census_.numbers) > census_.others) {
      add_to_file(Severity::kError, "label-comma",
                  fmt::format("{} labels have a decimal comma, e.g. '{}'", census_.commas,
                              first(has_decimal_comma)),
                  "write numbers with a point (in pandas: read_csv(.., decimal=\",\"))");
      result_.findings.back().is_mended = true;
      has_commas_ = true;
      return read_values();
    }
    if (2 * census_.numbers > census_.others) {
      guess_numbers();
    } else {
      collect_classes();
      read_classes();
    }
  }

  void guess_numbers() {
    const bool is_whole = census_.whole == census_.numbers;
    const bool has_negative = is_whole && *census_.values.begin() < 0;
    if (!is_whole || (has_negative && !has_negative_mark())) {
      if (is_whole && census_.values.size() <= kFewValues) {
        add_to_file(Severity::kWarning, "label-guess",
                    fmt::format("the labels {} are read as values", some_values()),
                    "if they name classes say so: --set data.task=class, or task = \"class\" in "
                    "corpus.toml");
      }
      return read_values();
    }
    if (census_.fractions > 0) {
      add_to_file(Severity::kWarning, "label-guess",
                  fmt::format("the labels {} are whole numbers with a point and read as {} classes",
                              some_values(), census_.values.size()),
                  "if they are values say so: --set data.task=regression, or task = "
                  "\"regression\" in corpus.toml");
    }
    collect_classes();
    read_classes();
  }

  /// Whether one negative number occurs among several class numbers, the usual mark of partly
  /// labelled data sets. -1, 0 and 1 are ambiguous.
  [[nodiscard]] bool has_negative_mark() const {
    if (census_.whole != census_.numbers || census_.values.size() < 4) return false;
    return *census_.values.begin() < 0 && *std::next(census_.values.begin()) >= 0;
  }

  /// A number of nines far above the other class numbers, among at least two others.
  [[nodiscard]] std::optional<std::int64_t> filler() const {
    if (census_.values.size() < 3) return std::nullopt;
    const auto last = std::prev(census_.values.end());
    const bool is_far = *last > 2 * *std::prev(last) + 1;
    return is_far && is_filler(static_cast<double>(*last)) ? std::optional(*last) : std::nullopt;
  }

  [[nodiscard]] std::string some_values() const {
    const std::vector<std::int64_t> all(census_.values.begin(), census_.values.end());
    if (all.size() <= kFewValues) return fmt::format("{}", fmt::join(all, ", "));
    return fmt::format("{} .. {}", all.front(), all.back());
  }

  template <typename IsWanted>
  [[nodiscard]] std::string first(const IsWanted& is_wanted) const {
    for (const auto text : column_.texts) {
      if (!text.empty() && is_wanted(text)) return std::string(text);
    }
    return "";
  }

  // ---- classes ----------------------------------------------------------------------------------

  /// The distinct labels: sorted by number if most are whole numbers, else by name.
  void collect_classes() {
    is_numbered_ = census_.whole == census_.numbers && 2 * census_.whole > census_.others;
    std::set<std::pair<std::int64_t, std::string>> names;
    for (const auto text : column_.texts) {
      if (is_unlabelled_mark(text, settings_) || looks_missing(text)) continue;
      if (!is_numbered_) names.emplace(0, normal_form(text));
      const auto number = whole_number_in(text);
      const bool is_class = number && (*number >= 0 || !has_negative_mark()) && number != filler();
      if (is_numbered_ && is_class) names.emplace(*number, std::to_string(*number));
      if (names.size() <= kMaxClasses) continue;
      throw DataError(
          fmt::format("{}: more than {} different labels; are they values? Say so with "
                      "task = \"regression\"",
                      column_.file, kMaxClasses));
    }
    for (const auto& [number, name] : names) result_.class_names.push_back(name);
  }

  void read_classes() {
    result_.kind = LabelKind::kClass;
    bool has_number = false;
    for (std::size_t c = 0; c < result_.class_names.size(); ++c) {
      index_.emplace(normal_form(result_.class_names[c]), c);
      has_number = has_number || number_in(result_.class_names[c]).has_value();
    }
    // If classes are named by numbers, a number that is none of them is not an index.
    takes_index_ = !has_number;
    for (std::size_t row = 0; row < column_.texts.size(); ++row) {
      result_.labels.push_back(class_of(row));
    }
  }

  float class_of(std::size_t row) {
    const auto text = column_.texts[row];
    const auto named = index_.find(normal_form(text));
    if (named != index_.end()) return static_cast<float>(named->second);
    if (is_unlabelled_mark(text, settings_)) return kUnlabelled;
    const auto number = whole_number_in(text);
    if (number && !takes_index_) {
      const auto numbered = index_.find(std::to_string(*number));
      if (numbered != index_.end()) return static_cast<float>(numbered->second);
    }
    if (number && takes_index_ && *number >= 0 &&
        *number < static_cast<std::int64_t>(index_.size())) {
      return static_cast<float>(*number);
    }
    if (looks_missing(text)) {
      add(Severity::kError, "missing-label", row,
          fmt::format("label '{}' is none: the utterance seems not to be labelled", text),
          kSayUnlabelled);
    } else if (is_numbered_ && number && (*number < 0 || number == filler())) {
      add(Severity::kError, "label-mark", row,
          fmt::format("label '{}' stands among the class numbers {}: it seems to mean \"not "
                      "labelled\"",
                      text, class_list()),
          fmt::format("say so with unlabelled = [\"{}\"] in corpus.toml or --set "
                      "data.unlabelled={}; if all labels are values, --set data.task=regression",
                      text, text));
    } else if (is_numbered_) {
      add(Severity::kError, "bad-label", row,
          fmt::format("label '{}' is no number, most others are", text), kSayUnlabelled);
    } else {
      add(Severity::kError, "label-range", row,
          fmt::format("label '{}' is none of the classes {}", text, class_list()),
          "correct the label or class_names in corpus.toml");
    }
    return kUnlabelled;
  }

  [[nodiscard]] std::string class_list() const {
    return fmt::format("{}", fmt::join(result_.class_names, ", "));
  }

  /// "happy" and "Happy" are probably one class.
  void warn_of_similar_classes() {
    std::map<std::string, std::string> seen;
    for (const auto& name : result_.class_names) {
      const auto [found, is_new] = seen.emplace(as_seen(name), name);
      if (is_new) continue;
      add_to_file(Severity::kWarning, "similar-classes",
                  fmt::format("'{}' and '{}' are two classes", found->second, name),
                  "write them alike if they are one");
    }
  }

  /// Says when a name of no class may have become one.
  void warn_of_doubtful_classes() {
    for (const auto& name : result_.class_names) {
      if (!settings_.class_names.empty() || !is_doubtful_class(name)) continue;
      add_to_file(Severity::kWarning, "label-guess", fmt::format("'{}' is read as a class", name),
                  fmt::format("if it means \"not labelled\" say so: unlabelled = [\"{}\"] in "
                              "corpus.toml or --set data.unlabelled={}",
                              name, name));
    }
  }

  // ---- values -----------------------------------------------------------------------------------

  /// The largest magnitude of the values that are no fillers; infinite without any.
  [[nodiscard]] double largest_value() const {
    double largest = -1;
    for (const auto text : column_.texts) {
      const auto value = has_commas_ ? number_with_comma(text) : number_in(text);
      if (value && !is_filler(*value)) largest = std::max(largest, std::abs(*value));
    }
    return largest < 0 ? std::numeric_limits<double>::infinity() : largest;
  }

  void read_values() {
    result_.kind = LabelKind::kValue;
    const double largest = largest_value();
    for (std::size_t row = 0; row < column_.texts.size(); ++row) {
      const auto text = column_.texts[row];
      const auto value = has_commas_ ? number_with_comma(text) : number_in(text);
      const bool is_mark = is_unlabelled_mark(text, settings_);
      const bool is_far = value && is_filler_among(*value, largest);
      result_.labels.push_back(value && !is_mark ? static_cast<float>(*value) : kUnlabelled);
      if (is_far && !is_mark) {
        add(Severity::kError, "label-mark", row,
            fmt::format("label '{}' stands among values of at most {}: it seems to mean \"not "
                        "labelled\"",
                        text, largest),
            fmt::format("say so with unlabelled = [\"{}\"] in corpus.toml or --set "
                        "data.unlabelled={}, or correct it",
                        text, text));
      }
      if (value || is_mark) continue;
      add(Severity::kError, "bad-label", row,
          fmt::format("label '{}' is not a finite number", text),
          has_decimal_comma(text) ? "write it with a decimal point" : kSayUnlabelled);
    }
  }

  const TableColumn& column_;
  const PlainSettings& settings_;
  Census census_;
  TableLabels result_;
  std::unordered_map<std::string, std::size_t> index_;
  bool is_numbered_ = false;
  bool takes_index_ = false;
  bool has_commas_ = false;  ///< read as if they were decimal points
};

}  // namespace

bool is_unlabelled_mark(std::string_view text, const PlainSettings& settings) {
  return std::find(settings.unlabelled.begin(), settings.unlabelled.end(), text) !=
         settings.unlabelled.end();
}

std::vector<std::string> unlabelled_marks(const std::string& text) {
  std::vector<std::string> marks;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view mark = trim(rest.substr(0, comma));
    marks.emplace_back(mark == "empty" ? std::string_view{} : mark);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return marks;
}

bool is_unlabelled_number(float number, const std::vector<std::string>& marks) {
  return std::any_of(marks.begin(), marks.end(), [&](const std::string& mark) {
    const auto value = to_real(mark);
    if (!value) return false;
    return std::isnan(number) ? std::isnan(*value) : static_cast<float>(*value) == number;
  });
}

TableLabels read_label_column(const TableColumn& column, const PlainSettings& settings) {
  return LabelColumnReader(column, settings).read();
}

}  // namespace hardy
