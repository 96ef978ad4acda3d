#include "hardy/config/method_settings.h"

#include "hardy/config/fields.h"
#include "hardy/core/errors.h"

namespace hardy {

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

void MethodSections::apply_preset(const std::string& preset) {
  for (auto& [name, settings] : sections_) settings->apply_preset(preset);
}

void MethodSections::validate() const {
  for (const auto& [name, settings] : sections_) settings->validate(name);
}

}  // namespace hardy
