// Settings of methods that bring their own: a method declares a section of the config, and every
// reader of settings (TOML, --set, `hardy config`, docs/config.md, manifests) finds it there.
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

/// The settings of one method. Make one as `struct MineSettings : SettingsOf<MineSettings>` with a
/// member per setting.
class MethodSettings {
 public:
  virtual ~MethodSettings() = default;

  [[nodiscard]] virtual std::unique_ptr<MethodSettings> clone() const = 0;

  /// Adds every setting with its range, meaning and effect; names are relative to the section.
  virtual void describe(FieldTable& table) = 0;

  /// Moves the settings to where a preset starts. The defaults are those of "default" and
  /// "published"; "quick" asks for something small.
  virtual void apply_preset(const std::string& preset) { static_cast<void>(preset); }

  /// Checks of combinations. Throws ConfigError; `section` is the section's name.
  virtual void validate(const std::string& section) const { static_cast<void>(section); }

  /// Reacts to a setting that a file or --set has given, whatever its section: settings that imply
  /// another method choose it here.
  virtual void follow_up(const std::string& key, Config& config) const {
    static_cast<void>(key);
    static_cast<void>(config);
  }
};

template <typename Own>
class SettingsOf : public MethodSettings {
 public:
  [[nodiscard]] std::unique_ptr<MethodSettings> clone() const override {
    return std::make_unique<Own>(static_cast<const Own&>(*this));
  }
};

/// What is known of a method without libtorch.
struct MethodDeclaration {
  std::string name;     ///< identifier: `--method`, config section, folder of src/methods
  std::string title;    ///< as papers write it
  std::string summary;  ///< one sentence
  /// Sections of Config outside its own that it reads ("hardymer.recogniser").
  std::vector<std::string> sections = {};
  std::shared_ptr<const MethodSettings> settings = {};  ///< with their defaults; null = none
  bool is_control = false;  ///< a plain baseline that tables show apart from published systems
  bool is_variant = false;  ///< of another method: compared only when it is named
  /// The training stages, each as the keys whose values add up to its epochs ("momke.epochs");
  /// empty for methods without epochs. What `hardy compare --budget` limits.
  std::vector<std::vector<std::string>> epochs = {};
  std::vector<std::string> patience = {};  ///< keys of epochs without progress before a stop
  /// What `hardy compare --tune` varies, as `hardy sweep --set` takes it; methods that choose by
  /// validation within a fit need nothing.
  std::vector<std::string> search = {};
  /// Tables of its settings by the names that they had in earlier versions, and the names now.
  std::vector<std::pair<std::string, std::string>> renamed = {};
  /// Further checks of any config, whichever method it chooses. Throws ConfigError.
  void (*validate)(const Config& config) = nullptr;
  /// What results made under these settings must say of themselves.
  std::vector<std::string> (*caveats)(const Config& config) = nullptr;
};

/// Every method this program knows, in the order of tables. Written down in
/// src/methods/methods.def.
const std::vector<MethodDeclaration>& declared_methods();

/// Throws ConfigError with the nearest known name.
const MethodDeclaration& declared_method(const std::string& name);

/// Epochs of each training stage that a method declares, in its order.
std::vector<std::int64_t> stage_epochs(const MethodDeclaration& method, const Config& config);

/// What results under these settings must say of themselves; usually nothing.
std::vector<std::string> caveats_of(const Config& config);

/// Adds a method to this program. Call it before any Config is made, from one thread; throws
/// ConfigError when the name is taken or no identifier.
void declare_method(MethodDeclaration declaration);

/// Assignments ("momke.patience=5") that keep every training stage of a method to `epochs` epochs
/// and make it stop after `patience` epochs without progress; what is stricter already stays. The
/// parts of a stage (constant and falling learning rate) shrink alike. Methods that know no
/// patience train all their epochs.
std::vector<std::string> epoch_limits(const MethodDeclaration& method, const Config& config,
                                      std::int64_t epochs, std::int64_t patience);

/// The sections of all methods. A value: copies share nothing.
class MethodSections {
 public:
  /// One section per declared method that has settings, with its defaults.
  MethodSections();
  MethodSections(const MethodSections& other);
  MethodSections(MethodSections&&) noexcept = default;
  MethodSections& operator=(const MethodSections& other);
  MethodSections& operator=(MethodSections&&) noexcept = default;
  ~MethodSections() = default;

  [[nodiscard]] bool has(const std::string& method) const;

  /// The settings of a method. Throws InternalError when they are of another type.
  template <typename Own>
  [[nodiscard]] const Own& of(const std::string& method) const {
    return dynamic_cast<const Own&>(section(method));
  }

  template <typename Own>
  [[nodiscard]] Own& of(const std::string& method) {
    return const_cast<Own&>(std::as_const(*this).of<Own>(method));
  }

  void describe(std::vector<Field>& fields);
  void apply_preset(const std::string& preset);
  void validate() const;
  /// MethodSettings::follow_up of every section of `config`.
  static void follow_up(const std::string& key, Config& config);

 private:
  [[nodiscard]] const MethodSettings& section(const std::string& method) const;

  std::vector<std::pair<std::string, std::unique_ptr<MethodSettings>>> sections_;
};

}  // namespace hardy
