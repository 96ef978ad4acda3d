#include "hardy/comparison/comparison.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "hardy/core/errors.h"
#include "hardy/study/sweep.h"

namespace hardy {

std::vector<std::string> in_table_order(const std::vector<std::string>& methods) {
  std::set<std::string> wanted;
  for (const auto& method : methods) {
    static_cast<void>(declared_method(method));
    if (!wanted.insert(method).second) {
      throw ConfigError(fmt::format("method '{}' is named twice", method));
    }
  }
  // methods.def begins with the newest system, the paper's table ends with it.
  std::vector<std::string> systems;
  std::vector<std::string> controls;
  for (const auto& method : declared_methods()) {
    if (!wanted.empty() && !wanted.contains(method.name)) continue;
    (method.is_control ? controls : systems).push_back(method.name);
  }
  std::reverse(systems.begin(), systems.end());
  systems.insert(systems.end(), controls.begin(), controls.end());
  return systems;
}

Study comparison_study(const CompareOptions& options, const Config& base) {
  Study study;
  study.kind = "compare";
  study.title = "Methods compared";
  study.base = base;
  for (const auto& name : in_table_order(options.methods)) {
    Variant variant{name, {"protocol.method=" + name}};
    if (options.budget > 0) {
      for (auto& limit :
           epoch_limits(declared_method(name), base, options.budget, options.patience)) {
        variant.assignments.push_back(std::move(limit));
      }
    }
    study.variants.push_back(std::move(variant));
  }
  validate_study(study);
  return study;
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
