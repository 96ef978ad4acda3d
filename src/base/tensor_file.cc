#include "hardy/tensor_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/checksum.h"
#include "base/descriptor.h"
#include "base/files.h"
#include "base/foreign.h"
#include "base/shared_files.h"
#include "base/tensor_header.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor files are little-endian");

constexpr const char* kChecksumKey = "hardy.checksum";
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kAlignment = 64;

std::size_t item_size(const std::string& type) {
  if (type == "F32") return 4;
  if (type == "I64") return 8;
  if (type == "U8") return 1;
  return 0;
}

[[noreturn]] void damaged(std::string_view name, const std::string& what) {
  throw ArtifactError(fmt::format(
      "{}: not a usable tensor file: {}; restore it from a copy or make it again", name, what));
}

/// Number of values of a shape. Throws on overflow.
std::uint64_t value_count(const std::vector<std::int64_t>& shape, std::string_view name,
                          const std::string& array) {
  std::uint64_t count = 1;
  for (const std::int64_t size : shape) {
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(size), &count)) {
      damaged(name, fmt::format("the shape of array '{}' is too large", array));
    }
  }
  return count;
}

/// Checks that the entries cover the data section exactly: no gap, no overlap, sizes according to
/// the shapes.
void check_layout(std::vector<TensorEntry>& entries, std::uint64_t data_size,
                  std::string_view name) {
  for (const TensorEntry& entry : entries) {
    const std::size_t item = item_size(entry.type);
    if (item == 0) {
      damaged(name, fmt::format("array '{}' has the type '{}'; known are F32, I64 and U8",
                                entry.name, entry.type));
    }
    if (entry.offsets.size() != 2) {
      damaged(name, fmt::format("array '{}' lacks its two offsets", entry.name));
    }
    const std::uint64_t count = value_count(entry.shape, name, entry.name);
    if (entry.offsets[0] > entry.offsets[1] || entry.offsets[1] > data_size) {
      damaged(name, fmt::format("array '{}' lies at bytes {}..{} of a data section of {} bytes",
                                entry.name, entry.offsets[0], entry.offsets[1], data_size));
    }
    const std::uint64_t bytes = entry.offsets[1] - entry.offsets[0];
    if (count > data_size || bytes != count * item) {
      damaged(name, fmt::format("array '{}' has {} bytes, its shape needs {} values of {}",
                                entry.name, bytes, count, item));
    }
  }
  std::sort(entries.begin(), entries.end(), [](const TensorEntry& x, const TensorEntry& y) {
    return std::tie(x.offsets, x.name) < std::tie(y.offsets, y.name);
  });
  std::uint64_t covered = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.offsets[0] != covered) {
      damaged(name, fmt::format("array '{}' starts at byte {} instead of {} (gap or overlap)",
                                entry.name, entry.offsets[0], covered));
    }
    covered = entry.offsets[1];
  }
  if (covered != data_size) {
    damaged(name, fmt::format("{} bytes of data, its arrays need {}", data_size, covered));
  }
}

