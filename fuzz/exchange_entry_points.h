// Entry points of the fuzzers of uploaded forms and of the messages between service and extractor,
// shared with tests/serve/fuzz_regression_test.cc.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "formats/text.h"
#include "fuzz/request_entry_point.h"
#include "hardy/errors.h"
#include "media/recording_exchange.h"
#include "serve/media_form.h"
#include "serve/multipart.h"

namespace hardy::fuzz {

/// The first line is the content type, the rest the body.
inline void run_multipart(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto line_end = std::min(text.find('\n'), text.size());
  const auto boundary = form_boundary(text.substr(0, line_end)).value_or("XX");
  check(!boundary.empty() && boundary.size() <= 70, "the length of a boundary");
  const auto body = text.substr(std::min(line_end + 1, text.size()));
  try {
    std::set<std::string> names;
    const auto parts = read_form(body, boundary);
    check(parts.size() <= 8, "too many parts");
    for (const auto& part : parts) {
      check(!part.name.empty() && names.insert(part.name).second, "a part's name");
      check(part.file_name.find_first_of("/\\") == std::string::npos && is_utf8(part.file_name),
            "a file name");
      check(part.contents.find("\r\n--" + boundary) == std::string_view::npos,
            "contents with a boundary");
    }
    const MediaForm form = read_media_form(body, boundary, request_model());
    check(!form.recording.contents.empty() && !form.recording.file_name.empty(), "no recording");
    check(form.cut == "auto" || form.cut == "pauses" || form.cut == "whole", "an unknown cut");
  } catch (const RequestError& error) {
    check(!error.reason().empty(), "a refusal without a reason");
  }
}

inline void check_answer(const RecordingAnswer& answer, const std::array<FeatureMaker, 3>& makers) {
  for (const auto& each : answer.segments) {
    check(each.segment.start_s >= 0 && each.segment.start_s < each.segment.end_s, "times");
    check(each.seconds >= 0 && each.faces >= 0 && each.faces <= each.pictures, "counts");
    for (std::size_t m = 0; m < makers.size(); ++m) {
      const auto& values = each.modalities[m].values;
      check(values.empty() || static_cast<std::int64_t>(values.size()) == makers[m].width, "width");
      check(std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); }),
            "a value that is not finite");
    }
  }
}

/// The first byte selects the kind of message. What was read and written again reads the same.
inline void run_recording_exchange(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const std::array<FeatureMaker, 3> makers = {{{"a", 2}, {"t", 1}, {"v", 3}}};
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 1, bytes.size() - 1);
  try {
    switch (std::to_integer<int>(bytes[0]) % 3) {
      case 0: {
        const auto once = encode_question(decode_question(text));
        check(once == encode_question(decode_question(once)), "a question changes");
        break;
      }
      case 1: {
        const auto answer = decode_answer(text, makers);
        check_answer(answer, makers);
        const auto once = encode_answer(answer);
        check(once == encode_answer(decode_answer(once, makers)), "an answer changes");
        break;
      }
      default: {
        const auto once = encode_makers(decode_makers(text));
        check(once == encode_makers(decode_makers(once)), "makers change");
      }
    }
  } catch (const DataError&) {
  }
}

}  // namespace hardy::fuzz
