// The text table of a run: conditions as rows, a block per metric.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/results_text.h"
#include "base/wording.h"
#include "metrics/registry.h"

namespace hardy {
namespace {

constexpr std::size_t kNumbersWidth = 42;  // columns right of the condition
constexpr const char* kBold = "\x1b[1m";
constexpr const char* kPlain = "\x1b[0m";

/// Terminal columns of a text: bytes that do not continue a character.
std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t taken = columns_of(text);
  return text + std::string(width > taken ? width - taken : 0, ' ');
}

std::string right(const std::string& text, std::size_t width) {
  const std::size_t taken = columns_of(text);
  return std::string(width > taken ? width - taken : 0, ' ') + text;
}

/// Breaks a paragraph at spaces.
std::string wrapped(const std::string& text, std::size_t width) {
  std::string lines;
  std::size_t used = 0;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    const std::size_t size = columns_of(word);
    if (used > 0 && used + 1 + size > width) {
      lines += '\n';
      used = 0;
    }
    if (used > 0) lines += ' ';
    used += size + (used > 0 ? 1 : 0);
    lines += word;
    begin = end + 1;
  }
  return lines + "\n";
}

bool has_intervals(const Results& results, const std::string& metric) {
  return std::any_of(
      results.summaries.begin(), results.summaries.end(),
      [&](const Summary& summary) { return summary.metric == metric && !std::isnan(summary.low); });
}

/// Significant digits of an interval: two of its width, 2 to 4 decimals.
int digits_for(const Results& results, const std::string& metric) {
  double narrowest = std::numeric_limits<double>::infinity();
  for (const Summary& summary : results.summaries) {
    const double width = summary.high - summary.low;
    if (summary.metric == metric && width > 0) narrowest = std::min(narrowest, width);
  }
  if (std::isinf(narrowest)) return 4;
  return std::clamp(1 + static_cast<int>(std::ceil(-std::log10(narrowest))), 2, 4);
}

std::string number(double value, int digits) {
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, digits);
}

