// Plain data as Python's pickle module reads them: texts, numbers, lists, dicts, numpy arrays.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// Appends one value after another; what stands between begin and end belongs to that collection.
/// Written is protocol 4 (Python 3.4), which numpy 1 and 2 and our own reader take.
class PickleWriter {
 public:
  PickleWriter();

  void add_integer(std::int64_t value);
  void add_real(double value);
  void add_text(std::string_view value);

  /// A numpy array of float32, row-major. Throws ShapeError when shape and values differ in size.
  void add_array(const std::vector<std::int64_t>& shape, std::span<const float> values);

  void begin() { bytes_ += '('; }

  void end_list() { bytes_ += 'l'; }

  void end_dict() { bytes_ += 'd'; }

  /// The file. Nothing may be added after it.
  [[nodiscard]] std::string finish();

 private:
  void add_name(std::string_view module, std::string_view name);
  void add_bytes(std::string_view value);
  void add_type();

  std::string bytes_;
};

}  // namespace hardy
