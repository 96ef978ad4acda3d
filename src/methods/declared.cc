// The part of the registry without libtorch: declared methods and their settings.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/wording.h"
#include "hardy/errors.h"
#include "hardy/method_settings.h"

namespace hardy {

#define HARDY_METHOD(name) MethodDeclaration declare_##name();
#include "methods/methods.def"
#undef HARDY_METHOD

namespace {

std::vector<MethodDeclaration>& declarations() {
  static std::vector<MethodDeclaration> all = {
#define HARDY_METHOD(name) declare_##name(),
#include "methods/methods.def"
#undef HARDY_METHOD
  };
  return all;
}

bool is_identifier(const std::string& name) {
  const auto is_allowed = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_allowed);
}

}  // namespace

const std::vector<MethodDeclaration>& declared_methods() { return declarations(); }

const MethodDeclaration& declared_method(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& method : declarations()) {
    if (method.name == name) return method;
    names.push_back(method.name);
  }
  const auto near = nearest_name(name, names);
  throw ConfigError(
      fmt::format("method '{}' is unknown{}; known methods: {}", name,
                  near.empty() ? std::string() : fmt::format(" (did you mean '{}'?)", near),
                  fmt::join(names, ", ")));
}

void declare_method(MethodDeclaration declaration) {
  if (!is_identifier(declaration.name)) {
    throw ConfigError(
        fmt::format("method '{}': a name has small letters, digits and _ only", declaration.name));
  }
  for (const auto& known : declarations()) {
    if (known.name == declaration.name) {
      throw ConfigError(fmt::format("method '{}' is declared twice", known.name));
    }
  }
  declarations().push_back(std::move(declaration));
}

}  // namespace hardy