template <typename Value>
std::vector<Value> copy_values(std::span<const std::byte> bytes) {
  std::vector<Value> values(bytes.size() / sizeof(Value));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::string_view type_of(const NamedArray& array) {
  constexpr std::string_view kTypes[] = {"F32", "I64", "U8"};
  return kTypes[array.values.index()];
}

std::span<const std::byte> bytes_of(const NamedArray& array) {
  return std::visit([](const auto& values) { return std::as_bytes(std::span(values)); },
                    array.values);
}

/// Covers names, types, shapes, metadata and values, so that any damaged byte is detected.
std::string checksum_of(const TensorFileView& contents) {
  Sha256 digest;
  for (const auto& [name, array] : contents.arrays) {
    digest.add(name).add(array.type);
    const std::uint64_t dimensions = array.shape.size();
    digest.add(&dimensions, sizeof dimensions);
    digest.add(array.shape.data(), array.shape.size() * sizeof(std::int64_t));
    digest.add(array.bytes.data(), array.bytes.size());
  }
  for (const auto& [name, text] : contents.metadata) {
    if (name != kChecksumKey) digest.add(name).add(text);
  }
  return digest.hex();
}

void check_shape(const std::string& name, const NamedArray& array) {
  std::int64_t count = 1;
  bool fits = array.shape.size() <= kMaxTensorDimensions;
  for (const std::int64_t size : array.shape) {
    fits = fits && size >= 0 && !__builtin_mul_overflow(count, size, &count);
  }
  const std::size_t held =
      std::visit([](const auto& values) { return values.size(); }, array.values);
  if (!fits || static_cast<std::size_t>(count) != held) {
    throw ShapeError(fmt::format("array '{}' holds {} values, its shape [{}] does not", name, held,
                                 fmt::join(array.shape, ", ")));
  }
}

/// Wider types first, so that every array is aligned to its own item size; then by name.
std::vector<std::string> storage_order(const TensorFile& contents) {
  std::vector<std::string> names;
  for (const auto& [name, array] : contents.arrays) names.push_back(name);
  std::stable_sort(names.begin(), names.end(), [&](const std::string& x, const std::string& y) {
    return item_size(std::string(type_of(contents.arrays.at(x)))) >
           item_size(std::string(type_of(contents.arrays.at(y))));
  });
  return names;
}

std::string make_header(const TensorFile& contents,
                        const std::map<std::string, std::string>& metadata,
                        const std::vector<std::string>& order) {
  TensorFileView described = view_of(contents);
  described.metadata = metadata;
  nlohmann::json header = nlohmann::json::object();
  header[kTensorMetadataKey] = metadata;
  header[kTensorMetadataKey][kChecksumKey] = checksum_of(described);
  std::size_t offset = 0;
  for (const std::string& name : order) {
    const NamedArray& array = contents.arrays.at(name);
    const std::size_t size = bytes_of(array).size();
    header[name] = {{"dtype", type_of(array)},
                    {"shape", array.shape},
                    {"data_offsets", {offset, offset + size}}};
    offset += size;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::type_error& error) {
    throw ArtifactError(fmt::format("a name or text to be saved is not UTF-8: {}", error.what()));
  }
  // Trailing spaces are part of the format; they align the data section.
  const std::size_t rest = (kLengthBytes + text.size()) % kAlignment;
  if (rest != 0) text.append(kAlignment - rest, ' ');
  return text;
}

using Parts = std::vector<std::span<const std::byte>>;

bool write_file_replacing(const std::filesystem::path& file, const Parts& parts) {
  write_file_atomically(file, parts);
  return true;
}

/// Passes the parts of the file to `write` and returns its result.
bool put_tensor_file(const std::filesystem::path& file, const TensorFile& contents,
                     const std::map<std::string, std::string>& metadata,
                     bool (*write)(const std::filesystem::path&, const Parts&)) {
  for (const auto& [name, array] : contents.arrays) {
    if (name == kTensorMetadataKey)
      throw ShapeError(fmt::format("an array may not be named {}", name));
    check_shape(name, array);
  }
  const auto order = storage_order(contents);
  const std::string header = make_header(contents, metadata, order);
  const std::uint64_t length = header.size();
  Parts parts = {std::as_bytes(std::span(&length, 1)), std::as_bytes(std::span(header))};
  for (const auto& name : order) parts.push_back(bytes_of(contents.arrays.at(name)));
  return write(file, parts);
}

}  // namespace

TensorFileView view_of(const TensorFile& contents) {
  TensorFileView view;
  for (const auto& [name, array] : contents.arrays) {
    view.arrays[name] = {std::string(type_of(array)), array.shape, bytes_of(array)};
  }
  view.metadata = contents.metadata;
  return view;
}

void TensorFile::add(const std::string& name, std::vector<std::int64_t> shape,
                     std::vector<float> values) {
  NamedArray array{std::move(shape), std::move(values)};
  check_shape(name, array);
  arrays[name] = std::move(array);
}

void TensorFile::add(const std::string& name, std::vector<std::int64_t> shape,
                     std::vector<std::int64_t> values) {
  NamedArray array{std::move(shape), std::move(values)};
  check_shape(name, array);
  arrays[name] = std::move(array);
}

void save_tensor_file(const std::filesystem::path& file, const TensorFile& contents) {
  put_tensor_file(file, contents, contents.metadata, write_file_replacing);
}

bool save_tensor_file_as(const std::filesystem::path& file, const TensorFile& contents,
                         const std::string& metadata_name, const std::string& text,
                         ExistingFile existing) {
  auto metadata = contents.metadata;
  metadata[metadata_name] = text;
  return put_tensor_file(file, contents, metadata,
                         existing == ExistingFile::kKeep ? write_new_file : write_file_replacing);
}

