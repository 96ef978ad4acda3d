#include "media/vector_store.h"

#include <unistd.h>

#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/checksum.h"
#include "base/files.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kLargestRecord = std::size_t{64} << 20;
constexpr std::size_t kChecksumLength = 64;

/// SHA-256 of the rest, a line of JSON, the values in memory order.
std::string record_of(const WorkerResult& result) {
  const nlohmann::ordered_json about = {{"reason", result.reason},
                                        {"seconds", result.seconds},
                                        {"pictures", result.pictures},
                                        {"found", result.found}};
  std::string body =
      about.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  if (!result.values.empty()) {
    body.append(reinterpret_cast<const char*>(result.values.data()),
                result.values.size() * sizeof(float));
  }
  return sha256(body) + body;
}

std::optional<WorkerResult> parse_record(const std::string& record) {
  if (record.size() < kChecksumLength) return {};
  const std::string body = record.substr(kChecksumLength);
  const auto line = body.find('\n');
  if (sha256(body) != record.substr(0, kChecksumLength) || line == std::string::npos) return {};
  const auto about = nlohmann::json::parse(body.substr(0, line));
  WorkerResult result;
  about.at("reason").get_to(result.reason);
  about.at("seconds").get_to(result.seconds);
  about.at("pictures").get_to(result.pictures);
  about.at("found").get_to(result.found);
  result.values.resize((body.size() - line - 1) / sizeof(float));
  if (!result.values.empty()) {
    std::memcpy(result.values.data(), body.data() + line + 1, result.values.size() * sizeof(float));
  }
  return result;
}

}  // namespace

std::filesystem::path VectorStore::file_of(const std::string& key) const {
  return folder_ / key.substr(0, 2) / (key + ".vector");
}

std::optional<WorkerResult> VectorStore::find(const std::string& key) const {
  std::error_code ignored;
  if (folder_.empty() || !std::filesystem::is_regular_file(file_of(key), ignored)) return {};
  try {
    return parse_record(read_text_file(file_of(key), kLargestRecord));
  } catch (const Error&) {
    return {};  // unreadable: extracted again
  } catch (const nlohmann::json::exception&) {
    return {};
  }
}

void VectorStore::keep(const std::string& key, const WorkerResult& result) const {
  if (folder_.empty()) return;
  const auto file = file_of(key);
  make_folder(file.parent_path());
  // Renamed without a flush to the disk, which would take longer than the extraction: damage by a
  // power cut is detected by the checksum.
  const auto temporary = fmt::format("{}.{}.new", file.string(), ::getpid());
  const std::string record = record_of(result);
  std::ofstream stream(temporary, std::ios::binary);
  stream.write(record.data(), static_cast<std::streamsize>(record.size()));
  stream.close();
  std::error_code error;
  if (stream) std::filesystem::rename(temporary, file, error);
  if (stream && !error) return;
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  throw IoError(
      fmt::format("{}: a finished vector cannot be kept; free space, or use "
                  "--media-cache DIR or --no-media-cache",
                  file.string()));
}

}  // namespace hardy
