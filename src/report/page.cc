#include "report/page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/utf8.h"
#include "report/assets.h"

namespace hardy {
namespace {

std::string html_text(const std::string& text) {
  std::string safe;
  for (const char letter : repaired_utf8(text)) {
    switch (letter) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += letter;
    }
  }
  return safe;
}

std::string script(std::string_view text) { return fmt::format("<script>{}</script>\n", text); }

}  // namespace

bool has_charts() { return !chart_base_library().empty() && !chart_library().empty(); }

std::string script_safe_json(const nlohmann::ordered_json& json) {
  const std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char letter : text) {
    if (letter == '<') {
      safe += "\\u003c";
    } else {
      safe += letter;
    }
  }
  return safe;
}

std::string report_page(const ReportData& data) {
  std::vector<std::string> names;
  for (const auto& run : data.runs) names.push_back(run.name);
  if (names.empty()) {
    for (const auto& study : data.studies) names.push_back(study.name);
  }
  const std::string title = html_text(fmt::format("hardy: {}", fmt::join(names, ", ")));
  // The policy forbids every request, so that the page looks the same wherever it is opened.
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n"
      "<a class=\"skip\" href=\"#main\">Skip to the results</a>\n"
      "<header id=\"top\"></header>\n<nav id=\"contents\" aria-label=\"Contents\"></nav>\n"
      "<main id=\"main\"></main>\n"
      "<noscript><p>This report draws itself with JavaScript; `hardy report --format csv` gives "
      "its numbers without.</p></noscript>\n",
      title, report_style());
  page += fmt::format("<script type=\"application/json\" id=\"report-data\">{}</script>\n",
                      script_safe_json(report_json(data)));
  if (has_charts()) page += script(chart_base_library()) + script(chart_library());
  return page + script(report_controls()) + script(report_script()) + "</body>\n</html>\n";
}

}  // namespace hardy
