#include "experiments/reproduce.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/short_labels.h"
#include "base/wording.h"
#include "formats/csv.h"
#include "hardy/errors.h"
#include "hardy/modality.h"

namespace hardy {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kDefault = "default";

std::vector<std::string> words_of(const std::string& text, const std::string& separator) {
  std::vector<std::string> words;
  std::size_t start = 0;
  while (true) {
    const auto end = text.find(separator, start);
    words.push_back(text.substr(start, end - start));
    if (end == std::string::npos) return words;
    start = end + separator.size();
  }
}

/// A variant per declared method.
std::vector<Variant> method_variants() {
  std::vector<Variant> variants;
  for (const auto& field : config_fields()) {
    if (field.key != "protocol.method") continue;
    const std::string own = field.default_value.substr(1, field.default_value.size() - 2);
    for (const auto& method : words_of(field.range, " | ")) {
      if (method == own) continue;  // the default variant
      variants.push_back({method, {"protocol.method=" + method}});
    }
  }
  return variants;
}

std::vector<Variant> ablation_variants() {
  return {{"w/o direct", {"hardymer.hardness.components=indirect"}},
          {"w/o indirect", {"hardymer.hardness.components=direct"}},
          {"w/o hardness", {"hardymer.hardness.components=none"}},
          {"w/o retrieval", {"hardymer.retrieval.supports=none"}},
          {"supports as visits", {"hardymer.retrieval.supports=weights"}},
          {"w/o tuned features", {"hardymer.retrieval.database=plain"}},
          {"tuned input", {"hardymer.recogniser.input=tuned"}}};
}

/// Values around those of the paper (0.6, 0.4, 4, K unknown), one setting at a time; the base's own
/// value is the default variant.
std::vector<Variant> setting_variants(const Config& base) {
  struct Setting {
    const char* key;
    std::vector<const char*> values;
  };

  const std::vector<Setting> settings = {{"hardymer.hardness.alpha1", {"0.2", "0.4", "0.6", "0.8"}},
                                         {"hardymer.hardness.alpha2", {"0.2", "0.4", "0.6", "0.8"}},
                                         {"hardymer.hardness.beta", {"1", "2", "4", "8"}},
                                         {"hardymer.retrieval.k", {"1", "3", "5", "7"}}};
  std::vector<Variant> variants;
  for (const auto& setting : settings) {
    for (const char* value : setting.values) {
      const std::string assignment = fmt::format("{}={}", setting.key, value);
      Config config = base;
      set_config_field(config, assignment);
      if (config_toml(config) == config_toml(base)) continue;
      const std::string_view key = setting.key;
      variants.push_back(
          {fmt::format("{}={}", key.substr(key.rfind('.') + 1), value), {assignment}});
    }
  }
  return variants;
}

std::vector<Variant> reconstruction_variants() {
  const std::string no_supports = "hardymer.retrieval.supports=none";
  const std::string no_reconstruction = "hardymer.recogniser.reconstruction_weight=0";
  return {{"neither", {no_supports, no_reconstruction}},
          {"w/o retrieval", {no_supports}},  // reconstruction alone
          {"w/o reconstruction", {no_reconstruction}}};
}

/// One modality at a time searched by the other metric: "A-IP" = acoustic by inner product.
std::vector<Variant> index_variants(const std::vector<std::string>& modality_names) {
  const auto names = short_names(modality_names);
  std::vector<Variant> variants;
  for (std::size_t m = 0; m < modality_names.size(); ++m) {
    std::string setting;
    bool is_cosine = false;
    for (std::size_t other = 0; other < modality_names.size(); ++other) {
      const bool is_text = modality_names[other].starts_with("text");
      const bool cosine = other == m ? !is_text : is_text;
      if (other == m) is_cosine = cosine;
      setting += fmt::format("{}{}={}", other == 0 ? "" : ",", modality_names[other],
                             cosine ? "cosine" : "l2");
    }
    std::string letter = names[m];
    std::transform(letter.begin(), letter.end(), letter.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    variants.push_back(
        {letter + (is_cosine ? "-IP" : "-L2"), {"hardymer.retrieval.metric=" + setting}});
  }
  return variants;
}

const std::vector<std::string>& single_experiments() {
  static const std::vector<std::string> names = {"table1", "table2", "table3",
                                                 "fig1",   "fig3",   "fig4"};
  return names;
}

std::vector<std::string> labels_of(const std::string& experiment, const StudyResult& result) {
  const Study& study = result.study;
  const auto& names = result.variants.front().test.modality_names;
  std::vector<std::string> labels;
  for (const auto& variant : reproduction(experiment, study.base, names, false).variants) {
    labels.push_back(variant.label);
  }
  return labels;
}

std::vector<std::string> summary_columns(const Results& results) {
  std::vector<std::string> columns;
  bool has_average = false;
  for (const auto& summary : results.summaries) {
    if (summary.condition == "average") {
      has_average = true;
    } else if (std::find(columns.begin(), columns.end(), summary.condition) == columns.end()) {
      columns.push_back(summary.condition);
    }
  }
  if (has_average) columns.emplace_back("average");
  return columns;
}

std::vector<double> values_of(const Results& results, const std::string& track,
                              const std::string& metric, const std::vector<std::string>& columns) {
  std::vector<double> values;
  for (const auto& column : columns) {
    const auto* summary = results.find(track, column, metric);
    values.push_back(summary == nullptr ? kNone : summary->mean);
  }
  return values;
}

const VariantResult* find_variant(const StudyResult& result, const std::string& label) {
  for (const auto& variant : result.variants) {
    if (variant.variant.label == label) return &variant;
  }
  return nullptr;
}

void add_rows(const std::string& experiment, const StudyResult& result,
              std::vector<ReproducedRow>& rows) {
  const VariantResult* base = find_variant(result, kDefault);
  check(base != nullptr, "a reproduction without its default variant");
  const auto columns = summary_columns(base->test);
  for (const auto& track : base->test.tracks) {
    for (const auto& metric : base->test.headline) {
      const auto reference = values_of(base->test, track, metric, columns);
      for (const auto& label : labels_of(experiment, result)) {
        const VariantResult* variant = find_variant(result, label);
        if (variant == nullptr || variant->test.find(track, columns.back(), metric) == nullptr) {
          continue;  // the variant does not train this track
        }
        ReproducedRow row = {experiment, label, track, metric, {}, 0, 0};
        row.values = values_of(variant->test, track, metric, columns);
        row.difference = row.values.back() - reference.back();
        row.paper = paper_average(variant->test, label, metric);
        rows.push_back(std::move(row));
      }
    }
  }
}

const char* title_of(const std::string& experiment) {
  if (experiment == "table1") return "Table 1: methods";
  if (experiment == "table2") return "Table 2: what each part is worth";
  if (experiment == "table3") return "Table 3: alpha1, alpha2, beta and K";
  if (experiment == "fig1") return "Figure 1: hardness-aware supports against reconstruction";
  if (experiment == "fig3") return "Figure 3: neighbours in plain and in tuned features";
  return "Figure 4: index strategies";
}

}  // namespace

const std::vector<std::string>& reproduction_names() {
  static const std::vector<std::string> names = [] {
    auto all = single_experiments();
    all.emplace_back("all");
    return all;
  }();
  return names;
}

double paper_average(const Results& test, const std::string& variant, const std::string& metric) {
  if (test.is_synthetic || !test.data_name.starts_with("IEMOCAP") || test.class_names.size() != 4) {
    return kNone;
  }

  struct Figure {
    const char* variant;
    const char* metric;
    double value;
  };

  static constexpr Figure kFigures[] = {{"default", "wa", .7556},
                                        {"default", "ua", .7542},
                                        {"momke", "wa", .7113},
                                        {"momke", "ua", .7003},
                                        {"gcnet", "wa", .6932},
                                        {"gcnet", "ua", .6798},
                                        {"w/o hardness", "wa", .7371},
                                        {"w/o retrieval", "wa", .7473},
                                        {"w/o tuned features", "wa", .7098}};
  for (const auto& figure : kFigures) {
    if (variant == figure.variant && metric == figure.metric) return figure.value;
  }
  return kNone;
}

Study reproduction(const std::string& name, const Config& base,
                   const std::vector<std::string>& modality_names, bool only_unified) {
  const auto& names = reproduction_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    throw ConfigError(
        fmt::format("experiment '{}' is unknown; there are {}", name, fmt::join(names, ", ")));
  }
  Study study;
  study.kind = name;
  study.title = name == "all" ? "The paper's experiments" : title_of(name);
  study.base = base;
  study.variants = {{kDefault, {}}};
  const auto add = [&](const std::string& experiment, std::vector<Variant> variants) {
    if (name != experiment && name != "all") return;
    for (auto& variant : variants) {
      const auto is_same = [&](const Variant& other) { return other.label == variant.label; };
      if (std::any_of(study.variants.begin(), study.variants.end(), is_same)) continue;
      if (only_unified && name != "table1") {
        variant.assignments.emplace_back("protocol.tracks=unified");
      }
      study.variants.push_back(std::move(variant));
    }
  };
  if (only_unified && name != "table1" && name != "all") {
    study.variants.front().assignments.emplace_back("protocol.tracks=unified");
  }
  add("table1", method_variants());
  add("table2", ablation_variants());
  add("table3", setting_variants(base));
  add("fig1", reconstruction_variants());
  add("fig4", index_variants(modality_names));
  return study;
}

