// Settings of the run as text in a bundle, read without the settings library. Internal.
#pragma once

#include <cstdint>
#include <string>

#include "hardy/bundle.h"

namespace hardy {

/// The value of `key` in a table of TOML text as config_toml writes it, one field per line. Empty
/// if it is absent. Strings lose their quotes.
std::string toml_value(const std::string& toml, const std::string& table, const std::string& key);

/// The method that trained the model; "hardymer" for converted models, which have no settings.
std::string stored_method(const BundleInfo& info);

/// Whether the model has HARDY-MER's recogniser, which several methods train.
bool is_hardymer(const BundleInfo& info);

/// A setting of the model's method. Throws ArtifactError when the bundle does not have it.
std::int64_t stored_integer(const BundleInfo& info, const std::string& table,
                            const std::string& key);
double stored_number(const BundleInfo& info, const std::string& table, const std::string& key);

}  // namespace hardy
