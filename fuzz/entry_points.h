// Entry points of the fuzzers, shared with tests/formats/fuzz_regression_test.cc. Documented errors
// of the readers are expected; anything else (a crash, another exception, a hang) is a finding.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "corpus/plain_form.h"
#include "formats/npy.h"
#include "formats/pickle.h"
#include "formats/torch_checkpoint.h"
#include "hardy/config.h"
#include "hardy/errors.h"
#include "hardy/tensor_file.h"
#include "pipeline/manifest.h"

namespace hardy::fuzz {

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Number of values below `value`, shared ones counted each time, as a caller would walk them.
inline std::size_t walk(const PickleValue& value) {
  std::size_t count = 1 + value.describe().size();
  switch (value.kind()) {
    case PickleKind::kText:
      count += value.text().size();
      break;
    case PickleKind::kArray: {
      const PickleArray& array = value.array();
      const bool is_text = array.dtype.type == 'U' || array.dtype.type == 'S';
      for (std::int64_t i = 0; i < array.size() && array.dtype.type != 'O'; ++i) {
        count += is_text ? array_text(array, i).size()
                         : static_cast<std::size_t>(std::isnan(array_real(array, i)));
      }
      break;
    }
    case PickleKind::kList:
    case PickleKind::kTuple:
    case PickleKind::kDict:
    case PickleKind::kSet:
    case PickleKind::kStorage:
    case PickleKind::kTensor:
      for (const PickleRef item : value.items()) count += walk(*item);
      break;
    default:
      break;
  }
  return count;
}

inline void run_pickle(std::span<const std::byte> bytes) {
  try {
    const Pickle pickle = parse_pickle(bytes, "input");
    check(walk(pickle.root()) > 0, "a pickle without values");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
  }
}

inline void run_npy(std::span<const std::byte> bytes) {
  try {
    const NpyArray array = parse_npy(bytes, "input");
    // An array can be written and reads back with the same shape.
    const std::string again = format_npy(array.shape, array.values);
    check(parse_npy(std::as_bytes(std::span(again)), "again").shape == array.shape, "npy");
    std::vector<float> feature;
    read_npy_feature(bytes, "input", feature);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
  }
}

inline void run_tensor_file(std::span<const std::byte> bytes) {
  try {
    (void)parse_tensor_file(bytes, "input");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kArtifact) throw;
  }
}

inline void run_torch_checkpoint(std::span<const std::byte> bytes) {
  try {
    (void)parse_torch_checkpoint(bytes, "input");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kArtifact) throw;
  }
}

inline void run_config(std::span<const std::byte> bytes) {
  try {
    const Config config = parse_config(std::string(as_text(bytes)), "input", Config{});
    validate_config(config);
    // Accepted settings are written as equivalent TOML.
    const std::string toml = config_toml(config);
    check(config_toml(parse_config(toml, "again", Config{})) == toml, "config");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kConfig) throw;
  }
}

/// The table; everything before the first zero byte is corpus.toml.
inline void run_plain_csv(std::span<const std::byte> bytes) {
  const std::string_view text = as_text(bytes);
  const std::size_t cut = text.find('\0');
  const bool has_settings = cut != std::string_view::npos;
  try {
    const PlainSettings settings =
        has_settings ? parse_plain_settings(text.substr(0, cut), "toml") : PlainSettings{};
    const auto table =
        parse_plain_table(has_settings ? text.substr(cut + 1) : text, "csv", settings, {"a", "b"});
    check(table.row_of.size() == table.reading.corpus.utterances.size(), "rows of the table");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
  }
}

/// manifest.json and results.json of a damaged run folder.
inline void run_run_folder(std::span<const std::byte> bytes) {
  const std::string text(as_text(bytes));
  try {
    static_cast<void>(manifest_json(parse_manifest(text, "input")));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kArtifact) throw;
  }
  try {
    const Results results = parse_results(text, "input");
    static_cast<void>(results_table(results));
    static_cast<void>(results_csv(results));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kArtifact) throw;
  }
}

}  // namespace hardy::fuzz
