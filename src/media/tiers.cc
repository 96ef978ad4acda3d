// Linguistic annotation files with several parallel tiers: Praat TextGrid and ELAN.
#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pugixml.hpp>

#include "formats/text.h"
#include "hardy/errors.h"
#include "media/transcript_forms.h"

namespace hardy {
namespace {

struct Tier {
  std::string name;
  std::vector<Cue> cues;
};

bool ends_with_word(std::string name, std::string_view word) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  if (!name.ends_with(word)) return false;
  const auto before = name.size() - word.size();
  return before == 0 || std::isalnum(static_cast<unsigned char>(name[before - 1])) == 0;
}

bool is_phones(const std::string& name) {
  return ends_with_word(name, "phones") || ends_with_word(name, "phone") ||
         ends_with_word(name, "segments");
}

bool is_words(const std::string& name) {
  return ends_with_word(name, "words") || ends_with_word(name, "word");
}

/// "Mary" in "Mary - words", the naming of the Montreal aligner; otherwise empty.
std::string speaker_of_words(const std::string& name) {
  const auto dash = name.rfind(" - ");
  return dash == std::string::npos ? "" : std::string(trim(std::string_view(name).substr(0, dash)));
}

/// Utterances of the tiers: the requested one, otherwise all without words or phones, otherwise
/// words joined at pauses.
std::vector<Cue> choose_tiers(const std::vector<Tier>& tiers, std::string_view file,
                              const std::string& wanted) {
  std::vector<Cue> cues;
  std::vector<std::string> names;
  bool has_utterances = false;
  for (const auto& tier : tiers) {
    names.push_back(tier.name);
    has_utterances = has_utterances || (!is_words(tier.name) && !is_phones(tier.name));
  }
  bool is_found = wanted.empty();
  for (const auto& tier : tiers) {
    const bool words = is_words(tier.name);
    if (!wanted.empty() ? tier.name != wanted : is_phones(tier.name)) continue;
    if (wanted.empty() && has_utterances && words) continue;
    is_found = true;
    std::vector<Cue> own = tier.cues;
    std::erase_if(own, [](const Cue& cue) { return trim(cue.text).empty(); });
    for (auto& cue : own) {
      if (!cue.speaker.empty()) continue;
      cue.speaker = words ? speaker_of_words(tier.name) : tier.name;
    }
    if (words) own = join_words(own);
    cues.insert(cues.end(), own.begin(), own.end());
  }
  if (!is_found) {
    throw DataError(fmt::format("{}: there is no tier '{}'; there are {}", file, wanted,
                                fmt::join(names, ", ")));
  }
  return cues;
}

/// The values of a TextGrid in order, in either form: numbers, quoted texts and <exists>. The long
/// form only adds names and brackets between them.
class ValueScanner {
 public:
  ValueScanner(std::string_view text, std::string_view name) : rest_(text), name_(name) {}

  std::string text() {
    while (!rest_.empty() && rest_.front() != '"') skip();
    if (rest_.empty()) fail("a text");
    rest_.remove_prefix(1);
    std::string value;
    while (true) {
      const auto end = rest_.find('"');
      if (end == std::string_view::npos) fail("the end of a text");
      value += rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      if (!rest_.starts_with('"')) return value;
      value += '"';
      rest_.remove_prefix(1);
    }
  }

  double number() {
    while (!rest_.empty()) {
      if (rest_.front() == '[') {  // "item [1]:" is a counter, not a value
        const auto close = rest_.find(']');
        rest_.remove_prefix(close == std::string_view::npos ? rest_.size() : close + 1);
        continue;
      }
      const bool at_word = is_start_;
      const char letter = rest_.front();
      const bool is_digit = std::isdigit(static_cast<unsigned char>(letter)) != 0;
      if (at_word && (is_digit || letter == '-' || letter == '+')) {
        const auto end = std::min(rest_.find_first_of(" \t\n!"), rest_.size());
        const auto value = to_real(rest_.substr(0, end));
        rest_.remove_prefix(end);
        if (value) return *value;
        continue;
      }
      skip();
    }
    fail("a number");
  }

  bool exists() {
    const auto mark = rest_.find('<');
    const bool found = mark != std::string_view::npos && rest_.substr(mark).starts_with("<exists>");
    if (mark != std::string_view::npos) rest_.remove_prefix(mark + 1);
    return found;
  }

