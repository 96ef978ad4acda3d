#include "report/assets.h"

// The assembler embeds the files unchanged; a C++ array of half a megabyte would take seconds to
// compile.
#define HARDY_EMBED(name, file)                                                            \
  __asm__(".pushsection .rodata\n.global hardy_asset_" #name "\nhardy_asset_" #name        \
          ":\n.incbin \"" file "\"\n.global hardy_asset_" #name "_end\nhardy_asset_" #name \
          "_end:\n.byte 0\n.popsection\n");                                                \
  extern "C" {                                                                             \
  extern const char hardy_asset_##name[];                                                  \
  extern const char hardy_asset_##name##_end[];                                            \
  }

HARDY_EMBED(controls, HARDY_REPORT_WEB "/controls.js")
HARDY_EMBED(script, HARDY_REPORT_WEB "/report.js")
HARDY_EMBED(style, HARDY_REPORT_WEB "/report.css")
HARDY_EMBED(d3, HARDY_REPORT_WEB "/vendor/d3.min.js")
HARDY_EMBED(plot, HARDY_REPORT_WEB "/vendor/plot.umd.min.js")

namespace hardy {

std::string_view report_controls() { return {hardy_asset_controls, hardy_asset_controls_end}; }

std::string_view report_script() { return {hardy_asset_script, hardy_asset_script_end}; }

std::string_view report_style() { return {hardy_asset_style, hardy_asset_style_end}; }

std::string_view chart_base_library() { return {hardy_asset_d3, hardy_asset_d3_end}; }

std::string_view chart_library() { return {hardy_asset_plot, hardy_asset_plot_end}; }

}  // namespace hardy
