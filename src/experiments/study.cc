#include "experiments/study.h"

#include <algorithm>
#include <map>
#include <string_view>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/files.h"
#include "config/toml_text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr const char* kHeading = "[study]";
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxVariants = 10'000;
constexpr std::size_t kMaxFolderName = 120;

/// Where the line `[study]` begins; npos when there is none.
std::size_t heading_of(const std::string& text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    auto line = std::string_view(text).substr(begin, end - begin);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
    if (line == kHeading) return begin;
    begin = end + 1;
  }
  return std::string::npos;
}

/// Reads the part of a file that begins with [study].
class StudyReader {
 public:
  StudyReader(std::string file, std::ptrdiff_t lines_before)
      : file_(std::move(file)), lines_before_(lines_before) {}

  void read(const std::string& text, Study& study) const {
    toml::table table;
    try {
      table = toml::parse(text, file_);
    } catch (const toml::parse_error& error) {
      fail(error.source().begin, fmt::format("not valid TOML: {}", error.description()));
    }
    for (const auto& [name, node] : table) {
      if (name.str() == "study") continue;
      fail(name.source().begin,
           fmt::format("'{}' stands after [study]; settings stand before it", name.str()));
    }
    for (const auto& [name, node] : *table["study"].as_table()) {
      if (name.str() == "kind") {
        study.kind = text_of(node, "kind");
      } else if (name.str() == "title") {
        study.title = text_of(node, "title");
      } else if (name.str() == "variant") {
        read_variants(node, study);
      } else {
        fail(name.source().begin,
             fmt::format("unknown field 'study.{}'; there are kind, title and [[study.variant]]",
                         name.str()));
      }
    }
  }

 private:
  [[noreturn]] void fail(const toml::source_position& position, const std::string& what) const {
    throw ConfigError(fmt::format(
        "{}:{}: {}", file_, static_cast<std::ptrdiff_t>(position.line) + lines_before_, what));
  }

  std::string text_of(const toml::node& node, const char* name) const {
    if (!node.is_string()) fail(node.source().begin, fmt::format("{} must be a text", name));
    return node.as_string()->get();
  }

  void read_variants(const toml::node& node, Study& study) const {
    if (!node.is_array_of_tables()) {
      fail(node.source().begin, "write each variant as a table: [[study.variant]]");
    }
    for (const auto& element : *node.as_array()) {
      study.variants.push_back(read_variant(*element.as_table()));
    }
  }

  Variant read_variant(const toml::table& table) const {
    Variant variant;
    for (const auto& [name, node] : table) {
      if (name.str() == "label") {
        variant.label = text_of(node, "label");
      } else if (name.str() == "set" && node.is_array()) {
        for (const auto& element : *node.as_array()) {
          variant.assignments.push_back(text_of(element, "each element of set"));
        }
      } else {
        fail(name.source().begin,
             fmt::format("'{}' is not understood; a variant has label = \"...\" and set = "
                         "[\"key=value\", ...]",
                         name.str()));
      }
    }
    return variant;
  }

  std::string file_;
  std::ptrdiff_t lines_before_;
};

}  // namespace

Config variant_config(const Study& study, const Variant& variant) {
  Config config = study.base;
  try {
    for (const auto& assignment : variant.assignments) set_config_field(config, assignment);
    validate_config(config);
  } catch (Error& error) {
    error.add_context(fmt::format("variant '{}'", variant.label));
    throw;
  }
  return config;
}

std::string folder_of(const Variant& variant) {
  std::string name;
  for (const char letter : variant.label) {
    const bool is_plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                          (letter >= '0' && letter <= '9') ||
                          std::string_view("._=+-").find(letter) != std::string_view::npos;
    if (is_plain) {
      name += letter;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (name.starts_with('.')) name.erase(0, 1);
  return name.substr(0, kMaxFolderName);
}

void validate_study(const Study& study) {
  if (study.variants.empty()) {
    throw ConfigError("the study has no variant; add a [[study.variant]] with label and set");
  }
  if (study.variants.size() > kMaxVariants) {
    throw ConfigError(fmt::format("{} variants are more than anyone waits for (at most {})",
                                  study.variants.size(), kMaxVariants));
  }
  std::map<std::string, std::string> labels = {{"stages", "the shared stages"},
                                               {"tuning", "sweeps that chose settings"}};
  for (const auto& variant : study.variants) {
    const auto folder = folder_of(variant);
    if (folder.empty()) {
      throw ConfigError(fmt::format(
          "variant '{}': a label needs a letter or digit, because a folder is named after it",
          variant.label));
    }
    const auto [place, is_new] = labels.emplace(folder, variant.label);
    if (!is_new) {
      throw ConfigError(
          fmt::format("variant '{}' would share the folder '{}' with '{}'; choose "
                      "another label",
                      variant.label, folder, place->second));
    }
    for (const auto& assignment : variant.assignments) {
      if (assignment.starts_with("data.")) {
        throw ConfigError(
            fmt::format("variant '{}' sets {}: all variants of a study see the same "
                        "data; make another study",
                        variant.label, assignment));
      }
    }
    static_cast<void>(variant_config(study, variant));
  }
}

std::string study_toml(const Study& study) {
  Config base = study.base;
  base.run.jobs = 0;  // has no effect and must not distinguish studies
  std::string text = config_toml(base);
  text += fmt::format("\n{}\nkind = {}\ntitle = {}\n", kHeading, toml_text(study.kind),
                      toml_text(study.title));
  for (const auto& variant : study.variants) {
    text += fmt::format("\n[[study.variant]]\nlabel = {}\nset = [", toml_text(variant.label));
    for (std::size_t i = 0; i < variant.assignments.size(); ++i) {
      text += (i == 0 ? "" : ", ") + toml_text(variant.assignments[i]);
    }
    text += "]\n";
  }
  return text;
}

Study parse_study(const std::string& toml_text, const std::string& file_name, const Config& base) {
  const auto heading = heading_of(toml_text);
  if (heading == std::string::npos) {
    throw ConfigError(
        fmt::format("{}: has no line [study]; a study needs one, followed by its variants "
                    "(docs/studies.md)",
                    file_name));
  }
  Study study;
  study.base = parse_config(toml_text.substr(0, heading), file_name, base);
  const auto end = toml_text.begin() + static_cast<std::ptrdiff_t>(heading);
  StudyReader(file_name, std::count(toml_text.begin(), end, '\n'))
      .read(toml_text.substr(heading), study);
  return study;
}

Study load_study(const std::filesystem::path& file, const Config& base) {
  std::string text;
  try {
    text = read_text_file(file, kMaxFileBytes);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    throw ConfigError(fmt::format("{}; give a study description (docs/studies.md)", error.what()));
  }
  return parse_study(text, file.string(), base);
}

}  // namespace hardy
