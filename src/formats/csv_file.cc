#include "formats/csv_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "base/shared_files.h"
#include "formats/csv.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;

}  // namespace

CsvFile::CsvFile(std::filesystem::path file, const std::vector<std::string>& header)
    : file_(std::move(file)), temporary_(temporary_name(file_)), columns_(header.size()) {
  if (file_.has_parent_path()) make_folder(file_.parent_path());
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail(errno);
  for (const auto& name : header) add(name);
  end_row();
}

CsvFile::CsvFile(CsvFile&& other) noexcept
    : file_(std::move(other.file_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      buffer_(std::move(other.buffer_)),
      columns_(other.columns_),
      fields_(other.fields_) {}

CsvFile::~CsvFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void CsvFile::begin_field() {
  check(descriptor_ >= 0, "a field was added to a finished CSV file");
  if (fields_++ > 0) buffer_ += ',';
}

CsvFile& CsvFile::add(std::string_view text) {
  begin_field();
  buffer_ += csv_field(text);
  return *this;
}

CsvFile& CsvFile::add(std::int64_t value) {
  begin_field();
  fmt::format_to(std::back_inserter(buffer_), "{}", value);
  return *this;
}

CsvFile& CsvFile::add(double value) {
  begin_field();
  if (!std::isnan(value)) fmt::format_to(std::back_inserter(buffer_), "{}", value);
  return *this;
}

CsvFile& CsvFile::add(float value) {
  begin_field();
  if (!std::isnan(value)) fmt::format_to(std::back_inserter(buffer_), "{}", value);
  return *this;
}

void CsvFile::end_row() {
  check(fields_ == columns_, "a CSV row has another number of fields than its header");
  fields_ = 0;
  buffer_ += '\n';
  if (buffer_.size() >= kBufferBytes) flush();
}

void CsvFile::flush() {
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t put = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail(errno);
    done += static_cast<std::size_t>(put);
  }
  buffer_.clear();
}

void CsvFile::commit() {
  check(descriptor_ >= 0 && fields_ == 0, "a CSV file was finished twice or within a row");
  flush();
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail(errno);
  if (::rename(temporary_.c_str(), file_.c_str()) != 0) fail(errno);
  ::close(std::exchange(descriptor_, -1));
}

void CsvFile::fail(int error) const { throw_write_error(file_, error); }

}  // namespace hardy
