// The findings of a check as text and JSON.
#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/wording.h"
#include "hardy/load.h"

namespace hardy {
namespace {

constexpr std::size_t kMostListed = 5;

}  // namespace

std::string check_text(const CheckReport& report) {
  std::string text;
  std::map<std::pair<int, std::string>, std::vector<const Finding*>> groups;
  for (const auto& finding : report.findings) {
    groups[{-static_cast<int>(finding.severity), finding.kind}].push_back(&finding);
  }
  for (const auto& [key, group] : groups) {
    text += fmt::format("{} {}", severity_name(group[0]->severity), key.second);
    if (group.size() > 1) text += fmt::format(" ({})", group.size());
    text += '\n';
    for (std::size_t i = 0; i < std::min(group.size(), kMostListed); ++i) {
      text += fmt::format("  {}: {}\n", group[i]->where, group[i]->what);
    }
    if (group.size() > kMostListed)
      text += fmt::format("  ... and {} more\n", group.size() - kMostListed);
    text += fmt::format("  -> {}\n", group[0]->remedy);
  }
  text += fmt::format(
      "{}: {}, {}, {}, {}: {}\n", report.source, counted(report.utterances, "utterance"),
      counted(report.count(Severity::kError), "error"),
      counted(report.count(Severity::kWarning), "warning"),
      counted(report.count(Severity::kNote), "note"), report.is_sound() ? "usable" : "not usable");
  return text;
}

std::string check_json(const CheckReport& report) {
  nlohmann::json findings = nlohmann::json::array();
  for (const auto& finding : report.findings) {
    findings.push_back({{"severity", severity_name(finding.severity)},
                        {"kind", finding.kind},
                        {"where", finding.where},
                        {"what", finding.what},
                        {"remedy", finding.remedy},
                        {"mendable", finding.is_mended}});
  }
  const nlohmann::json json = {{"format", 1},
                               {"source", report.source},
                               {"utterances", report.utterances},
                               {"usable", report.is_sound()},
                               {"errors", report.count(Severity::kError)},
                               {"warnings", report.count(Severity::kWarning)},
                               {"notes", report.count(Severity::kNote)},
                               {"findings", findings}};
  // File names may contain any byte.
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace hardy
