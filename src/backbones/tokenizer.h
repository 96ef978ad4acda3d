// Text -> token ids of a language model. Internal to backbones/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// The tokens of a text in UTF-8, without start and end tokens.
  [[nodiscard]] virtual std::vector<std::string> tokens(std::string_view text) const = 0;

  /// The tokens of a single word in a list of words.
  [[nodiscard]] virtual std::vector<std::string> word_tokens(std::string_view word) const = 0;

  /// The ids of tokens between those of start and end.
  [[nodiscard]] virtual std::vector<std::int64_t> ids(
      const std::vector<std::string>& tokens) const = 0;

  /// SHA-256 of its files.
  [[nodiscard]] virtual std::string checksum() const = 0;
};

/// Byte-level byte-pair encoding as DeBERTa (specials [CLS], [SEP]) and RoBERTa (<s>, </s>) use it.
/// Reads vocab.json and merges.txt, or tokenizer.json, and tokenizer_config.json when there is one.
/// `is_roberta` chooses the specials. Throws ArtifactError naming the file.
std::unique_ptr<Tokenizer> make_byte_pair_tokenizer(const std::filesystem::path& folder,
                                                    bool is_roberta);

/// BERT's WordPiece. Reads vocab.txt and tokenizer_config.json (do_lower_case; default true).
std::unique_ptr<Tokenizer> make_word_piece_tokenizer(const std::filesystem::path& folder);

/// The same with a given choice of lower case.
std::unique_ptr<Tokenizer> make_word_piece_tokenizer(const std::filesystem::path& folder,
                                                     bool has_lower_case);

/// By a network's "model_type". Throws ArtifactError.
std::unique_ptr<Tokenizer> make_tokenizer(const std::filesystem::path& folder,
                                          const std::string& model_type);

/// Occurrences of `specials` (in search order) and the texts between them. A text before
/// `blank_eater` loses its trailing white space.
std::vector<std::string> split_at_specials(std::string_view text,
                                           const std::vector<std::string>& specials,
                                           std::string_view blank_eater);

}  // namespace hardy
