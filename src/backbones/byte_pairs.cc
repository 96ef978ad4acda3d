// Byte-level byte-pair encoding (Radford et al., 2019).
#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "backbones/tokenizer.h"
#include "backbones/unicode_classes.h"
#include "base/checksum.h"
#include "base/files.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kLargestVocabulary = std::size_t{256} << 20;
constexpr std::size_t kNoRank = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kLongestPiece = std::size_t{1} << 16;

std::string read_artifact(const fs::path& file) {
  try {
    return read_text_file(file, kLargestVocabulary);
  } catch (const DataError& error) {
    throw ArtifactError(error.what());
  }
}

Json parse_artifact(const fs::path& file, const std::string& text) {
  auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw ArtifactError(fmt::format("{}: is no JSON", file.string()));
  return json;
}

/// A printable character for each byte: the byte itself if printable, else the next from U+0100 on.
std::array<std::string, 256> byte_letters() {
  std::array<std::string, 256> letters;
  std::uint32_t next = 256;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    const bool is_printable =
        (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
    append_utf8(letters[byte], is_printable ? byte : next++);
  }
  return letters;
}

/// Ends of the pieces of a text: contractions, words, numbers and other signs with at most one
/// blank in front, blanks.
class PieceSplitter {
 public:
  explicit PieceSplitter(std::string_view text) : characters_(characters_of(text)) {}

  std::vector<std::string> split() const {
    std::vector<std::string> pieces;
    std::size_t at = 0;
    while (at < characters_.size()) {
      const std::size_t end = end_of_piece(at);
      pieces.push_back(text_of(characters_, at, end));
      at = end;
    }
    return pieces;
  }

 private:
  enum class Class { kLetter, kNumber, kBlank, kOther };

  [[nodiscard]] Class class_at(std::size_t i) const {
    const char32_t c = characters_[i];
    if (is_letter(c)) return Class::kLetter;
    if (is_number(c)) return Class::kNumber;
    return is_white_space(c) ? Class::kBlank : Class::kOther;
  }

  [[nodiscard]] bool has_at(std::size_t i, std::string_view ascii) const {
    if (characters_.size() - i < ascii.size()) return false;
    for (std::size_t j = 0; j < ascii.size(); ++j) {
      if (characters_[i + j] != static_cast<char32_t>(ascii[j])) return false;
    }
    return true;
  }

  [[nodiscard]] std::size_t end_of_piece(std::size_t at) const {
    for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
      if (has_at(at, ending)) return at + ending.size();
    }
    const bool has_blank = characters_[at] == U' ' && at + 1 < characters_.size();
    const std::size_t first = has_blank && class_at(at + 1) != Class::kBlank ? at + 1 : at;
    const Class kind = class_at(first);
    if (kind != Class::kBlank) return end_of_run(first, kind);
    // A run of blanks leaves its last one to the next word.
    const std::size_t end = end_of_run(at, Class::kBlank);
    return end < characters_.size() && end - at > 1 ? end - 1 : end;
  }

  [[nodiscard]] std::size_t end_of_run(std::size_t at, Class kind) const {
    while (at < characters_.size() && class_at(at) == kind) ++at;
    return at;
  }

  std::vector<char32_t> characters_;
};

class BytePairs final : public Tokenizer {
 public:
  BytePairs(const fs::path& folder, bool is_roberta)
      : letters_(byte_letters()),
        specials_(is_roberta
                      ? std::vector<std::string>{"<s>", "</s>", "<unk>", "<pad>", "<mask>"}
                      : std::vector<std::string>{"[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]"}) {
    read_vocabulary(folder);
    read_settings(folder / "tokenizer_config.json");
    for (std::size_t i = 0; i < 3; ++i) {
      if (!numbers_.contains(specials_[i])) {
        throw ArtifactError(fmt::format("{}: the token {} is missing from the vocabulary",
                                        folder.string(), specials_[i]));
      }
    }
    checksum_ = sha256(checksum_);
  }

  [[nodiscard]] std::vector<std::string> tokens(std::string_view text) const override {
    std::vector<std::string> all;
    const auto characters = characters_of(text);
    if (std::all_of(characters.begin(), characters.end(), is_python_blank)) return all;
    for (const std::string& part : split_at_specials(text, specials_, specials_[4])) {
      if (std::find(specials_.begin(), specials_.end(), part) != specials_.end()) {
        all.push_back(part);
      } else {
        add_plain(part, all);
      }
    }
    return all;
  }

  [[nodiscard]] std::vector<std::string> word_tokens(std::string_view word) const override {
    std::vector<std::string> all;
    const auto characters = characters_of(word);
    const bool has_blank = !characters.empty() && is_python_blank(characters.front());
    add_plain(has_blank ? std::string(word) : " " + std::string(word), all);
    return all;
  }

  [[nodiscard]] std::vector<std::int64_t> ids(
      const std::vector<std::string>& tokens) const override {
    std::vector<std::int64_t> numbers = {numbers_.at(specials_[0])};
    const std::int64_t unknown = numbers_.at(specials_[2]);
    for (const auto& token : tokens) {
      const auto found = numbers_.find(token);
      numbers.push_back(found == numbers_.end() ? unknown : found->second);
    }
    numbers.push_back(numbers_.at(specials_[1]));
    return numbers;
  }

  [[nodiscard]] std::string checksum() const override { return checksum_; }

