#include "media/script_network.h"

#include <zip.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "backbones/network_settings.h"
#include "backbones/picture_layers.h"
#include "backbones/tokenizer.h"
#include "base/checksum.h"
#include "hardy/errors.h"
#include "media/face_finder.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kScriptDigits = 12;
constexpr std::int64_t kWidest = 65536;

ScriptLoader& loader() {
  static ScriptLoader set = nullptr;
  return set;
}

/// A program with the description of its input.
class DescribedScript {
 public:
  DescribedScript(const char* option, const fs::path& file, const char* modality, bool is_trusted)
      : network_(load(option, file, is_trusted)), settings_(describe(file, *network_)) {
    if (settings_.text_or("modality", "") != modality) {
      settings_.refuse(fmt::format("\"modality\" is not \"{}\", which {} takes", modality, option));
    }
    for (const auto& [key, value] : settings_.json().items()) {
      const auto& known = kKeys;
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        settings_.refuse(fmt::format("\"{}\" is unknown (docs/recordings.md)", key));
      }
    }
    width_ = settings_.integer("width", 1, kWidest);
    maker_ = fmt::format(
        "script-{}", sha256(sha256_file(file) + settings_.json().dump()).substr(0, kScriptDigits));
  }

  [[nodiscard]] const NetworkSettings& settings() const { return settings_; }

  [[nodiscard]] const std::string& maker() const { return maker_; }

  [[nodiscard]] std::int64_t width() const { return width_; }

  template <typename... Input>
  [[nodiscard]] std::vector<float> run(const Input&... input) const {
    auto values = network_->mean_output(input...);
    if (std::cmp_equal(values.size(), width_)) return values;
    throw DataError(fmt::format("the program's output is {} wide, its description says {}",
                                values.size(), width_));
  }

 private:
  static constexpr std::array kKeys = {"modality",  "width",          "scale", "normalise", "side",
                                       "tokenizer", "tokenizer_kind", "mean",  "deviation"};

  static std::unique_ptr<ScriptNetwork> load(const char* option, const fs::path& file,
                                             bool is_trusted) {
    if (!is_trusted) {
      throw ConfigError(fmt::format(
          "{} {}: a TorchScript file is a program, which can do whatever you can; if you trust its "
          "author, add --trust-programs",
          option, file.string()));
    }
    if (loader() == nullptr) throw ConfigError("this program runs no TorchScript");
    return loader()(file);
  }

  static NetworkSettings describe(const fs::path& file, const ScriptNetwork& network) {
    const fs::path beside = file.string() + ".json";
    std::error_code ignored;
    if (fs::exists(beside, ignored)) return NetworkSettings::read(beside);
    const auto name = file.string() + "/hardy.json";
    auto json = nlohmann::json::parse(network.description(), nullptr, false);
    if (json.is_object()) return {std::move(json), name};
    throw ArtifactError(
        fmt::format("{}: nothing describes its input: it holds no hardy.json, and {} is missing",
                    file.string(), beside.string()),
        "write one (docs/recordings.md)");
  }

  std::unique_ptr<ScriptNetwork> network_;
  NetworkSettings settings_;
  std::int64_t width_ = 0;
  std::string maker_;
};

class ScriptSound final : public SoundExtractor {
 public:
  explicit ScriptSound(const BackboneFiles& files)
      : script_("--audio", files.sound, "audio", files.trusts_programs),
        scale_(script_.settings().real_or("scale", 1) / 32768),
        normalises_(script_.settings().flag_or("normalise", false)) {}

  [[nodiscard]] std::string maker() const override { return script_.maker(); }

  [[nodiscard]] std::int64_t width() const override { return script_.width(); }

  [[nodiscard]] std::vector<float> extract(std::span<const std::int16_t> samples) const override {
    double shift = 0;
    double scale = scale_;
    if (normalises_ && !samples.empty()) {
      double squares = 0;
      for (const double x : samples) shift += x / static_cast<double>(samples.size());
      for (const double x : samples) squares += (x - shift) * (x - shift);
      scale = 1 / std::sqrt(squares / static_cast<double>(samples.size()) + 1e-7);
    }
    std::vector<float> input;
    input.reserve(samples.size());
    for (const double x : samples) input.push_back(static_cast<float>((x - shift) * scale));
    const auto size = static_cast<std::int64_t>(input.size());
    return script_.run(std::span<const float>(input), std::vector<std::int64_t>{1, size});
  }

 private:
  DescribedScript script_;
  double scale_;
  bool normalises_;
};

class ScriptText final : public TextExtractor {
 public:
  explicit ScriptText(const BackboneFiles& files)
      : script_("--text", files.text, "text", files.trusts_programs),
        tokenizer_(
            make_tokenizer(files.text.parent_path() / script_.settings().text_or("tokenizer", "."),
                           script_.settings().text_or("tokenizer_kind", "bert"))) {}

  [[nodiscard]] std::string maker() const override {
    return script_.maker() + "-" + tokenizer_->checksum().substr(0, kScriptDigits);
  }

  [[nodiscard]] std::int64_t width() const override { return script_.width(); }

