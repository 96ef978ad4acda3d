// TensorBoard event files of training curves. A file is a sequence of TFRecords, each a length, its
// checksum, a protocol-buffer message and its checksum.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "report/run_tables.h"

namespace hardy {

/// CRC-32C (Castagnoli, reflected, as in RFC 3720).
std::uint32_t crc32c(std::string_view bytes);

/// TFRecord's checksum: CRC-32C rotated right by 15 bits plus a constant.
std::uint32_t masked_crc32c(std::string_view bytes);

/// One TFRecord around a message.
std::string event_record(std::string_view message);

/// The first event of every file.
std::string version_event();

/// One value of a curve as an Event message. Time is the step, so that equal curves give equal
/// bytes.
std::string scalar_event(const std::string& tag, std::int64_t step, double value);

/// Writes one event file per fit below `folder`: <track>-<pattern>-fold<f>-seed<s>/. Tags are
/// <stage>/<name>. Returns the number of files. Throws IoError.
std::size_t write_event_files(const std::filesystem::path& folder,
                              const std::vector<FitCurve>& curves);

}  // namespace hardy
