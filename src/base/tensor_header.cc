#include "base/tensor_header.h"

#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hardy {
namespace {

/// Checks the JSON header while it is parsed: only the expected form is stored, so that neither
/// deep nesting nor repeated names cost memory.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(TensorHeader& header) : header_(header) {}

  [[nodiscard]] const std::string& problem() const { return problem_; }

  bool null() override { return unexpected("null"); }

  bool boolean(bool) override { return unexpected("a boolean"); }

  bool number_float(double, const std::string&) override { return unexpected("a fraction"); }

  bool binary(nlohmann::json::binary_t&) override { return unexpected("binary data"); }

  bool number_integer(std::int64_t) override { return unexpected("a negative number"); }

  bool number_unsigned(std::uint64_t value) override {
    if (depth_ != 3) return unexpected("a number");
    TensorEntry& entry = header_.entries.back();
    if (field_ == "shape") {
      if (value > (std::uint64_t{1} << 62)) return fail("a dimension is too large");
      if (entry.shape.size() == kMaxTensorDimensions)
        return fail("an array has too many dimensions");
      entry.shape.push_back(static_cast<std::int64_t>(value));
    } else {
      if (entry.offsets.size() == 2) return fail("data_offsets has more than two numbers");
      entry.offsets.push_back(value);
    }
    return true;
  }

  bool string(std::string& value) override {
    if (depth_ != 2) return unexpected("a text");
    if (in_metadata_) {
      header_.metadata[field_] = std::move(value);
      return true;
    }
    if (field_ != "dtype") return unexpected("a text");
    header_.entries.back().type = std::move(value);
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ == 0) return deeper();
    if (depth_ == 1) return deeper();
    return unexpected("an object");
  }

  bool end_object() override {
    if (depth_ == 2 && !in_metadata_ && seen_ != kAllFields) {
      return fail("array '" + header_.entries.back().name + "' lacks dtype, shape or data_offsets");
    }
    --depth_;
    return true;
  }

  bool start_array(std::size_t) override {
    const bool ok = depth_ == 2 && !in_metadata_ && (field_ == "shape" || field_ == "data_offsets");
    return ok ? deeper() : unexpected("a list");
  }

  bool end_array() override {
    --depth_;
    return true;
  }

  bool key(std::string& value) override {
    if (depth_ == 1) return start_entry(std::move(value));
    if (in_metadata_) {
      if (header_.metadata.contains(value)) return fail("a metadata name is given twice: " + value);
    } else {
      const unsigned field = value == "dtype"          ? 1U
                             : value == "shape"        ? 2U
                             : value == "data_offsets" ? 4U
                                                       : 0U;
      if (field == 0) return fail("unknown field: " + value);
      if ((seen_ & field) != 0) return fail("a field is given twice: " + value);
      seen_ |= field;
    }
    field_ = std::move(value);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    return fail(fmt::format("not JSON at byte {}: {}", position, error.what()));
  }

 private:
  static constexpr unsigned kAllFields = 7;

  bool start_entry(std::string name) {
    if (!names_.insert(name).second) return fail("a name is given twice: " + name);
    in_metadata_ = name == kTensorMetadataKey;
    if (!in_metadata_) {
      seen_ = 0;
      header_.entries.emplace_back();
      header_.entries.back().name = std::move(name);
    }
    return true;
  }

  bool deeper() {
    ++depth_;
    return true;
  }

  bool unexpected(const char* what) { return fail(fmt::format("unexpected {}", what)); }

  bool fail(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  TensorHeader& header_;
  std::set<std::string> names_;
  std::string field_;
  std::string problem_;
  int depth_ = 0;
  unsigned seen_ = 0;  ///< fields of the current array, as bits
  bool in_metadata_ = false;
};

}  // namespace

std::string read_tensor_header(std::string_view text, TensorHeader& header) {
  HeaderReader reader(header);
  if (text.empty() || text.front() != '{') return "it does not start with '{'";
  // The JSON parser treats a zero byte as the end of its input.
  if (text.find('\0') != std::string_view::npos) return "it holds a zero byte";
  if (!nlohmann::json::sax_parse(text, &reader)) return reader.problem();
  return {};
}

}  // namespace hardy
