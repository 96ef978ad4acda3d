#include "backbones/text_pooling.h"

#include <algorithm>
#include <utility>

#include "backbones/unicode_classes.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

bool is_separator(char32_t c) {
  return c == U' ' || c == U',' || c == U'.' || c == U'!' || c == U'?';
}

bool is_kept(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(",.'!?").find(c) != std::string_view::npos;
}

/// A part between separators, trimmed and in lower case.
std::string cleaned_part(const std::vector<char32_t>& characters, std::size_t first,
                         std::size_t last) {
  while (first < last && is_python_blank(characters[first])) ++first;
  while (last > first && is_python_blank(characters[last - 1])) --last;
  std::vector<char32_t> part(characters.begin() + static_cast<std::ptrdiff_t>(first),
                             characters.begin() + static_cast<std::ptrdiff_t>(last));
  std::transform(part.begin(), part.end(), part.begin(), lower_case_of);
  return text_of(part, 0, part.size());
}

std::string without_space_mark(const std::string& token) {
  constexpr std::string_view kMark = "\xC4\xA0";  // the character for a blank
  std::string text = token;
  for (auto at = text.find(kMark); at != std::string::npos; at = text.find(kMark)) {
    text.erase(at, kMark.size());
  }
  return text;
}

/// Adds the rows of one sentence's words.
class WordCollector {
 public:
  explicit WordCollector(std::int64_t width) : width_(width) {}

  void add_sentence(const std::vector<TextParts::Word>& words, const Matrix& states) {
    std::int64_t at = 1;  // after the start token
    pending_.clear();
    std::string said;
    for (const auto& word : words) {
      for (const std::string& token : word.tokens) {
        const float* row = states.row(at++);
        const std::string text = without_space_mark(token);
        // As in the published script, a token that is a whole word is its row, even if other tokens
        // are pending.
        if (text == word.text) {
          push(row, 1);
          continue;
        }
        pending_.insert(pending_.end(), row, row + width_);
        said += text;
        if (said != word.text) continue;
        push_mean();
        said.clear();
      }
    }
  }

  [[nodiscard]] Matrix rows() const {
    Matrix rows;
    rows.width = width_;
    rows.rows = static_cast<std::int64_t>(values_.size()) / width_;
    rows.values = values_;
    return rows;
  }

 private:
  void push(const float* row, double count) {
    for (std::int64_t j = 0; j < width_; ++j) {
      values_.push_back(static_cast<float>(static_cast<double>(row[j]) / count));
    }
  }

  void push_mean() {
    const auto width = static_cast<std::size_t>(width_);
    const std::size_t count = pending_.size() / width;
    for (std::size_t j = 0; j < width; ++j) {
      double sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(pending_[i * width + j]);
      values_.push_back(static_cast<float>(sum / static_cast<double>(count)));
    }
    pending_.clear();
  }

  std::int64_t width_;
  std::vector<float> values_;
  std::vector<float> pending_;
};

}  // namespace

std::vector<std::vector<std::string>> gcnet_sentences(std::string_view text) {
  const auto characters = characters_of(text);
  std::vector<std::vector<std::string>> sentences;
  std::vector<std::string> current;
  const auto end_sentence = [&] {
    if (!current.empty()) sentences.push_back(std::exchange(current, {}));
  };
  const auto add = [&](std::string part) {
    if (part == "." || part == "!" || part == "?") return end_sentence();
    std::erase_if(part, [](char c) { return !is_kept(c); });
    if (!part.empty()) current.push_back(std::move(part));
  };
  std::size_t start = 0;
  for (std::size_t i = 0; i <= characters.size(); ++i) {
    if (i < characters.size() && !is_separator(characters[i])) continue;
    add(cleaned_part(characters, start, i));
    if (i < characters.size()) add(cleaned_part(characters, i, i + 1));
    start = i + 1;
  }
  end_sentence();
  return sentences;
}

TextParts gcnet_parts(const Tokenizer& tokenizer, std::string_view text) {
  TextParts parts;
  for (const auto& sentence : gcnet_sentences(text)) {
    auto& words = parts.words.emplace_back();
    std::vector<std::string> all;
    for (const auto& word : sentence) {
      words.push_back({word, tokenizer.word_tokens(word)});
      all.insert(all.end(), words.back().tokens.begin(), words.back().tokens.end());
    }
    parts.sequences.push_back({tokenizer.ids(all), {}, {}});
  }
  if (parts.sequences.empty()) throw DataError("its text holds no word that the network reads");
  return parts;
}

TextParts whole_parts(const Tokenizer& tokenizer, std::string_view text) {
  TextParts parts;
  parts.sequences.push_back({tokenizer.ids(tokenizer.tokens(text)), {}, {}});
  if (parts.sequences[0].ids.size() <= 2) throw DataError("its text holds no token");
  return parts;
}

Matrix pooled_rows(const TextParts& parts, std::span<const Matrix> sums) {
  check(sums.size() == parts.sequences.size() && !sums.empty(), "states of another text");
  if (parts.words.empty()) {
    const Matrix& sum = sums.front();
    Matrix rows(sum.rows - 2, sum.width);
    std::copy_n(sum.row(1), rows.size(), rows.values.begin());
    return rows;
  }
  WordCollector collector(sums.front().width);
  for (std::size_t i = 0; i < sums.size(); ++i) collector.add_sentence(parts.words[i], sums[i]);
  Matrix rows = collector.rows();
  if (rows.rows == 0) throw DataError("its text holds no word that the network reads");
  return rows;
}

}  // namespace hardy
