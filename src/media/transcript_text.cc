// Text of transcripts: encodings, times, markup.
#include <algorithm>
#include <array>
#include <cctype>

#include "formats/text.h"
#include "media/transcript_forms.h"

namespace hardy {
namespace {

/// UTF-16 as UTF-8; unpaired surrogates become U+FFFD.
std::string utf16_to_utf8(std::string_view bytes, bool is_big_endian) {
  std::string text;
  const auto unit = [&](std::size_t i) {
    const auto first = static_cast<unsigned char>(bytes[i]);
    const auto second = static_cast<unsigned char>(bytes[i + 1]);
    return static_cast<std::uint32_t>(is_big_endian ? first << 8U | second : second << 8U | first);
  };
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    std::uint32_t code = unit(i);
    const bool is_high = code >= 0xD800 && code < 0xDC00;
    if (is_high && i + 3 < bytes.size()) {
      const std::uint32_t low = unit(i + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
        i += 2;
      }
    }
    append_utf8(text, code);
  }
  return text;
}

std::string with_plain_line_ends(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\0') continue;
    if (text[i] != '\r') {
      plain += text[i];
    } else if (i + 1 == text.size() || text[i + 1] != '\n') {
      plain += '\n';
    }
  }
  return plain;
}

struct Entity {
  std::string_view name;
  std::string_view text;
};

constexpr std::array<Entity, 9> kEntities = {{{"&amp;", "&"},
                                              {"&lt;", "<"},
                                              {"&gt;", ">"},
                                              {"&quot;", "\""},
                                              {"&apos;", "'"},
                                              {"&#39;", "'"},
                                              {"&nbsp;", " "},
                                              {"&lrm;", ""},
                                              {"&rlm;", ""}}};

/// Length of unspoken text at the start of `text`: a tag, an override code, a stage direction, a
/// note; 0 = none.
std::size_t unspoken_length(std::string_view text) {
  const auto until = [&](std::string_view close, std::size_t most) -> std::size_t {
    const auto end = text.find(close, 1);
    return end == std::string_view::npos || end > most ? 0 : end + close.size();
  };
  constexpr std::size_t kLongestTag = 200;
  constexpr std::size_t kLongestDirection = 120;
  switch (text.front()) {
    case '<': {
      const char next = text.size() > 1 ? text[1] : ' ';
      const bool is_tag = std::isalnum(static_cast<unsigned char>(next)) != 0 || next == '/';
      return is_tag ? until(">", kLongestTag) : 0;
    }
    case '{':
      return until("}", kLongestTag);
    case '[':
      return until("]", kLongestDirection);
    case '(':
      return until(")", kLongestDirection);
    default:
      break;
  }
  constexpr std::string_view kNotes[] = {"\xE2\x99\xAA", "\xE2\x99\xAB"};  // eighth notes
  for (const auto note : kNotes) {
    if (text.starts_with(note)) return note.size();
  }
  return 0;
}

}  // namespace

std::string decode_transcript(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE")) {
    return with_plain_line_ends(utf16_to_utf8(bytes.substr(2), false));
  }
  if (bytes.starts_with("\xFE\xFF")) {
    return with_plain_line_ends(utf16_to_utf8(bytes.substr(2), true));
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  return with_plain_line_ends(is_utf8(bytes) ? std::string(bytes) : latin1_to_utf8(bytes));
}

std::optional<double> parse_time(std::string_view text) {
  text = trim(text);
  if (text.empty() || text.size() > 32) return std::nullopt;
  double seconds = 0;
  int fields = 0;
  while (true) {
    const auto colon = text.find(':');
    std::string field(text.substr(0, colon));
    const bool is_last = colon == std::string_view::npos;
    std::replace(field.begin(), field.end(), ',', '.');
    const bool is_number =
        !field.empty() && std::all_of(field.begin(), field.end(), [&](char letter) {
          return std::isdigit(static_cast<unsigned char>(letter)) != 0 || letter == '.' ||
                 (letter == '-' && fields == 0 && is_last);
        });
    const auto value = is_number ? to_real(field) : std::nullopt;
    if (!value || ++fields > 3) return std::nullopt;
    seconds = seconds * 60 + *value;
    if (is_last) return seconds;
    text.remove_prefix(colon + 1);
  }
}

std::vector<Cue> join_words(const std::vector<Cue>& words) {
  std::vector<Cue> joined;
  for (const auto& word : words) {
    const bool continues = !joined.empty() && joined.back().speaker == word.speaker &&
                           joined.back().recording == word.recording &&
                           word.start_s - joined.back().end_s < kWordPauseS;
    if (!continues) {
      joined.push_back(word);
      continue;
    }
    joined.back().text += " " + word.text;
    joined.back().end_s = std::max(joined.back().end_s, word.end_s);
  }
  return joined;
}

std::string clean_cue_text(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    if (const auto length = unspoken_length(text); length > 0) {
      text.remove_prefix(length);
      continue;
    }
    const auto entity = std::find_if(kEntities.begin(), kEntities.end(), [&](const Entity& each) {
      return text.starts_with(each.name);
    });
    if (entity != kEntities.end()) {
      plain += entity->text;
      text.remove_prefix(entity->name.size());
    } else if (text.starts_with("\\N") || text.starts_with("\\n")) {
      plain += ' ';  // a line break of SubStation files converted to SubRip
      text.remove_prefix(2);
    } else {
      plain += text.front();
      text.remove_prefix(1);
    }
  }
  std::string joined;
  for (const char letter : plain) {
    const bool is_blank = static_cast<unsigned char>(letter) <= ' ';
    if (!is_blank) {
      joined += letter;
    } else if (!joined.empty() && joined.back() != ' ') {
      joined += ' ';
    }
  }
  while (joined.ends_with(' ')) joined.pop_back();
  return joined == "-" ? "" : joined;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace hardy
