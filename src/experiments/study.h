// A study: named variants of one experiment on one corpus, described by one TOML file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hardy/config.h"

namespace hardy {

/// One run of a study: the common settings and what this one changes.
struct Variant {
  std::string label;                     ///< unique in the study, as tables show it
  std::vector<std::string> assignments;  ///< "hardymer.hardness.alpha1=0.2", applied in order
};

/// Which experiment on which data (docs/studies.md).
struct Study {
  std::string kind = "study";  ///< "study" | "sweep" | what `hardy reproduce` makes: "table2"
  std::string title;
  Config base;
  std::vector<Variant> variants;
};

/// What a variant runs with. Throws ConfigError naming the variant.
Config variant_config(const Study& study, const Variant& variant);

/// Name of a variant's folder: its label with anything that file systems dislike replaced.
std::string folder_of(const Variant& variant);

/// Throws ConfigError: no variant, a label twice (also as a folder's name), a variant that changes
/// `data.*`, or settings that are refused.
void validate_study(const Study& study);

/// As TOML: all settings, then [study]. Equal studies give equal text.
std::string study_toml(const Study& study);

/// Reads it back. What stands before the line `[study]` are settings as --config takes them, over
/// `base`. Throws ConfigError naming file, line and what is wrong.
Study parse_study(const std::string& toml_text, const std::string& file_name, const Config& base);
Study load_study(const std::filesystem::path& file, const Config& base);

}  // namespace hardy