 private:
  void read_vocabulary(const fs::path& folder) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / "vocab.json", ignored)) {
      const auto vocabulary = read_artifact(folder / "vocab.json");
      add_numbers(folder / "vocab.json", parse_artifact(folder / "vocab.json", vocabulary));
      const auto merges = read_artifact(folder / "merges.txt");
      add_merge_lines(folder / "merges.txt", merges);
      checksum_ = vocabulary + merges;
      return;
    }
    const fs::path file = folder / "tokenizer.json";
    if (!fs::is_regular_file(file, ignored)) {
      throw ArtifactError(fmt::format(
          "{}: holds neither vocab.json and merges.txt nor tokenizer.json", folder.string()));
    }
    checksum_ = read_artifact(file);
    const Json json = parse_artifact(file, checksum_);
    if (!json.contains("model") || !json["model"].is_object() || !json["model"].contains("vocab") ||
        !json["model"].contains("merges")) {
      throw ArtifactError(fmt::format("{}: holds no byte pairs (model.merges)", file.string()));
    }
    add_numbers(file, json["model"]["vocab"]);
    for (const auto& merge : json["model"]["merges"]) {
      if (merge.is_string()) {
        add_merge(file, merge.get<std::string>());
      } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
                 merge[1].is_string()) {
        ranks_.try_emplace({merge[0].get<std::string>(), merge[1].get<std::string>()},
                           ranks_.size());
      } else {
        throw ArtifactError(fmt::format("{}: a merge is neither text nor pair", file.string()));
      }
    }
    for (const auto& added : json.value("added_tokens", Json::array())) {
      if (added.is_object() && added.contains("content") && added.contains("id") &&
          added["content"].is_string() && added["id"].is_number_integer()) {
        numbers_.try_emplace(added["content"].get<std::string>(), added["id"].get<std::int64_t>());
      }
    }
  }

  void add_numbers(const fs::path& file, const Json& json) {
    if (!json.is_object()) {
      throw ArtifactError(fmt::format("{}: is no vocabulary (token: number)", file.string()));
    }
    for (const auto& [token, number] : json.items()) {
      if (!number.is_number_integer()) {
        throw ArtifactError(fmt::format("{}: the token '{}' has no number", file.string(),
                                        readable(token.substr(0, 80))));
      }
      numbers_[token] = number.get<std::int64_t>();
    }
  }

  /// The first line is a comment; a text after the last line end is ignored.
  void add_merge_lines(const fs::path& file, const std::string& text) {
    std::size_t start = text.find('\n');
    while (start != std::string::npos) {
      const auto end = text.find('\n', start + 1);
      if (end == std::string::npos) break;
      std::string line = text.substr(start + 1, end - start - 1);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      add_merge(file, line);
      start = end;
    }
  }

  void add_merge(const fs::path& file, const std::string& line) {
    const auto blank = line.find(' ');
    if (blank == std::string::npos || line.find(' ', blank + 1) != std::string::npos) {
      throw ArtifactError(fmt::format("{}: '{}' is no pair of tokens", file.string(),
                                      readable(line.substr(0, 80))));
    }
    ranks_.try_emplace({line.substr(0, blank), line.substr(blank + 1)}, ranks_.size());
  }

  void read_settings(const fs::path& file) {
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) return;
    const Json json = parse_artifact(file, read_artifact(file));
    if (json.is_object() && json.contains("do_lower_case") && json["do_lower_case"].is_boolean()) {
      has_lower_case_ = json["do_lower_case"].get<bool>();
    }
  }

  void add_plain(const std::string& text, std::vector<std::string>& all) const {
    std::string given = text;
    if (has_lower_case_) {
      auto characters = characters_of(text);
      std::transform(characters.begin(), characters.end(), characters.begin(), lower_case_of);
      given = text_of(characters, 0, characters.size());
    }
    for (const auto& piece : PieceSplitter(given).split()) {
      std::vector<std::string> parts;
      for (const char byte : piece) parts.push_back(letters_[static_cast<unsigned char>(byte)]);
      if (parts.size() > kLongestPiece) {
        throw DataError("its text holds a word of more than 65536 bytes");
      }
      merge(parts);
      all.insert(all.end(), parts.begin(), parts.end());
    }
  }

  [[nodiscard]] std::size_t rank_of(const std::string& left, const std::string& right) const {
    const auto found = ranks_.find({left, right});
    return found == ranks_.end() ? kNoRank : found->second;
  }

  /// Repeatedly joins all neighbours of the pair with the lowest rank.
  void merge(std::vector<std::string>& parts) const {
    while (parts.size() > 1) {
      std::size_t best = kNoRank;
      std::size_t best_at = 0;
      for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        const std::size_t rank = rank_of(parts[i], parts[i + 1]);
        if (rank < best) {
          best = rank;
          best_at = i;
        }
      }
      if (best == kNoRank) return;
      const std::string left = parts[best_at];
      const std::string right = parts[best_at + 1];
      std::vector<std::string> joined;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const bool is_pair = i + 1 < parts.size() && parts[i] == left && parts[i + 1] == right;
        joined.push_back(is_pair ? left + right : parts[i]);
        if (is_pair) ++i;
      }
      parts = std::move(joined);
    }
  }

  std::array<std::string, 256> letters_;
  std::vector<std::string> specials_;  // start, end, unknown, padding, mask
  std::unordered_map<std::string, std::int64_t> numbers_;
  std::map<std::pair<std::string, std::string>, std::size_t> ranks_;
  bool has_lower_case_ = false;
  std::string checksum_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_byte_pair_tokenizer(const fs::path& folder, bool is_roberta) {
  return std::make_unique<BytePairs>(folder, is_roberta);
}

}  // namespace hardy
