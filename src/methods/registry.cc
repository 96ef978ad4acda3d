// The part of the registry with libtorch: implementations of the declared methods.
#include <map>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "methods/method.h"

namespace hardy {

#define HARDY_METHOD(name) std::unique_ptr<const Method> make_##name();
#include "methods/methods.def"
#undef HARDY_METHOD

namespace {

using Methods = std::map<std::string, std::unique_ptr<const Method>>;

Methods& methods() {
  static Methods all = [] {
    Methods known;
#define HARDY_METHOD(name) known[#name] = make_##name();
#include "methods/methods.def"
#undef HARDY_METHOD
    return known;
  }();
  return all;
}

}  // namespace

FoldData FoldMethod::input_data(const FoldData& data, TaskContext& /*context*/) const {
  return data;
}

std::optional<std::string> Method::problem_with(const Corpus& /*corpus*/,
                                                const std::vector<Fold>& /*folds*/,
                                                const Config& /*config*/) const {
  return std::nullopt;
}

FeatureTable Method::stored_input(const FoldData& data, const Config& /*config*/,
                                  const TensorFile& /*model*/) const {
  return data.table;
}

std::optional<std::string> Method::storage_problem(const Config& /*config*/) const {
  return std::nullopt;
}

void Method::write_tables(const RunFolder& /*folder*/, const Config& /*config*/,
                          const std::vector<const FoldMethod*>& /*fits*/) const {}

const Method& find_method(const std::string& name) {
  const auto found = methods().find(declared_method(name).name);
  if (found == methods().end()) {
    throw ConfigError(fmt::format(
        "method '{}' is one of another program: that program trains and evaluates it", name));
  }
  return *found->second;
}

void add_method(MethodDeclaration declaration, std::unique_ptr<const Method> method) {
  const auto name = declaration.name;
  declare_method(std::move(declaration));
  methods()[name] = std::move(method);
}

}  // namespace hardy
