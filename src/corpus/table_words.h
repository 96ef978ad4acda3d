// Words and numbers that tables of different programs write in several ways.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/csv.h"
#include "hardy/corpus.h"

namespace hardy {

/// The part of a split that a word means, in any case of letters: train, training, trn; validation,
/// valid, val, dev, development; test, testing, tst; an empty text is Part::kNone.
std::optional<Part> part_of_word(std::string_view word);

/// An integer, also as pandas writes it in a column with holes: "2" and "2.0" are 2.
std::optional<std::int64_t> whole_number_of(std::string_view text);

/// The column of `known` that a column of the table seems to be: it differs in the case of letters
/// only, or it is a usual name (`partition`, `conversation_id`) and its fields fit. Empty where the
/// table has that column already, and for columns without influence on results.
std::string meant_column(const CsvTable& table, std::size_t column);

}  // namespace hardy
