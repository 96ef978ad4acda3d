#include "formats/npz.h"

#include <zip.h>

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "formats/npy.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

/// Deflate packs at most 1032 bytes into one.
constexpr std::uint64_t kMostPacked = 1032;
/// Upper bound on unpacked bytes, as a multiple of the file's size, beyond a constant amount.
constexpr std::uint64_t kMostUnpacked = 64;
constexpr std::uint64_t kFreeUnpacked = std::uint64_t{1} << 20;
constexpr zip_int64_t kMostMembers = 100000;
constexpr std::size_t kMostFileBytes = std::size_t{1} << 32;

[[noreturn]] void refuse_npz(std::string_view name, const std::string& what) {
  throw DataError(fmt::format("{}: not a usable .npz file: {}", name, what));
}

using ZipHandle = std::unique_ptr<zip_t, void (*)(zip_t*)>;

ZipHandle open_npz(std::span<const std::byte> bytes, std::string_view name) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_t* archive = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  if (archive != nullptr) return {archive, zip_discard};
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  if (source != nullptr) zip_source_free(source);
  refuse_npz(name, reason + " (truncated, or not written by numpy.savez)");
}

std::vector<std::byte> unpack_member(zip_t* archive, zip_uint64_t index, std::uint64_t& budget,
                                     std::string_view name) {
  zip_stat_t status;
  zip_stat_init(&status);
  const bool is_known = zip_stat_index(archive, index, 0, &status) == 0 &&
                        (status.valid & ZIP_STAT_SIZE) != 0 &&
                        (status.valid & ZIP_STAT_COMP_SIZE) != 0;
  if (!is_known || status.size > budget ||
      (status.size > 64 && status.size / kMostPacked > status.comp_size)) {
    refuse_npz(name, "a member claims an impossible size");
  }
  budget -= status.size;
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(archive, index, 0),
                                                               zip_fclose);
  std::vector<std::byte> bytes(static_cast<std::size_t>(status.size));
  const zip_int64_t got = file ? zip_fread(file.get(), bytes.data(), bytes.size()) : -1;
  // libzip checks the CRC at the end of an entry.
  std::byte beyond{};
  if (got != static_cast<zip_int64_t>(bytes.size()) || zip_fread(file.get(), &beyond, 1) != 0) {
    refuse_npz(name, "a member is damaged");
  }
  return bytes;
}

std::string text_of_item(std::string_view bytes, const NpyHeader& header) {
  if (header.type == 'S') {
    const std::string_view text = bytes.substr(0, bytes.find('\0'));
    return is_utf8(text) ? std::string(text) : latin1_to_utf8(text);
  }
  std::string text;
  for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t code = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t from = header.is_big_endian ? i : 3 - i;
      code = (code << 8U) | static_cast<unsigned char>(bytes[at + from]);
    }
    if (code == 0) break;
    append_utf8(text, code);
  }
  return text;
}

}  // namespace

std::map<std::string, std::vector<std::byte>> load_npz(const std::filesystem::path& file) {
  return parse_npz(read_file(file, kMostFileBytes), file.string());
}

std::map<std::string, std::vector<std::byte>> parse_npz(std::span<const std::byte> bytes,
                                                        std::string_view name) {
  if (bytes.empty()) refuse_npz(name, "it is empty");
  const ZipHandle archive = open_npz(bytes, name);
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  if (count > kMostMembers) refuse_npz(name, fmt::format("it has {} members", count));
  std::uint64_t budget = kFreeUnpacked + kMostUnpacked * bytes.size();
  std::map<std::string, std::vector<std::byte>> members;
  for (zip_int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    const char* entry = zip_get_name(archive.get(), index, ZIP_FL_ENC_RAW);
    std::string key = entry == nullptr ? "" : entry;
    if (!key.ends_with(".npy")) continue;
    key.resize(key.size() - 4);
    members.emplace(std::move(key), unpack_member(archive.get(), index, budget, name));
  }
  if (members.empty()) refuse_npz(name, "it holds no .npy file");
  return members;
}

Pickle parse_npy_objects(std::span<const std::byte> bytes, std::string_view name) {
  const NpyHeader header = parse_any_npy_header(bytes, name);
  if (header.type != 'O') {
    throw DataError(
        fmt::format("{}: it holds numbers or texts where Python objects are expected", name));
  }
  return parse_pickle(bytes.subspan(header.data_offset), name);
}

std::vector<std::vector<std::string>> parse_npy_texts(std::span<const std::byte> bytes,
                                                      std::string_view name) {
  const NpyHeader header = parse_any_npy_header(bytes, name);
  const bool is_text = header.type == 'S' || header.type == 'U';
  if (!is_text || header.shape.empty() || header.shape.size() > 2 ||
      (header.is_fortran && header.shape.size() > 1)) {
    throw DataError(fmt::format("{}: it is no array of texts, [N] or [N, K]", name));
  }
  const auto data = bytes.subspan(header.data_offset);
  const std::string_view all(reinterpret_cast<const char*>(data.data()), data.size());
  const std::size_t columns =
      header.shape.size() == 2 ? static_cast<std::size_t>(header.shape[1]) : 1;
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < header.count; ++i) {
    if (i % columns == 0) rows.emplace_back();
    rows.back().push_back(text_of_item(all.substr(i * header.item_size, header.item_size), header));
  }
  return rows;
}

}  // namespace hardy