std::vector<ReproducedRow> reproduced_rows(const std::string& name, const StudyResult& result) {
  std::vector<ReproducedRow> rows;
  for (const auto& experiment : single_experiments()) {
    if (name == experiment || name == "all") add_rows(experiment, result, rows);
  }
  return rows;
}

std::string reproduction_text(const std::string& name, const StudyResult& result) {
  const Results& first = result.variants.front().test;
  const ShortLabels headings = short_labels(summary_columns(first));
  std::string text =
      fmt::format("{}{}: test, {}, {}\n", first.data_name, first.is_synthetic ? " (synthetic)" : "",
                  counted(first.folds.size(), "fold"), counted(first.seeds.size(), "seed"));
  std::size_t width = 20;
  for (const auto& variant : result.variants) {
    width = std::max(width, variant.variant.label.size() + 2);
  }
  std::string heading;
  for (const auto& row : reproduced_rows(name, result)) {
    const auto now =
        fmt::format("\n{} - {}, {}\n", title_of(row.experiment), row.track, row.metric);
    if (now != heading) {
      text += now + fmt::format("{:<{}}", "", width);
      for (const auto& column : headings.labels) text += fmt::format("{:>9}", column);
      text += fmt::format("{:>11}{:>9}\n", "difference", "paper");
      heading = now;
    }
    text += fmt::format("{:<{}}", row.variant, width);
    for (const double value : row.values) text += fmt::format("{:>9}", metric_text(value));
    text += fmt::format("{:>+11.4f}{:>9}\n", row.difference, metric_text(row.paper));
  }
  return text + headings.key;
}

std::string reproduction_csv(const std::string& name, const StudyResult& result) {
  const auto columns = summary_columns(result.variants.front().test);
  const auto number = [](double value) {
    return std::isnan(value) ? std::string() : fmt::format("{}", value);
  };
  std::string text = "experiment,variant,track,metric,condition,value,difference,paper\n";
  for (const auto& row : reproduced_rows(name, result)) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const bool is_last = c + 1 == columns.size();
      text += fmt::format("{},{},{},{},{},{},{},{}\n", row.experiment, csv_field(row.variant),
                          row.track, row.metric, csv_field(columns[c]), number(row.values[c]),
                          is_last ? number(row.difference) : "", is_last ? number(row.paper) : "");
    }
  }
  return text;
}

}  // namespace hardy
