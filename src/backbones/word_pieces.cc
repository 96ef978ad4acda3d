// BERT's WordPiece.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "backbones/tokenizer.h"
#include "backbones/unicode_classes.h"
#include "base/checksum.h"
#include "base/files.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kLongestWord = 100;
constexpr std::size_t kLargestWordList = std::size_t{64} << 20;

const std::vector<std::string>& bert_specials() {
  static const std::vector<std::string> kSpecials = {"[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]"};
  return kSpecials;
}

class WordPieces final : public Tokenizer {
 public:
  WordPieces(const std::filesystem::path& folder, bool has_lower_case)
      : has_lower_case_(has_lower_case) {
    std::string text;
    try {
      text = read_text_file(folder / "vocab.txt", kLargestWordList);
    } catch (const DataError& error) {
      throw ArtifactError(error.what());
    }
    std::size_t start = 0;
    while (start < text.size()) {
      const auto end = std::min(text.find('\n', start), text.size());
      std::string line = text.substr(start, end - start);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      const auto number = static_cast<std::int64_t>(numbers_.size());
      if (!numbers_.emplace(line, number).second) {
        throw ArtifactError(
            fmt::format("{}: a token stands in it twice", (folder / "vocab.txt").string()));
      }
      start = end + 1;
    }
    for (const auto& special : {bert_specials()[0], bert_specials()[1], bert_specials()[2]}) {
      if (!numbers_.contains(special)) {
        throw ArtifactError(
            fmt::format("{}: the token {} is missing", (folder / "vocab.txt").string(), special));
      }
    }
    checksum_ = sha256(text + (has_lower_case ? "lower" : "cased"));
  }

  [[nodiscard]] std::vector<std::string> tokens(std::string_view text) const override {
    std::vector<std::string> all;
    for (const auto& part : split_at_specials(text, bert_specials(), "")) {
      const auto& specials = bert_specials();
      if (std::find(specials.begin(), specials.end(), part) != specials.end()) {
        all.push_back(part);
        continue;
      }
      for (const auto& word : words_of(part)) add_pieces(word, all);
    }
    return all;
  }

  [[nodiscard]] std::vector<std::string> word_tokens(std::string_view word) const override {
    return tokens(word);
  }

  [[nodiscard]] std::vector<std::int64_t> ids(
      const std::vector<std::string>& tokens) const override {
    std::vector<std::int64_t> numbers = {numbers_.at(bert_specials()[0])};
    for (const auto& token : tokens) {
      const auto found = numbers_.find(token);
      numbers.push_back(found == numbers_.end() ? numbers_.at(bert_specials()[2]) : found->second);
    }
    numbers.push_back(numbers_.at(bert_specials()[1]));
    return numbers;
  }

  [[nodiscard]] std::string checksum() const override { return checksum_; }

 private:
  /// Words and single signs, cleaned.
  [[nodiscard]] std::vector<std::vector<char32_t>> words_of(std::string_view text) const {
    std::vector<char32_t> characters;
    for (const char32_t c : characters_of(text)) {
      if (c == 0 || c == 0xFFFD || is_control(c)) continue;
      characters.push_back(is_white_space(c) ? U' ' : c);
    }
    if (has_lower_case_) {
      std::transform(characters.begin(), characters.end(), characters.begin(), lower_case_of);
      characters = decomposed(characters);
      std::erase_if(characters, is_combining_mark);
    }
    std::vector<std::vector<char32_t>> words;
    bool is_open = false;  // the last word continues with the next letter
    for (const char32_t c : characters) {
      const bool stands_alone = is_punctuation(c) || is_ideograph(c);
      if (c == U' ') {
        is_open = false;
      } else if (stands_alone || !is_open) {
        words.push_back({c});
        is_open = !stands_alone;
      } else {
        words.back().push_back(c);
      }
    }
    return words;
  }

  /// The longest known prefix, then the longest continuation, and so on.
  void add_pieces(const std::vector<char32_t>& word, std::vector<std::string>& all) const {
    std::vector<std::string> pieces;
    std::size_t start = 0;
    while (start < word.size() && word.size() <= kLongestWord) {
      std::size_t end = word.size();
      std::string piece;
      for (; end > start; --end) {
        piece = (start > 0 ? "##" : "") + text_of(word, start, end);
        if (numbers_.contains(piece)) break;
      }
      if (end == start) break;
      pieces.push_back(piece);
      start = end;
    }
    if (start < word.size()) {
      all.push_back(bert_specials()[2]);
    } else {
      all.insert(all.end(), pieces.begin(), pieces.end());
    }
  }

  bool has_lower_case_;
  std::unordered_map<std::string, std::int64_t> numbers_;
  std::string checksum_;
};

bool reads_lower_case(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return true;
  const auto json = nlohmann::json::parse(read_text_file(file, kLargestWordList), nullptr, false);
  const bool is_given =
      json.is_object() && json.contains("do_lower_case") && json["do_lower_case"].is_boolean();
  return is_given ? json["do_lower_case"].get<bool>() : true;
}

}  // namespace

std::unique_ptr<Tokenizer> make_word_piece_tokenizer(const std::filesystem::path& folder,
                                                     bool has_lower_case) {
  return std::make_unique<WordPieces>(folder, has_lower_case);
}

std::unique_ptr<Tokenizer> make_word_piece_tokenizer(const std::filesystem::path& folder) {
  return make_word_piece_tokenizer(folder, reads_lower_case(folder / "tokenizer_config.json"));
}

}  // namespace hardy
