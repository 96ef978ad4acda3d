#include "hardy/method_settings.h"

#include <cmath>

#include <fmt/format.h>

#include "config/fields.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

std::int64_t integer_of(const std::vector<Field>& fields, const std::string& key) {
  for (const auto& field : fields) {
    if (field.key == key) return *std::get<std::int64_t*>(field.value);
  }
  throw InternalError("a method declares epochs by the unknown setting " + key);
}

}  // namespace

std::vector<std::string> caveats_of(const Config& config) {
  const auto& method = declared_method(config.protocol.method);
  return method.caveats == nullptr ? std::vector<std::string>() : method.caveats(config);
}

std::vector<std::int64_t> stage_epochs(const MethodDeclaration& method, const Config& config) {
  Config copy = config;  // fields point into the config they describe
  const auto fields = describe(copy);
  std::vector<std::int64_t> totals;
  for (const auto& stage : method.epochs) {
    std::int64_t total = 0;
    for (const auto& key : stage) total += integer_of(fields, key);
    totals.push_back(total);
  }
  return totals;
}

std::vector<std::string> epoch_limits(const MethodDeclaration& method, const Config& config,
                                      std::int64_t epochs, std::int64_t patience) {
  Config copy = config;  // fields point into the config they describe
  const auto fields = describe(copy);
  std::vector<std::string> assignments;
  for (const auto& stage : method.epochs) {
    std::int64_t total = 0;
    for (const auto& key : stage) total += integer_of(fields, key);
    if (total <= epochs) continue;
    std::int64_t rest = epochs;
    for (std::size_t i = 0; i < stage.size(); ++i) {
      const double share =
          static_cast<double>(integer_of(fields, stage[i])) / static_cast<double>(total);
      const auto part =
          i + 1 == stage.size() ? rest : std::llround(share * static_cast<double>(epochs));
      assignments.push_back(fmt::format("{}={}", stage[i], part));
      rest -= part;
    }
  }
  for (const auto& key : method.patience) {
    const auto own = integer_of(fields, key);
    if (own == 0 || own > patience) assignments.push_back(fmt::format("{}={}", key, patience));
  }
  return assignments;
}

MethodSections::MethodSections() {
  for (const auto& method : declared_methods()) {
    if (method.settings) sections_.emplace_back(method.name, method.settings->clone());
  }
}

MethodSections::MethodSections(const MethodSections& other) {
  for (const auto& [name, settings] : other.sections_) {
    sections_.emplace_back(name, settings->clone());
  }
}

MethodSections& MethodSections::operator=(const MethodSections& other) {
  if (this != &other) *this = MethodSections(other);
  return *this;
}

bool MethodSections::has(const std::string& method) const {
  for (const auto& [name, settings] : sections_) {
    if (name == method) return true;
  }
  return false;
}

const MethodSettings& MethodSections::section(const std::string& method) const {
  for (const auto& [name, settings] : sections_) {
    if (name == method) return *settings;
  }
  throw InternalError("no settings of method " + method);
}

void MethodSections::describe(std::vector<Field>& fields) {
  for (auto& [name, settings] : sections_) {
    FieldTable table(fields, name + ".");
    settings->describe(table);
  }
}

void MethodSections::follow_up(const std::string& key, Config& config) {
  for (const auto& [name, settings] : config.methods.sections_) settings->follow_up(key, config);
}

void MethodSections::apply_preset(const std::string& preset) {
  for (auto& [name, settings] : sections_) settings->apply_preset(preset);
}

void MethodSections::validate() const {
  for (const auto& [name, settings] : sections_) settings->validate(name);
}

}  // namespace hardy
