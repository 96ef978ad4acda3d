#include "cli/table_style.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "metrics/registry.h"

namespace hardy {
namespace {

/// Value of COLUMNS; 0 if unusable.
std::size_t columns_variable() {
  const char* text = std::getenv("COLUMNS");
  std::size_t columns = 0;
  if (text == nullptr) return 0;
  const char* end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, columns);
  return error == std::errc() && stopped == end ? columns : 0;
}

bool is_set(const char* name) {
  const char* text = std::getenv(name);
  return text != nullptr && *text != '\0';
}

}  // namespace

TableStyle table_style() {
  constexpr std::size_t kNarrowest = 60;
  TableStyle style;
  const char* terminal = std::getenv("TERM");
  const bool is_dumb = terminal != nullptr && std::strcmp(terminal, "dumb") == 0;
  const bool is_terminal = isatty(STDOUT_FILENO) != 0;
  style.has_colour = is_terminal && !is_dumb && !is_set("NO_COLOR");
  winsize size{};
  std::size_t width = 0;
  if (is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) width = size.ws_col;
  if (width == 0) width = columns_variable();
  if (width > 0) style.width = std::max(kNarrowest, width);
  return style;
}

std::vector<std::string> metrics_named(const std::vector<std::string>& typed,
                                       const std::vector<std::string>& known) {
  std::vector<std::string> metrics;
  for (const auto& name : typed) {
    if (name == "all") return known;
    metrics.push_back(metric_named(name, known));
  }
  return metrics;
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const auto& metric : all_metrics()) names.push_back(metric.name);
  return names;
}

}  // namespace hardy
