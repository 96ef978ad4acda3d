// A study: named variants of one experiment on one corpus, described by one TOML file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hardy/config.h"

namespace hardy {

/// One run of a study: the common settings with some assignments.
struct Variant {
  std::string label;                     ///< unique in the study; its name in tables
  std::vector<std::string> assignments;  ///< "hardymer.hardness.alpha1=0.2", applied in order
};

/// An experiment on a corpus (docs/studies.md).
struct Study {
  std::string kind = "study";  ///< "study" | "sweep" | an experiment of `hardy reproduce`: "table2"
  std::string title;
  Config base;
  std::vector<Variant> variants;
};

/// The settings of a variant. Throws ConfigError naming the variant.
Config variant_config(const Study& study, const Variant& variant);

/// Name of a variant's folder: its label with special characters replaced.
std::string folder_of(const Variant& variant);

/// Throws ConfigError without variants, for a repeated label (also as a folder name), a variant
/// that changes `data.*`, or refused settings.
void validate_study(const Study& study);

/// As TOML: all settings, then [study]. Equal studies give equal text.
std::string study_toml(const Study& study);

/// Reads a study. The text before the line `[study]` holds settings in the form of --config, over
/// `base`. Throws ConfigError naming file, line and problem.
Study parse_study(const std::string& toml_text, const std::string& file_name, const Config& base);
Study load_study(const std::filesystem::path& file, const Config& base);

}  // namespace hardy
