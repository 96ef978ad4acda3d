#include "analysis/latex.h"

#include <cmath>

#include <fmt/format.h>

#include "metrics/registry.h"

namespace hardy {

std::string latex_text(const std::string& text) {
  std::string safe;
  for (const char letter : text) {
    switch (letter) {
      case '\\':
        safe += "\\textbackslash{}";
        break;
      case '~':
        safe += "\\textasciitilde{}";
        break;
      case '^':
        safe += "\\textasciicircum{}";
        break;
      case '&':
      case '%':
      case '$':
      case '#':
      case '_':
      case '{':
      case '}':
        safe += '\\';
        [[fallthrough]];
      default:
        safe += letter;
    }
  }
  return safe;
}

std::string latex_number(const std::string& metric, double value) {
  if (std::isnan(value)) return "--";
  return is_share(metric) ? fmt::format("{:.2f}", 100 * value) : fmt::format("{:.3f}", value);
}

}  // namespace hardy
