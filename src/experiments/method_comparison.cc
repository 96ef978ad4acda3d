#include "experiments/method_comparison.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "experiments/sweep.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

/// Whether the method is in methods.def; others were added by add_method.
bool is_built_in(const std::string& method) {
  static const std::set<std::string> names = {
#define HARDY_METHOD(name) #name,
#include "methods/methods.def"
#undef HARDY_METHOD
  };
  return names.contains(method);
}

/// Applies the budget, if any, to the settings of a variant of the method.
void limit(const CompareOptions& options, const std::string& method, const Config& base,
           Variant& variant) {
  if (options.budget == 0) return;
  for (auto& each : epoch_limits(declared_method(method), base, options.budget, options.patience)) {
    variant.assignments.push_back(std::move(each));
  }
}

}  // namespace

std::vector<std::string> in_table_order(const std::vector<std::string>& methods) {
  std::set<std::string> wanted;
  for (const auto& method : methods) {
    static_cast<void>(declared_method(method));
    if (!wanted.insert(method).second) {
      throw ConfigError(fmt::format("method '{}' is named twice", method));
    }
  }
  // methods.def begins with the newest system; the paper's table ends with it.
  std::vector<std::string> published;
  std::vector<std::string> added;
  std::vector<std::string> controls;
  for (const auto& method : declared_methods()) {
    if (wanted.empty() ? method.is_variant : !wanted.contains(method.name)) continue;
    const bool is_published = is_built_in(method.name) && !method.is_own;
    auto& list = method.is_control ? controls : is_published ? published : added;
    list.push_back(method.name);
  }
  std::reverse(published.begin(), published.end());
  published.insert(published.end(), added.begin(), added.end());
  published.insert(published.end(), controls.begin(), controls.end());
  return published;
}

Study comparison_study(const CompareOptions& options, const Config& base) {
  Study study;
  study.kind = "compare";
  study.title = "Methods compared";
  study.base = base;
  for (const auto& name : in_table_order(options.methods)) {
    Variant variant{name, {"protocol.method=" + name}};
    limit(options, name, base, variant);
    study.variants.push_back(std::move(variant));
  }
  validate_study(study);
  return study;
}

void limit_other_methods(const CompareOptions& options, Study& study) {
  for (auto& variant : study.variants) {
    const std::string method = variant_config(study, variant).protocol.method;
    if (method != study.base.protocol.method) limit(options, method, study.base, variant);
  }
}

std::vector<Variant> tuning_points(const MethodDeclaration& method, const CompareOptions& options) {
  if (method.search.empty() || options.points <= 0) return {};
  std::vector<Variant> points = {{"as declared", {}}};
  const auto axes = read_sweep(method.search).axes;
  for (auto& point : sweep_variants(axes, options.points, options.random_seed)) {
    points.push_back(std::move(point));
  }
  return points;
}

}  // namespace hardy