  void extract(std::span<const std::string> texts, const Take& take) const override {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::vector<float> values;
      std::string reason;
      try {
        values = vector_of(texts[i]);
      } catch (const DataError& error) {
        reason = error.what();
      }
      take(i, std::move(values), std::move(reason));
    }
  }

 private:
  [[nodiscard]] std::vector<float> vector_of(const std::string& text) const {
    const auto tokens = tokenizer_->tokens(text);
    if (tokens.empty()) throw DataError("its text holds no token");
    const auto ids = tokenizer_->ids(tokens);
    return script_.run(std::span<const std::int64_t>(ids));
  }

  DescribedScript script_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

/// The preparation of a face: `side` x `side`, values of 0 to 1, less the mean, over the deviation.
struct FaceForm {
  explicit FaceForm(const NetworkSettings& settings)
      : side(settings.has("side") ? settings.integer("side", 8, 1024) : 224),
        mean(channels(settings, "mean", 0)),
        deviation(channels(settings, "deviation", 1)) {
    for (const float each : deviation) {
      if (!(each > 0)) settings.refuse("\"deviation\" has a value that is not positive");
    }
  }

  static std::array<float, 3> channels(const NetworkSettings& settings, const char* key,
                                       float otherwise) {
    std::array<float, 3> values = {otherwise, otherwise, otherwise};
    if (!settings.has(key)) return values;
    const auto& given = settings.json().at(key);
    const bool is_whole =
        given.is_array() && given.size() == values.size() &&
        std::all_of(given.begin(), given.end(), [](const auto& x) { return x.is_number(); });
    if (!is_whole) settings.refuse(fmt::format("\"{}\" is not a list of three numbers", key));
    for (std::size_t c = 0; c < values.size(); ++c) values[c] = given.at(c).get<float>();
    return values;
  }

  std::int64_t side;
  std::array<float, 3> mean;
  std::array<float, 3> deviation;
};

class ScriptSummary final : public PictureSummary {
 public:
  ScriptSummary(const FaceFinder& finder, const DescribedScript& script, const FaceForm& form)
      : finder_(finder),
        script_(script),
        form_(form),
        sums_(static_cast<std::size_t>(script.width())) {}

  void add(const Picture& picture) override {
    const cv::Mat bgr(picture.height, picture.width, CV_8UC3,
                      const_cast<std::uint8_t*>(picture.pixels.data()));
    cv::Mat gray;
    cv::cvtColor(bgr, gray, cv::COLOR_BGR2GRAY);
    const cv::Rect face = finder_.find(gray);
    if (face.area() == 0) return;
    cv::Mat rgb;
    cv::cvtColor(bgr(face), rgb, cv::COLOR_BGR2RGB);
    const auto pixels = resize_like_pil(rgb.data, rgb.rows, rgb.cols, form_.side);
    std::vector<float> input(pixels.size());  // [3, side, side]
    const std::size_t places = pixels.size() / 3;
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const std::size_t c = i % 3;
      const float value = static_cast<float>(pixels[i]) / 255.0F;
      input[c * places + i / 3] = (value - form_.mean[c]) / form_.deviation[c];
    }
    const auto values = script_.run(std::span<const float>(input),
                                    std::vector<std::int64_t>{1, 3, form_.side, form_.side});
    for (std::size_t i = 0; i < values.size(); ++i) sums_[i] += static_cast<double>(values[i]);
    ++found_;
  }

  [[nodiscard]] std::int64_t found() const override { return found_; }

  [[nodiscard]] std::vector<float> finish() const override {
    if (found_ == 0) throw DataError("no face was found in its pictures");
    std::vector<float> mean;
    for (const double sum : sums_) {
      mean.push_back(static_cast<float>(sum / static_cast<double>(found_)));
    }
    return mean;
  }

 private:
  const FaceFinder& finder_;
  const DescribedScript& script_;
  const FaceForm& form_;
  std::vector<double> sums_;
  std::int64_t found_ = 0;
};

class ScriptPictures final : public PictureExtractor {
 public:
  explicit ScriptPictures(const BackboneFiles& files)
      : script_("--video", files.pictures, "video", files.trusts_programs),
        form_(script_.settings()),
        finder_(files.cascade.string()) {}

  [[nodiscard]] std::string maker() const override { return script_.maker(); }

  [[nodiscard]] std::int64_t width() const override { return script_.width(); }

  [[nodiscard]] PixelForm form() const override { return PixelForm::kBgr; }

  [[nodiscard]] std::unique_ptr<PictureSummary> start() const override {
    return std::make_unique<ScriptSummary>(finder_, script_, form_);
  }

 private:
  DescribedScript script_;
  FaceForm form_;
  FaceFinder finder_;
};

}  // namespace

void set_script_loader(ScriptLoader set) { loader() = set; }

bool is_script(const fs::path& file) {
  zip_t* archive = zip_open(file.c_str(), ZIP_RDONLY, nullptr);
  if (archive == nullptr) return false;
  bool has_code = false;
  const auto count = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < count && !has_code; ++i) {
    const char* name = zip_get_name(archive, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    has_code = name != nullptr && std::string_view(name).find("/code/") != std::string_view::npos;
  }
  zip_discard(archive);
  return has_code;
}

std::shared_ptr<const SoundExtractor> open_script_sound(const BackboneFiles& files) {
  return std::make_shared<ScriptSound>(files);
}

std::shared_ptr<const TextExtractor> open_script_text(const BackboneFiles& files) {
  return std::make_shared<ScriptText>(files);
}

std::shared_ptr<const PictureExtractor> open_script_pictures(const BackboneFiles& files) {
  return std::make_shared<ScriptPictures>(files);
}

}  // namespace hardy
