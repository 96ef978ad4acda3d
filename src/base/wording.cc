#include "base/wording.h"

#include <algorithm>
#include <numeric>

namespace hardy {
namespace {

std::size_t edit_distance(std::string_view x, std::string_view y) {
  std::vector<std::size_t> row(y.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= x.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= y.size(); ++j) {
      const std::size_t replaced = diagonal + (x[i - 1] == y[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[y.size()];
}

std::string_view last_part(std::string_view key) {
  const auto dot = key.rfind('.');
  return dot == std::string_view::npos ? key : key.substr(dot + 1);
}

}  // namespace

std::string nearest_name(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kLongestCompared = 64;
  if (word.size() > kLongestCompared) return {};
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto& name : known) {
    std::size_t distance = edit_distance(word, name);
    if (last_part(word) == last_part(name)) distance = std::min<std::size_t>(distance, 1);
    // "--sed" may be "--set" or "--seed": a missing ending or missing letters are the likelier
    // typo.
    const bool is_longer = distance == best_distance && name.size() > best.size() && !best.empty();
    if (distance < best_distance || is_longer) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace hardy
