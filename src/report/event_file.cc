#include "report/event_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <span>

#include <fmt/format.h>

#include "base/files.h"

namespace hardy {
namespace {

/// Field numbers of tensorflow.Event, Summary and Summary.Value.
enum Field : std::uint64_t {
  kWallTime = 1,
  kStep = 2,
  kFileVersion = 3,
  kSummary = 5,
  kValue = 1,
  kTag = 1,
  kSimpleValue = 2
};

/// Wire types of protocol buffers.
enum Wire : std::uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1U) != 0 ? 0x82F63B78U : 0U);
    table[i] = value;
  }
  return table;
}

template <typename Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    bytes += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  }
  return bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  while (value >= 0x80) {
    bytes += static_cast<char>(static_cast<unsigned char>(value | 0x80U));
    value >>= 7;
  }
  return bytes + static_cast<char>(static_cast<unsigned char>(value));
}

std::string key(Field field, Wire wire) {
  return varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(wire));
}

std::string bytes_field(Field field, std::string_view bytes) {
  return key(field, kBytes) + varint(bytes.size()) + std::string(bytes);
}

std::string time_field(double seconds) {
  return key(kWallTime, kFixed64) + little_endian(std::bit_cast<std::uint64_t>(seconds));
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = crc_table();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFFU];
  }
  return ~crc;
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U;
}

std::string event_record(std::string_view message) {
  const std::string length = little_endian(static_cast<std::uint64_t>(message.size()));
  return length + little_endian(masked_crc32c(length)) + std::string(message) +
         little_endian(masked_crc32c(message));
}

std::string version_event() { return time_field(0) + bytes_field(kFileVersion, "brain.Event:2"); }

std::string scalar_event(const std::string& tag, std::int64_t step, double value) {
  const std::string simple = key(kSimpleValue, kFixed32) +
                             little_endian(std::bit_cast<std::uint32_t>(static_cast<float>(value)));
  const std::string summary = bytes_field(kValue, bytes_field(kTag, tag) + simple);
  return time_field(static_cast<double>(step)) + key(kStep, kVarint) +
         varint(static_cast<std::uint64_t>(step)) + bytes_field(kSummary, summary);
}

std::size_t write_event_files(const std::filesystem::path& folder,
                              const std::vector<FitCurve>& curves) {
  std::map<std::string, std::string> files;
  for (const auto& curve : curves) {
    std::string pattern = curve.trained;
    std::replace(pattern.begin(), pattern.end(), ',', '+');
    std::replace(pattern.begin(), pattern.end(), '/', '_');
    std::string& bytes =
        files[fmt::format("{}-{}-fold{}-seed{}", curve.track, pattern, curve.fold, curve.seed)];
    if (bytes.empty()) bytes = event_record(version_event());
    for (const auto& [epoch, value] : curve.points) {
      bytes += event_record(scalar_event(curve.stage + "/" + curve.name, epoch, value));
    }
  }
  for (const auto& [name, bytes] : files) {
    write_file_atomically(folder / name / "events.out.tfevents.0000000000.hardy", bytes);
  }
  return files.size();
}

}  // namespace hardy
