// Texts of labels: numbers, signs that mean "not labelled", names that look alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hardy {

/// A number that is finite as a float32; "nan" and "inf" are not.
std::optional<double> number_in(std::string_view text);

/// A whole number of at most 1e9 in magnitude, also written as 2.0 or 2e0.
std::optional<std::int64_t> whole_number_in(std::string_view text);

/// Whether a text is a number with a decimal comma, "1,5".
bool has_decimal_comma(std::string_view text);

/// A number with a decimal comma or point.
std::optional<double> number_with_comma(std::string_view text);

/// Whether a text is a percentage, "25%" or "25 %".
bool is_percentage(std::string_view text);

/// Whether a number is one of those with which questionnaires and statistics programs mark what is
/// not known: 99, 999, -999 and the like.
bool is_filler(double value);

/// Whether a filler lies far beyond the other values, whose largest magnitude is `largest`.
bool is_filler_among(double value, double largest);

/// Whether a name means "not labelled" in some data sets and a class in others: none, unknown, xxx
/// (IEMOCAP's "the raters do not agree").
bool is_doubtful_class(std::string_view name);

/// Whether a text usually stands for an unknown value, or names nothing: "", nan, N/A, null, the
/// errors of spreadsheets, signs alone.
bool looks_missing(std::string_view text);

/// A name in lower case and without what the eye does not see or takes for the same: blanks,
/// hyphens, underscores, characters of no width.
std::string as_seen(std::string_view name);

}  // namespace hardy
