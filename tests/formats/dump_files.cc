// Prints the readers' result for files, for tools/differential: reads lines "npy|pickle|tensors
// PATH" from standard input and prints one line for each, "refused" or "read VALUE" in a form that
// Python can write as well.
#include <iostream>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/checksum.h"
#include "formats/npy.h"
#include "formats/pickle.h"
#include "hardy/errors.h"
#include "hardy/tensor_file.h"

namespace hardy {
namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

template <typename Values>
std::string digest(const Values& values) {
  Sha256 sum;
  sum.add(values.data(), values.size() * sizeof(values[0]));
  return sum.hex().substr(0, 16);
}

std::string form(const PickleValue& value);

std::string array_form(const PickleArray& array) {
  std::string text = fmt::format("array({}", fmt::join(array.shape, "x"));
  const bool is_real = array.dtype.type == 'f' || array.dtype.type == 'i' ||
                       array.dtype.type == 'u' || array.dtype.type == 'b';
  for (std::int64_t i = 0; is_real && i < array.size(); ++i) {
    text += fmt::format(" {}", array_real(array, i));
  }
  return text + (array.is_fortran ? " fortran)" : ")");
}

std::string form(const PickleValue& value) {
  switch (value.kind()) {
    case PickleKind::kNone:
      return "none";
    case PickleKind::kBool:
      return value.integer() != 0 ? "true" : "false";
    case PickleKind::kInteger:
      return fmt::format("i{}", value.integer());
    case PickleKind::kReal:
      return fmt::format("r{}", value.real());
    case PickleKind::kText:
      return "t" + hex(value.text());
    case PickleKind::kBytes:
      return "b" + hex(value.bytes());
    case PickleKind::kArray:
      return array_form(value.array());
    case PickleKind::kList:
    case PickleKind::kTuple:
    case PickleKind::kDict:
    case PickleKind::kSet: {
      std::string text = value.kind() == PickleKind::kList    ? "list("
                         : value.kind() == PickleKind::kTuple ? "tuple("
                         : value.kind() == PickleKind::kDict  ? "dict("
                                                              : "set(";
      for (const PickleRef item : value.items()) text += form(*item) + " ";
      return text + ")";
    }
    default:
      return "other";
  }
}

std::string tensors_form(const TensorFile& file) {
  std::string text;
  for (const auto& [name, array] : file.arrays) {
    text +=
        fmt::format("{}({}) {} ", hex(name), fmt::join(array.shape, "x"),
                    std::visit([](const auto& values) { return digest(values); }, array.values));
  }
  for (const auto& [name, value] : file.metadata) {
    text += fmt::format("{}={} ", hex(name), hex(value));
  }
  return text;
}

std::string form_of(const std::string& kind, const std::string& path) {
  if (kind == "pickle") return form(load_pickle(path).root());
  if (kind == "tensors") return tensors_form(load_tensor_file(path));
  const NpyArray array = load_npy(path);
  return fmt::format("{} {}", fmt::join(array.shape, "x"), digest(array.values));
}

}  // namespace
}  // namespace hardy

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto blank = line.find(' ');
    try {
      const auto form = hardy::form_of(line.substr(0, blank), line.substr(blank + 1));
      std::cout << "read " << form << '\n';
    } catch (const hardy::Error&) {
      std::cout << "refused\n";
    }
  }
  return 0;
}
