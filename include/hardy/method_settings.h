/// @file
/// Settings of methods: a method declares a section of the config, which every reader of settings
/// (TOML, --set, `hardy config`, docs/config.md, manifests) then includes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hardy {

struct Config;
struct Field;
class FieldTable;

/// The settings of one method. Derive as `struct MineSettings : SettingsOf<MineSettings>` with a
/// member per setting.
class MethodSettings {
 public:
  virtual ~MethodSettings() = default;

  /// A copy of the dynamic type.
  [[nodiscard]] virtual std::unique_ptr<MethodSettings> clone() const = 0;

  /// Adds every setting with its range, meaning and effect; names are relative to the section.
  virtual void describe(FieldTable& table) = 0;

  /// Sets the values of a preset. The members' initialisers are those of "default" and "published";
  /// "quick" should select a small model.
  virtual void apply_preset(const std::string& preset) { static_cast<void>(preset); }

  /// Checks combinations of settings. `section`: the section's name, for messages. Throws
  /// ConfigError.
  virtual void validate(const std::string& section) const { static_cast<void>(section); }

  /// Called after a file or --set has assigned `key` of any section. Settings that imply another
  /// method select it here.
  virtual void follow_up(const std::string& key, Config& config) const {
    static_cast<void>(key);
    static_cast<void>(config);
  }
};

/// Implements clone() for the derived class `Own`.
template <typename Own>
class SettingsOf : public MethodSettings {
 public:
  /// A copy as `Own`.
  [[nodiscard]] std::unique_ptr<MethodSettings> clone() const override {
    return std::make_unique<Own>(static_cast<const Own&>(*this));
  }
};

/// Description of a method that needs no libtorch.
struct MethodDeclaration {
  std::string name;     ///< identifier: `--method`, config section, folder of src/methods
  std::string title;    ///< spelling of papers and tables
  std::string summary;  ///< one sentence
  /// Sections of Config outside its own that it reads ("hardymer.recogniser").
  std::vector<std::string> sections = {};
  std::shared_ptr<const MethodSettings> settings = {};  ///< with their defaults; null = none
  bool is_control = false;  ///< a plain baseline that tables show apart from published systems
  bool is_own = false;      ///< hardy's own method: tables show it after the published systems
  bool is_variant = false;  ///< a variant of another method; compared only when named
  /// Whether it also trains on corpora of one modality, where nothing can be missing.
  bool takes_one_modality = false;
  /// The training stages, each as the keys whose values add up to its epochs ("momke.epochs");
  /// empty for methods without epochs. `hardy compare --budget` limits them.
  std::vector<std::vector<std::string>> epochs = {};
  std::vector<std::string> patience = {};  ///< keys of the early-stopping patience
  /// Search space of `hardy compare --tune` in the syntax of `hardy sweep --set`; empty for methods
  /// that select by validation within a fit.
  std::vector<std::string> search = {};
  /// Former names of its settings tables, each with the current name.
  std::vector<std::pair<std::string, std::string>> renamed = {};
  /// Further checks of a config, also when it selects another method. Throws ConfigError.
  void (*validate)(const Config& config) = nullptr;
  /// Caveats that results of these settings must carry; null = none.
  std::vector<std::string> (*caveats)(const Config& config) = nullptr;
};

/// Every declared method, in the order of tables: those of src/methods/methods.def, then those of
/// declare_method.
const std::vector<MethodDeclaration>& declared_methods();

/// The declaration of a method. Throws ConfigError with the nearest known name.
const MethodDeclaration& declared_method(const std::string& name);

/// Epochs of each training stage under `config`, in the order of MethodDeclaration::epochs.
std::vector<std::int64_t> stage_epochs(const MethodDeclaration& method, const Config& config);

/// Caveats that results of these settings must carry; empty for most methods.
std::vector<std::string> caveats_of(const Config& config);

/// Adds a method to this program. Requires: no Config exists yet and no other thread runs. Throws
/// ConfigError when the name is taken or is no identifier.
void declare_method(MethodDeclaration declaration);

/// Assignments ("momke.patience=5") that limit every training stage of a method to `epochs` epochs
/// and its early stopping to `patience` epochs; stricter settings stay. The parts of a stage
/// (constant and falling learning rate) shrink in proportion. Methods without patience train all
/// their epochs.
std::vector<std::string> epoch_limits(const MethodDeclaration& method, const Config& config,
                                      std::int64_t epochs, std::int64_t patience);

/// The sections of all methods. A value type: copies share nothing.
class MethodSections {
 public:
  /// One section per declared method that has settings, with its defaults.
  MethodSections();
  MethodSections(const MethodSections& other);                     ///< Clones every section.
  MethodSections(MethodSections&&) noexcept = default;             ///< Empties the source.
  MethodSections& operator=(const MethodSections& other);          ///< Clones every section.
  MethodSections& operator=(MethodSections&&) noexcept = default;  ///< Empties the source.
  ~MethodSections() = default;

  /// Whether the method has settings.
  [[nodiscard]] bool has(const std::string& method) const;

  /// The settings of a method. Throws InternalError when it has none, std::bad_cast when they are
  /// of another type.
  template <typename Own>
  [[nodiscard]] const Own& of(const std::string& method) const {
    return dynamic_cast<const Own&>(section(method));
  }

  /// The same, to be changed.
  template <typename Own>
  [[nodiscard]] Own& of(const std::string& method) {
    return const_cast<Own&>(std::as_const(*this).of<Own>(method));
  }

  /// Appends the fields of every section, in the order of declared_methods.
  void describe(std::vector<Field>& fields);
  /// MethodSettings::apply_preset of every section.
  void apply_preset(const std::string& preset);
  /// MethodSettings::validate of every section. Throws ConfigError.
  void validate() const;
  /// MethodSettings::follow_up of every section of `config`.
  static void follow_up(const std::string& key, Config& config);

 private:
  [[nodiscard]] const MethodSettings& section(const std::string& method) const;

  std::vector<std::pair<std::string, std::unique_ptr<MethodSettings>>> sections_;
};

}  // namespace hardy