/// Writes the blocks of a table.
class TableWriter {
 public:
  TableWriter(const Results& results, const TableStyle& style)
      : results_(results),
        style_(style),
        is_over_seeds_(results.seeds.size() > 1),
        labels_(table_columns(results)) {
    for (const auto& label : labels_) {
      shown_.push_back(shown(label));
      longest_ = std::max(longest_, columns_of(shown_.back()));
    }
    const std::size_t room = std::max<std::size_t>(style.width, kNumbersWidth + 20) - kNumbersWidth;
    is_short_ = longest_ + 2 > room;
    if (!is_short_) return;
    longest_ = 0;
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      shown_[i] = shortened(labels_[i]);
      longest_ = std::max(longest_, columns_of(shown_[i]));
    }
  }

  [[nodiscard]] std::string title() const {
    std::set<int> tested;  // `hardy train` fits one fold of several
    for (const Score& score : results_.scores) tested.insert(score.fold);
    // Names of generated corpora contain it already.
    const bool must_say = results_.is_synthetic && !results_.data_name.ends_with("(synthetic)");
    std::string text = heading(
        fmt::format("{}{}: {}, test, {}, {}", results_.data_name, must_say ? " (synthetic)" : "",
                    declared_method(results_.method).title, counted(tested.size(), "fold"),
                    counted(results_.seeds.size(), "seed")));
    text += '\n';
    if (!results_.defects.empty()) {
      text += wrapped(fmt::format("PUBLISHED DEFECTS ARE ON: these numbers are not results of the "
                                  "method. On: {}",
                                  fmt::join(results_.defects, ", ")),
                      style_.width);
    }
    return text;
  }

  [[nodiscard]] std::string block(const std::string& track, const std::string& metric) const {
    const bool has_interval = has_intervals(results_, metric);
    const bool has_spread = is_over_seeds_ || results_.folds.size() > 1;
    std::string head = padded(track, longest_ + 2) + right(metric_title(metric), 12);
    if (has_spread) head += right("±", 9);
    if (has_interval) head += right(fmt::format("{:g} %", 100 * results_.intervals.level), 20);
    std::string text = "\n" + heading(head) + "\n";
    const int digits = digits_for(results_, metric);
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      const Summary* summary = results_.find(track, labels_[i], metric);
      if (summary == nullptr) continue;
      std::string line =
          padded("  " + shown_[i], longest_ + 2) + right(number(summary->mean, digits), 12);
      const double spread = is_over_seeds_ ? summary->seed_deviation : summary->fold_deviation;
      if (has_spread) line += right(number(spread, digits), 9);
      if (has_interval) {
        line +=
            right(std::isnan(summary->low) ? "-"
                                           : fmt::format("{} to {}", number(summary->low, digits),
                                                         number(summary->high, digits)),
                  20);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    return text;
  }

  /// Explanation of the numbers and of omissions.
  [[nodiscard]] std::string key(const std::vector<std::string>& metrics) const {
    std::string text = "\n";
    for (const auto& metric : metrics) {
      const MetricInfo* info = find_metric(metric);
      if (info == nullptr) continue;
      text += wrapped(fmt::format("{} = {}{}", metric_title(metric), info->convention,
                                  info->is_higher_better ? "" : "; smaller is better"),
                      style_.width);
    }
    if (is_short_) text += wrapped(modality_key(), style_.width);
    const std::string spread = spread_text(metrics);
    if (!spread.empty()) text += wrapped(spread, style_.width);
    for (const auto& note : results_.notes) text += wrapped("Note: " + note, style_.width);
    text += masks_text();
    text += not_applicable();
    text += wrapped("Other metrics: --metrics LIST; definitions: docs/metrics.md", style_.width);
    return text;
  }

 private:
  [[nodiscard]] std::string heading(const std::string& text) const {
    return style_.has_colour ? kBold + text + kPlain : text;
  }

  [[nodiscard]] static std::string shown(const std::string& label) {
    if (label == kAverageLabel) return "average of the incomplete";
    const auto area = label.find("=area");
    return area == std::string::npos ? label : label.substr(0, area) + ": area under the curve";
  }

  [[nodiscard]] std::string shortened(const std::string& label) const {
    if (label == kAverageLabel) return "average";
    if (label.find('=') != std::string::npos) return shown(label);
    return short_pattern_label(parse_pattern(label, results_.modality_names),
                               results_.modality_names);
  }

  [[nodiscard]] std::string modality_key() const {
    const auto names = short_names(results_.modality_names);
    std::string text;
    for (std::size_t m = 0; m < names.size(); ++m) {
      text += fmt::format("{}{} = {}", m == 0 ? "" : ", ", names[m], results_.modality_names[m]);
    }
    return text;
  }

  [[nodiscard]] std::string spread_text(const std::vector<std::string>& metrics) const {
    std::string text;
    if (is_over_seeds_) text = "± = deviation over seeds";
    if (!is_over_seeds_ && results_.folds.size() > 1) text = "± = deviation over folds";
    const bool has_any = std::any_of(metrics.begin(), metrics.end(), [&](const auto& metric) {
      return has_intervals(results_, metric);
    });
    if (!has_any) return text + missing_intervals(metrics, text.empty());
    const auto& intervals = results_.intervals;
    text +=
        fmt::format("{}{:g} % = interval over ", text.empty() ? "" : "; ", 100 * intervals.level);
    text += intervals.cluster_count > 0
                ? counted(intervals.cluster_count, intervals.clusters.c_str())
                : "dialogues";
    if (!is_over_seeds_) text += " (of one seed: without the spread of training)";
    return text;
  }

  /// Why the table has no intervals; "" if none were requested.
  [[nodiscard]] std::string missing_intervals(const std::vector<std::string>& metrics,
                                              bool is_first) const {
    for (const Summary& summary : results_.summaries) {
      const bool is_shown =
          std::find(metrics.begin(), metrics.end(), summary.metric) != metrics.end();
      if (!is_shown || summary.no_interval.empty()) continue;
      return fmt::format("{}intervals are not computable because {}", is_first ? "" : "; ",
                         summary.no_interval);
    }
    return "";
  }

  /// Where masks applied, and the shares that they removed.
  [[nodiscard]] std::string masks_text() const {
    if (results_.masks.empty()) return "";
    std::vector<std::string> shares;
    for (const auto& mask : results_.masks) {
      shares.push_back(fmt::format("{} {:.3f}", mask.condition, mask.removed));
    }
    return wrapped(
        fmt::format("Missing at {}, masks of seed {} (docs/missing_data.md); share "
                    "really removed from the test parts: {}",
                    results_.masks_at == "both" ? "training and test" : results_.masks_at,
                    results_.mask_seed, fmt::join(shares, ", ")),
        style_.width);
  }

  [[nodiscard]] std::string not_applicable() const {
    std::map<std::string, std::vector<std::string>> by_reason;
    for (const auto& [metric, reason] : results_.not_applicable) {
      if (metric.find('.') == std::string::npos) {
        by_reason[reason].push_back(metric_title(metric));
      }
    }
    std::string text;
    for (const auto& [reason, metrics] : by_reason) {
      text +=
          wrapped(fmt::format("Not applicable because {}: {}", reason, fmt::join(metrics, ", ")),
                  style_.width);
    }
    return text;
  }

  const Results& results_;
  const TableStyle& style_;
  bool is_over_seeds_;
  std::vector<std::string> labels_;
  std::vector<std::string> shown_;
  std::size_t longest_ = 0;
  bool is_short_ = false;
};

}  // namespace

std::string results_table(const Results& results, const TableStyle& style) {
  std::vector<std::string> metrics;
  for (const auto& metric : style.metrics) {
    const bool is_known =
        std::find(results.metrics.begin(), results.metrics.end(), metric) != results.metrics.end();
    if (is_known) metrics.push_back(metric);
  }
  if (metrics.empty() && !results.headline.empty()) metrics = {results.headline.front()};
  const TableWriter writer(results, style);
  std::string text = writer.title();
  for (const auto& track : results.tracks) {
    for (const auto& metric : metrics) text += writer.block(track, metric);
  }
  return text + writer.key(metrics);
}

}  // namespace hardy