 private:
  void skip() {
    const char letter = rest_.front();
    is_start_ = letter == ' ' || letter == '\t' || letter == '\n' || letter == '=';
    rest_.remove_prefix(1);
  }

  [[noreturn]] void fail(const char* what) const {
    throw DataError(fmt::format("{}: the TextGrid is cut off: {} is missing", name_, what));
  }

  std::string_view rest_;
  std::string_view name_;
  bool is_start_ = true;
};

Tier read_text_grid_tier(ValueScanner& values) {
  Tier tier;
  const std::string kind = values.text();
  tier.name = values.text();
  values.number();  // xmin
  values.number();  // xmax
  const double count = values.number();
  if (!(count >= 0 && count < 1e8)) throw DataError("a TextGrid tier of impossible size");
  for (double i = 0; i < count; ++i) {
    Cue cue;
    cue.start_s = values.number();
    if (kind == "IntervalTier") cue.end_s = values.number();
    cue.text = values.text();
    if (kind == "IntervalTier") tier.cues.push_back(std::move(cue));  // points have no duration
  }
  return tier;
}

/// Times of the slots in seconds (stored in milliseconds). A slot without time gets the time of the
/// next slot in the document that has one.
std::map<std::string, double> elan_slots(const pugi::xml_node& document) {
  std::map<std::string, double> slots;
  std::vector<std::string> waiting;
  double last = 0;
  for (const auto& slot : document.child("TIME_ORDER").children("TIME_SLOT")) {
    const std::string id = slot.attribute("TIME_SLOT_ID").as_string();
    const auto value = to_real(slot.attribute("TIME_VALUE").as_string());
    if (!value) {
      waiting.push_back(id);
      continue;
    }
    last = *value / 1000;
    for (const auto& each : waiting) slots[each] = last;
    waiting.clear();
    slots[id] = last;
  }
  for (const auto& each : waiting) slots[each] = last;
  return slots;
}

}  // namespace

std::vector<Cue> parse_text_grid(std::string_view text, std::string_view name,
                                 const std::string& tier) {
  ValueScanner values(text, name);
  if (values.text() != "ooTextFile" || values.text() != "TextGrid") {
    throw DataError(fmt::format("{}: no TextGrid of Praat in its text form", name));
  }
  values.number();  // xmin
  values.number();  // xmax
  std::vector<Tier> tiers;
  if (values.exists()) {
    const double count = values.number();
    if (!(count >= 0 && count < 1e6)) {
      throw DataError(fmt::format("{}: {} tiers are impossible", name, count));
    }
    for (double i = 0; i < count; ++i) tiers.push_back(read_text_grid_tier(values));
  }
  return choose_tiers(tiers, name, tier);
}

std::vector<Cue> parse_elan(std::string_view text, std::string_view name, const std::string& tier) {
  pugi::xml_document xml;
  const auto result = xml.load_buffer(text.data(), text.size());
  if (!result) {
    throw DataError(
        fmt::format("{}, byte {}: no ELAN file: {}", name, result.offset, result.description()));
  }
  const auto document = xml.child("ANNOTATION_DOCUMENT");
  const auto slots = elan_slots(document);
  const auto time_of = [&](const pugi::xml_node& annotation, const char* attribute) {
    const auto found = slots.find(annotation.attribute(attribute).as_string());
    if (found != slots.end()) return found->second;
    throw DataError(fmt::format("{}: annotation '{}' names a time slot that is not there", name,
                                annotation.attribute("ANNOTATION_ID").as_string()));
  };
  std::vector<Tier> tiers;
  for (const auto& node : document.children("TIER")) {
    Tier read{node.attribute("TIER_ID").as_string(), {}};
    for (const auto& annotation : node.children("ANNOTATION")) {
      // REF_ANNOTATIONs (translations, glosses) repeat an aligned annotation.
      const auto aligned = annotation.child("ALIGNABLE_ANNOTATION");
      if (!aligned) continue;
      Cue cue;
      cue.start_s = time_of(aligned, "TIME_SLOT_REF1");
      cue.end_s = time_of(aligned, "TIME_SLOT_REF2");
      cue.text = aligned.child_value("ANNOTATION_VALUE");
      cue.speaker = node.attribute("PARTICIPANT").as_string();
      read.cues.push_back(std::move(cue));
    }
    if (!read.cues.empty()) tiers.push_back(std::move(read));
  }
  return choose_tiers(tiers, name, tier);
}

}  // namespace hardy
