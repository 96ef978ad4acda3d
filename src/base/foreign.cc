#include "base/foreign.h"

#include <algorithm>
#include <array>
#include <fstream>

namespace hardy {
namespace {

constexpr std::size_t kLooked = 512;

struct Signature {
  std::string_view start;
  const char* what;
};

using namespace std::string_view_literals;

constexpr std::string_view kPickle = "a Python pickle";

/// First bytes of files of other forms. Binary ones match exactly; for the others see `kTexts`.
constexpr auto kSignatures = std::to_array<Signature>({
    {"\x89HDF\r\n\x1a\n"sv,
     "an HDF5 file (.h5, .hdf5, .csd, .mat of MATLAB 7.3), not what is expected here; "
     "`hardy data convert --help` says which of them are read"},
    {"\x1f\x8b"sv, "gzip; unpack it first: gunzip FILE"},
    {"BZh"sv, "bzip2; unpack it first: bunzip2 FILE"},
    {"\xfd"
     "7zXZ\0"sv,
     "xz; unpack it first: unxz FILE"},
    {"\x28\xb5\x2f\xfd"sv, "Zstandard; unpack it first: unzstd FILE"},
    {"7z\xbc\xaf\x27\x1c"sv, "a 7z archive; unpack it first"},
    {"Rar!\x1a\x07"sv, "a RAR archive; unpack it first"},
    {"PK\x03\x04"sv,
     "a zip: an archive to be unpacked, a file of torch.save or numpy.savez, or a spreadsheet; "
     "save "
     "plain arrays with numpy.save, labels with pickle.dump, tables as CSV"},
    {"\x00\x05\x16\x07"sv, "the side file of a Mac (AppleDouble), not the file itself; copy again"},
    {"\x00\x05\x16\x00"sv, "the side file of a Mac (AppleSingle); copy again"},
    {"\x93NUMPY"sv,
     "an array of numpy (.npy); numpy.load(FILE, allow_pickle=True).tolist() gives what "
     "pickle.dump "
     "writes"},
    {"MATLAB 5.0 MAT-file"sv, "a MATLAB file; save it from Python with numpy.save"},
    {"%PDF-"sv, "a PDF document"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "an old spreadsheet (.xls); save the table as CSV"},
    {"SQLite format 3\0"sv, "an SQLite database"},
    {"PAR1"sv, "a Parquet file; save the table as CSV"},
    {"ARROW1"sv, "an Arrow file; save the table as CSV"},
    {"RIFF"sv, "a recording (RIFF: .wav or .avi), not features; extract features first"},
    {"OggS"sv, "a recording (Ogg), not features; extract features first"},
    {"fLaC"sv, "a recording (FLAC), not features; extract features first"},
    {"\xff\xd8\xff"sv, "a picture (JPEG), not features; extract features first"},
    {"\x89PNG\r\n\x1a\n"sv, "a picture (PNG), not features; extract features first"},
});

/// Texts, matched without regard to case.
constexpr auto kTexts = std::to_array<Signature>({
    {"version https://git-lfs.github.com/spec/"sv,
     "a Git LFS pointer, not the file itself; fetch it: git lfs install && git lfs pull"},
    {"version https://hawser.github.com/spec/"sv,
     "a Git LFS pointer, not the file itself; fetch it: git lfs install && git lfs pull"},
    {"/annex/objects/"sv, "a git-annex pointer, not the file itself; fetch it: git annex get"},
    {"<!doctype html"sv,
     "a web page, so the download failed (a confirmation, a log-in or an error); download it "
     "again"},
    {"<html"sv,
     "a web page, so the download failed (a confirmation, a log-in or an error); download it "
     "again"},
    {"<?xml"sv, "an XML document, perhaps the error of a download"},
    {"{\"error"sv, "the error message of a download; download it again"},
    {"{\"message"sv, "the error message of a download; download it again"},
    {"404: not found"sv, "the error message of a download; download it again"},
    {"accessdenied"sv, "the error message of a download; download it again"},
});

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return text.size() >= start.size() && std::equal(start.begin(), start.end(), text.begin(),
                                                   [&](char x, char y) { return x == lower(y); });
}

}  // namespace

std::string foreign_contents(std::string_view bytes) {
  bytes = bytes.substr(0, kLooked);
  for (const auto& [start, what] : kSignatures) {
    if (bytes.starts_with(start)) return what;
  }
  // The older form of torch.save: a pickle of its magic number.
  if (bytes.starts_with("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv)) {
    return "a file of torch.save; load it with torch.load and save plain data with pickle.dump";
  }
  std::string_view text = bytes;
  if (text.starts_with("\xEF\xBB\xBF"sv)) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  for (const auto& [start, what] : kTexts) {
    if (starts_with_ignoring_case(text, start)) return what;
  }
  const bool is_pickle = bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5;
  if (is_pickle) return std::string(kPickle);
  if (bytes.size() == kLooked &&
      std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0'; })) {
    return "nothing but zero bytes, as an interrupted copy leaves; copy it again";
  }
  return "";
}

std::string foreign_contents(std::span<const std::byte> bytes) {
  return foreign_contents(
      std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

std::string foreign_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::array<char, kLooked> start{};
  stream.read(start.data(), start.size());
  return foreign_contents(
      std::string_view(start.data(), static_cast<std::size_t>(stream.gcount())));
}

bool is_side_file(std::string_view name) {
  return name.starts_with('.') || name == "__MACOSX" || name == "Thumbs.db" ||
         name == "desktop.ini" || name == "Icon\r" || name == "__pycache__";
}

}  // namespace hardy