TensorFile load_tensor_file(const std::filesystem::path& file) {
  std::vector<std::byte> bytes;
  try {
    bytes = read_file(file);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    throw ArtifactError(error.what());
  }
  return parse_tensor_file(bytes, file.string());
}

TensorFileView view_tensor_file(std::span<const std::byte> bytes, std::string_view name) {
  if (bytes.size() < kLengthBytes) {
    damaged(name, fmt::format("it has only {} bytes (truncated or empty)", bytes.size()));
  }
  if (const std::string foreign = foreign_contents(bytes); !foreign.empty()) {
    throw ArtifactError(fmt::format("{}: it is no model but {}", name, foreign));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > bytes.size() - kLengthBytes || length > kMaxTensorHeaderBytes) {
    damaged(name, fmt::format("its header claims {} bytes, the file has {}", length, bytes.size()));
  }
  const auto header_bytes = bytes.subspan(kLengthBytes, static_cast<std::size_t>(length));
  const auto data = bytes.subspan(kLengthBytes + static_cast<std::size_t>(length));
  const std::string_view text(reinterpret_cast<const char*>(header_bytes.data()),
                              header_bytes.size());
  TensorHeader header;
  const std::string problem = read_tensor_header(text, header);
  if (!problem.empty()) damaged(name, "its header: " + problem);
  check_layout(header.entries, data.size(), name);

  TensorFileView contents;
  contents.metadata = std::move(header.metadata);
  for (TensorEntry& entry : header.entries) {
    const auto part = data.subspan(static_cast<std::size_t>(entry.offsets[0]),
                                   static_cast<std::size_t>(entry.offsets[1] - entry.offsets[0]));
    contents.arrays[entry.name] = {entry.type, std::move(entry.shape), part};
  }
  const auto stored = contents.metadata.find(kChecksumKey);
  if (stored == contents.metadata.end()) damaged(name, "it carries no checksum of ours");
  if (stored->second != checksum_of(contents)) {
    damaged(name, "its checksum does not fit its contents (damaged or edited)");
  }
  contents.metadata.erase(stored);
  return contents;
}

void check_tensor_file(const std::filesystem::path& file, std::int64_t max_bytes) {
  const std::string name = file.string();
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));

  struct stat status {};

  if (descriptor.number() < 0 || ::fstat(descriptor.number(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      throw ArtifactError(fmt::format("{}: no such file", name));
    }
    throw IoError(fmt::format("{}: cannot be read: {}", name, std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) throw ArtifactError(fmt::format("{}: not a regular file", name));
  if (status.st_size > max_bytes) {
    throw ArtifactError(fmt::format("{}: {} bytes are more than the {} that are allowed", name,
                                    status.st_size, max_bytes));
  }
  const auto read_at = [&](char* place, std::size_t size, std::size_t offset) {
    const auto count = ::pread(descriptor.number(), place, size, static_cast<off_t>(offset));
    if (count != static_cast<ssize_t>(size)) {
      damaged(name, fmt::format("it has only {} bytes (truncated or empty)", status.st_size));
    }
  };
  std::uint64_t length = 0;
  read_at(reinterpret_cast<char*>(&length), sizeof length, 0);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (length > size - kLengthBytes || length > kMaxTensorHeaderBytes) {
    damaged(name, fmt::format("its header claims {} bytes, the file has {}", length, size));
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  read_at(text.data(), text.size(), kLengthBytes);
  TensorHeader header;
  const std::string problem = read_tensor_header(text, header);
  if (!problem.empty()) damaged(name, "its header: " + problem);
  check_layout(header.entries, size - kLengthBytes - length, name);
  if (!header.metadata.contains(kChecksumKey)) damaged(name, "it carries no checksum of ours");
}

TensorFile parse_tensor_file(std::span<const std::byte> bytes, std::string_view name) {
  TensorFileView view = view_tensor_file(bytes, name);
  TensorFile contents;
  contents.metadata = std::move(view.metadata);
  for (auto& [array_name, held] : view.arrays) {
    NamedArray& array = contents.arrays[array_name];
    array.shape = std::move(held.shape);
    if (held.type == "F32") array.values = copy_values<float>(held.bytes);
    if (held.type == "I64") array.values = copy_values<std::int64_t>(held.bytes);
    if (held.type == "U8") array.values = copy_values<std::uint8_t>(held.bytes);
  }
  return contents;
}

}  // namespace hardy
