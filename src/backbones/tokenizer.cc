#include "backbones/tokenizer.h"

#include <algorithm>

#include <fmt/format.h>

#include "backbones/unicode_classes.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

std::string without_blanks_behind(const std::string& text) {
  auto characters = characters_of(text);
  while (!characters.empty() && is_python_blank(characters.back())) characters.pop_back();
  return text_of(characters, 0, characters.size());
}

}  // namespace

std::vector<std::string> split_at_specials(std::string_view text,
                                           const std::vector<std::string>& specials,
                                           std::string_view blank_eater) {
  std::vector<std::string> parts = {std::string(text)};
  for (const std::string& special : specials) {
    std::vector<std::string> split;
    for (const std::string& part : parts) {
      if (std::find(specials.begin(), specials.end(), part) != specials.end()) {
        split.push_back(part);
        continue;
      }
      std::size_t start = 0;
      while (true) {
        const auto end = part.find(special, start);
        const bool is_last = end == std::string::npos;
        std::string between = part.substr(start, is_last ? end : end - start);
        if (!is_last && special == blank_eater) between = without_blanks_behind(between);
        if (!between.empty()) split.push_back(std::move(between));
        if (is_last) break;
        split.push_back(special);
        start = end + special.size();
      }
    }
    parts = std::move(split);
  }
  return parts;
}

std::unique_ptr<Tokenizer> make_tokenizer(const std::filesystem::path& folder,
                                          const std::string& model_type) {
  if (model_type == "deberta") return make_byte_pair_tokenizer(folder, false);
  if (model_type == "roberta") return make_byte_pair_tokenizer(folder, true);
  if (model_type == "bert") return make_word_piece_tokenizer(folder);
  throw ArtifactError(fmt::format("{}: no tokenizer is known for a network of the kind '{}'",
                                  folder.string(), model_type));
}

}  // namespace hardy
