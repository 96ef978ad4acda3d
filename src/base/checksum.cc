// The functions of SHA-256 alone: linked statically they add little, the general interface (EVP)
// all of libcrypto. OpenSSL 3 calls them deprecated.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/checksum.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "hardy/errors.h"

namespace hardy {

struct Sha256::Impl {
  SHA256_CTX context{};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  check(SHA256_Init(&impl_->context) == 1, "SHA-256 is not available");
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::add(const void* bytes, std::size_t size) {
  check(SHA256_Update(&impl_->context, bytes, size) == 1, "SHA-256 update failed");
  return *this;
}

Sha256& Sha256::add(std::string_view text) {
  const std::uint64_t size = text.size();
  add(&size, sizeof size);
  return add(text.data(), text.size());
}

std::string Sha256::hex() {
  std::array<unsigned char, 32> digest{};
  check(SHA256_Final(digest.data(), &impl_->context) == 1, "SHA-256 failed");
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::string sha256(std::string_view text) {
  Sha256 digest;
  digest.add(text.data(), text.size());
  return digest.hex();
}

std::string sha256_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    throw IoError(fmt::format("{}: cannot be opened: {}", file.string(), std::strerror(errno)));
  }
  Sha256 digest;
  std::array<char, 1 << 16> buffer{};
  while (stream) {
    stream.read(buffer.data(), buffer.size());
    digest.add(buffer.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (stream.bad()) throw IoError(fmt::format("{}: reading failed", file.string()));
  return digest.hex();
}

}  // namespace hardy
