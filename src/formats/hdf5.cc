#include "formats/hdf5.h"

#include <array>
#include <fstream>
#include <string_view>

#include <fmt/format.h>

#include "base/foreign.h"
#include "formats/hdf5_walk.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::string_view kSignature("\x89HDF\r\n\x1a\n", 8);
constexpr std::uint64_t kMaxErrorText = std::uint64_t{1} << 16;
constexpr std::uint64_t kMaxText = std::uint64_t{1} << 24;

std::string checked_text(std::string bytes) {
  return is_utf8(bytes) ? bytes : latin1_to_utf8(bytes);
}

/// Whether another record of the expected kind follows; throws for an error or any other record.
bool next_record(Inlet& inlet, const std::string& name, Hdf5Record expected) {
  const auto record = static_cast<Hdf5Record>(inlet.read_number());
  if (record == Hdf5Record::kError) {
    throw DataError(fmt::format("{}: {}", name, checked_text(inlet.read_text(kMaxErrorText))));
  }
  if (record == expected) return true;
  if (record == Hdf5Record::kEnd) return false;
  throw DataError(fmt::format("{}: reading it failed: an unknown record; is it damaged?", name));
}

/// Upper bound on the bytes of a dataset of the file; the other process is not trusted.
std::uint64_t most_bytes(const std::filesystem::path& file) {
  std::error_code ignored;
  return kFreeHdf5Bytes + kMaxHdf5Expansion * std::filesystem::file_size(file, ignored);
}

Hdf5Array receive_array(Inlet& inlet, std::uint64_t most) {
  Hdf5Array array;
  array.entry.path = checked_text(inlet.read_text(kMaxHdf5Name));
  const auto want = static_cast<Hdf5Want>(inlet.read_number(3));
  const std::uint64_t axes = inlet.read_number(kMaxHdf5Axes);
  std::uint64_t count = 1;
  for (std::uint64_t axis = 0; axis < axes; ++axis) {
    const std::uint64_t extent = inlet.read_number(kMaxHdf5Bytes);
    if (__builtin_mul_overflow(count, extent, &count) || count > most / sizeof(float)) {
      throw DataError("a dataset is larger than its file allows");
    }
    array.entry.shape.push_back(static_cast<std::int64_t>(extent));
  }
  array.entry.type = want == Hdf5Want::kTexts ? Hdf5Type::kTexts : Hdf5Type::kNumbers;
  const auto size = static_cast<std::size_t>(count);
  if (want == Hdf5Want::kFloats) {
    array.floats.resize(size);
    inlet.read(array.floats.data(), size * sizeof(float));
  } else if (want == Hdf5Want::kDoubles) {
    array.doubles.resize(size);
    inlet.read(array.doubles.data(), size * sizeof(double));
  } else {
    for (std::size_t i = 0; i < size; ++i) {
      array.texts.push_back(checked_text(inlet.read_text(kMaxText)));
    }
  }
  return array;
}

/// Names what a file without HDF5's first bytes is instead, where that can be told.
void require_no_other_form(const std::filesystem::path& file) {
  const auto other = is_hdf5(file) ? std::string() : foreign_file(file);
  if (other.empty()) return;
  throw DataError(fmt::format("{}: it is {}", file.string(), other));
}

}  // namespace

std::int64_t Hdf5Entry::size() const {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

bool is_hdf5(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return false;
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 8> start{};
  stream.read(start.data(), start.size());
  return stream.gcount() == 8 && std::string_view(start.data(), 8) == kSignature;
}

void read_hdf5(const std::filesystem::path& file,
               const std::function<Hdf5Want(const Hdf5Entry&)>& want,
               const std::function<void(Hdf5Array&)>& take) {
  require_no_other_form(file);
  const std::string name = file.string();
  run_isolated(
      name, {}, [&](Outlet& outlet) { walk_hdf5(file, want, outlet); },
      [&](Inlet& inlet) {
        while (next_record(inlet, name, Hdf5Record::kArray)) {
          Hdf5Array array = receive_array(inlet, most_bytes(file));
          take(array);
        }
      });
}

std::vector<std::string> list_hdf5_root(const std::filesystem::path& file) {
  require_no_other_form(file);
  const std::string name = file.string();
  std::vector<std::string> names;
  run_isolated(
      name, {}, [&](Outlet& outlet) { walk_hdf5_root(file, outlet); },
      [&](Inlet& inlet) {
        while (next_record(inlet, name, Hdf5Record::kName)) {
          names.push_back(checked_text(inlet.read_text(kMaxHdf5Name)));
        }
      });
  return names;
}

}  // namespace hardy
