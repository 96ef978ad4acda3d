// The split audit as text, CSV and JSON.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/wording.h"
#include "experiments/split_audit.h"
#include "formats/csv.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

std::string result_of(const SplitCheck& row) {
  if (!row.missing.empty()) return "not computable because " + row.missing;
  const std::string share = row.of == 0
                                ? ""
                                : fmt::format(" ({:.2f} %)", 100 * static_cast<double>(row.count) /
                                                                 static_cast<double>(row.of));
  return fmt::format("{} of {}{}{}", row.count, row.of, share, row.is_finding ? "  FINDING" : "");
}

}  // namespace

std::string split_text(const SplitReport& report) {
  std::string text = fmt::format("{}{}: what stands on both sides of the split\n", report.data_name,
                                 report.is_synthetic ? " (synthetic)" : "");
  std::string heading;
  for (const auto& row : report.checks) {
    const auto now = fmt::format("\nfold {} ({}), {} part against training\n", row.fold + 1,
                                 row.fold_name, row.part);
    if (now != heading) text += now;
    heading = now;
    const auto name =
        row.modality.empty() ? row.check : fmt::format("{}, {}", row.check, row.modality);
    text += fmt::format("  {:<28}{}", name, result_of(row));
    if (!row.examples.empty()) text += fmt::format("  e.g. {}", fmt::join(row.examples, "; "));
    text += "\n";
  }
  text += fmt::format(
      "\nnear duplicate: nearer than {:g} % of the usual distance to the nearest neighbour; copy: "
      "near\nduplicate of one training utterance in {} modalities. Findings: a dialogue in two "
      "parts, a speaker\nin two parts of a split that holds out whole groups, copies above {:g} % "
      "of a part.\n",
      100 * kNearShare, kCopyModalities, 100 * kCopyShare);
  return text + (report.findings() == 0 ? "The split keeps apart what it claims to.\n"
                                        : counted(report.findings(), "finding") + ".\n");
}

std::string split_csv(const SplitReport& report) {
  std::string text = "fold,fold_name,part,check,modality,count,of,finding,examples,missing\n";
  for (const auto& row : report.checks) {
    text += fmt::format(
        "{},{},{},{},{},{},{},{},{},{}\n", row.fold, csv_field(row.fold_name), row.part, row.check,
        csv_field(row.modality), row.count, row.of, row.is_finding ? "yes" : "no",
        csv_field(fmt::format("{}", fmt::join(row.examples, "; "))), csv_field(row.missing));
  }
  return text;
}

std::string split_json(const SplitReport& report) {
  Json rows = Json::array();
  for (const auto& row : report.checks) {
    Json json = {{"fold", row.fold},   {"fold_name", row.fold_name}, {"part", row.part},
                 {"check", row.check}, {"modality", row.modality},   {"count", row.count},
                 {"of", row.of},       {"finding", row.is_finding},  {"examples", row.examples}};
    if (!row.missing.empty()) json["not_computable_because"] = row.missing;
    rows.push_back(std::move(json));
  }
  const Json json = {{"format", 1},
                     {"audit", "split"},
                     {"data", report.data_name},
                     {"is_synthetic", report.is_synthetic},
                     {"near_share", kNearShare},
                     {"copy_modalities", kCopyModalities},
                     {"copy_share", kCopyShare},
                     {"findings", report.findings()},
                     {"rows", rows}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hardy
