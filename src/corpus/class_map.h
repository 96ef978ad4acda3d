// Classes of a corpus that a model knows by other names (`--map`).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hardy {

/// One entry of a map: utterances (or answers) of one class count as another.
struct ClassMapEntry {
  std::string from;
  std::string to;            ///< empty = left out
  bool is_of_model = false;  ///< `from` is one of the model's classes, else one of the corpus's
};

/// A map as typed. The names are not checked yet.
struct ClassMap {
  std::vector<ClassMapEntry> entries;

  /// The entry of a class of the model or of the corpus; null without one. Names are compared in
  /// Unicode's composed form.
  [[nodiscard]] const ClassMapEntry* find(const std::string& name, bool is_of_model) const;
};

/// Reads "happy=joy,excited=joy,model:rage=anger,fear=-": NAME of the corpus counts as CLASS, with
/// "model:" NAME of the model does; "-" leaves out. `text` may also name a file of one entry per
/// line, where '#' begins a comment. Throws ConfigError for an entry of another form and for a
/// class with two entries, IoError for an unreadable file.
ClassMap parse_class_map(const std::string& text);

/// The classes that are scored, and which of them each output of the model is.
struct MatchedClasses {
  std::vector<std::string> names;    ///< [K] in the order of the merged outputs
  std::vector<std::int64_t> places;  ///< [C] index into `names`; -1 = left out

  /// Whether merge() does anything.
  [[nodiscard]] bool changes_outputs() const;

  /// Probabilities of the scored classes: sums over the outputs of each, divided by what the
  /// outputs that are left out do not have. Equal shares where that is nothing. Shapes: outputs
  /// [n, C] -> [n, K]. Requires: every row sums to 1.
  [[nodiscard]] std::vector<float> merge(const std::vector<float>& outputs) const;
};

/// The classes of a model under a map. Throws ConfigError for an entry of a class that the model
/// does not have and when fewer than two classes remain.
MatchedClasses classes_under(const std::vector<std::string>& classes, const ClassMap& map);

}  // namespace hardy
