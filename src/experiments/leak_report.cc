// The leak audit as text, CSV and JSON.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json_number.h"
#include "base/wording.h"
#include "experiments/leak_audit.h"
#include "formats/csv.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

/// Rows of one track and measure: a line per condition, a column per fold.
std::string table_of(const std::vector<ChanceRow>& rows, const std::string& label) {
  std::string text;
  for (std::size_t begin = 0; begin < rows.size();) {
    auto end = begin;
    std::vector<std::string> folds;
    std::vector<std::string> conditions;
    while (end < rows.size() && rows[end].track == rows[begin].track &&
           rows[end].measure == rows[begin].measure) {
      const auto& row = rows[end++];
      const auto add = [](std::vector<std::string>& list, const std::string& item) {
        if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
      };
      add(folds, row.fold_name);
      add(conditions, row.condition);
    }
    text += fmt::format("\n{} protocol, {}, {}\n  {:<11}", label, rows[begin].track,
                        rows[begin].measure == "ua" ? "UA" : "correlation", "");
    for (const auto& fold : folds) text += fmt::format("{:>12}", fold.substr(0, 10));
    text += "\n";
    for (const auto& condition : conditions) {
      text += fmt::format("  {:<11}", condition);
      for (auto i = begin; i < end; ++i) {
        if (rows[i].condition != condition) continue;
        text += std::isnan(rows[i].value)
                    ? fmt::format("{:>12}", "-")
                    : fmt::format("{:>11.4f}{}", rows[i].value, rows[i].is_above ? "*" : " ");
      }
      text += "\n";
    }
    text += fmt::format("  {:<11}", "chance");
    for (const auto& fold : folds) {
      const auto found = std::find_if(rows.begin() + static_cast<std::ptrdiff_t>(begin), rows.end(),
                                      [&](const ChanceRow& row) { return row.fold_name == fold; });
      text += fmt::format("{:>11.4f} ", found->chance);
    }
    text += "\n";
    begin = end;
  }
  return text;
}

/// The distinct reasons why numbers were not tested.
std::string reasons_of(const std::vector<ChanceRow>& rows) {
  std::vector<std::string> reasons;
  for (const auto& row : rows) {
    if (row.missing.empty()) continue;
    if (std::find(reasons.begin(), reasons.end(), row.missing) == reasons.end()) {
      reasons.push_back(row.missing);
    }
  }
  std::string text;
  for (const auto& reason : reasons) text += fmt::format("not judged: {}\n", reason);
  return text;
}

double largest(const std::vector<ChanceRow>& rows) {
  double value = 0;
  for (const auto& row : rows) {
    if (!std::isnan(row.value)) value = std::max(value, row.value - row.chance);
  }
  return value;
}

Json rows_json(const std::vector<ChanceRow>& rows) {
  Json list = Json::array();
  for (const auto& row : rows) {
    Json json = {{"track", row.track},
                 {"condition", row.condition},
                 {"fold", row.fold},
                 {"fold_name", row.fold_name},
                 {"measure", row.measure},
                 {"value", json_number(row.value)},
                 {"chance", json_number(row.chance)},
                 {"p", json_number(row.p)},
                 {"corrected_p", json_number(row.corrected_p)},
                 {"above_chance", row.is_above}};
    if (!row.missing.empty()) json["not_computable_because"] = row.missing;
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace

std::string leak_text(const LeakReport& report) {
  std::string text = fmt::format(
      "{}: labels as they are, features of noise, {}; nothing can be better than chance "
      "without a leak\n",
      report.data_name, counted(report.seeds, "seed"));
  text += table_of(report.checked, report.checked_label);
  text += table_of(report.published, "published");
  text += fmt::format(
      "\n* above chance: t over dialogues, one-sided, corrected for all numbers of the protocol "
      "(Holm)\n{}\n",
      reasons_of(report.checked));
  text += fmt::format("{}\n", leak_verdict(report));
  if (!report.published.empty()) {
    const auto above = std::count_if(report.published.begin(), report.published.end(),
                                     [](const ChanceRow& row) { return row.is_above; });
    text += fmt::format(
        "the published protocol is above chance in {} of {} numbers, by up to {:.2f} over chance\n",
        above, report.published.size(), largest(report.published));
  }
  return text;
}

std::string leak_csv(const LeakReport& report) {
  const auto text_of = [](double value) {
    return std::isnan(value) ? std::string() : fmt::format("{}", value);
  };
  std::string text =
      "protocol,track,condition,fold,fold_name,measure,value,chance,p,corrected_p,above_chance,"
      "missing\n";
  const auto add = [&](const std::string& label, const std::vector<ChanceRow>& rows) {
    for (const auto& row : rows) {
      text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", label, row.track,
                          csv_field(row.condition), row.fold, csv_field(row.fold_name), row.measure,
                          text_of(row.value), text_of(row.chance), text_of(row.p),
                          text_of(row.corrected_p), row.is_above ? "yes" : "no",
                          csv_field(row.missing));
    }
  };
  add(report.checked_label, report.checked);
  add("published", report.published);
  return text;
}

std::string leak_json(const LeakReport& report) {
  const Json json = {{"format", 1},
                     {"audit", "leak"},
                     {"data", report.data_name},
                     {"is_synthetic", true},
                     {"seeds", report.seeds},
                     {"level", kLeakLevel},
                     {"checked", report.checked_label},
                     {"judged", report.judged()},
                     {"leaks", report.leaks()},
                     {"verdict", leak_verdict(report)},
                     {"rows", rows_json(report.checked)},
                     {"published", rows_json(report.published)}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hardy
