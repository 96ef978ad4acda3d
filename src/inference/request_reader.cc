#include "inference/request_reader.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/utf8.h"
#include "base/wording.h"
#include "inference/request_values.h"

namespace hardy {
namespace {

constexpr std::size_t kMostLetters = 256;  // of an id, a dialogue, a speaker or an option
constexpr std::size_t kMostOptionValues = 64;
constexpr std::array kFieldNames = {"id", "dialogue", "speaker", "end", "features"};

std::vector<std::string> field_names() { return {kFieldNames.begin(), kFieldNames.end()}; }

/// Follows the parser: which part of a request it is in decides what may come next.
class RequestReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  RequestReader(std::string_view text, std::string path, const BundleInfo& info,
                const RequestGrammar& grammar, ReadRequest& request)
      : text_(text), path_(std::move(path)), info_(info), grammar_(grammar), request_(request) {}

  bool null() override { return scalar(nullptr); }

  bool boolean(bool value) override { return scalar(value); }

  bool number_integer(std::int64_t value) override {
    return state_ == State::kNumbers ? number(static_cast<double>(value)) : scalar(value);
  }

  bool number_unsigned(std::uint64_t value) override {
    return state_ == State::kNumbers ? number(static_cast<double>(value)) : scalar(value);
  }

  bool number_float(double value, const std::string&) override {
    return state_ == State::kNumbers ? number(value) : scalar(value);
  }

  bool binary(nlohmann::json::binary_t&) override { return false; }

  bool string(std::string& value) override {
    if (state_ == State::kPacked) {
      values_ = unpack_features(value, place(), width());
      has_text_ = true;
      return true;
    }
    const bool is_text =
        state_ == State::kFields && is_one_of(field_, {"id", "dialogue", "speaker"});
    const bool is_option = state_ == State::kOption || state_ == State::kOptionList;
    if ((is_text || is_option) && value.size() > kMostLetters) {
      refuse_unusable(field_path(path_now(), field_),
                      fmt::format("has {} bytes, at most {} are read", value.size(), kMostLetters));
    }
    return scalar(nlohmann::json(is_text || is_option ? value : std::string()));
  }

  bool start_object(std::size_t) override {
    switch (state_) {
      case State::kStart:
        state_ = State::kFields;
        return true;
      case State::kList:
        return start_listed();
      case State::kFields:
        if (field_ != "features") return scalar(nlohmann::json::object());
        state_ = State::kFeatures;
        return true;
      case State::kFeatures:
        state_ = State::kPacked;
        values_.clear();
        has_text_ = false;
        return true;
      default:
        return scalar(nlohmann::json::object());
    }
  }

  bool end_object() override {
    if (state_ == State::kPacked) {
      if (!has_text_) not_a_list("object");
      return end_values();
    }
    if (state_ == State::kFeatures) {
      state_ = State::kFields;
      return true;
    }
    if (!in_list_) return true;  // in the request itself
    end_listed();
    return true;
  }

  bool start_array(std::size_t) override {
    if (state_ == State::kOption) {
      const bool is_list = field_ == "utterances";
      state_ = is_list ? State::kList : State::kOptionList;
      if (!is_list) request_.options.emplace_back(field_, nlohmann::json::array());
      return true;
    }
    if (state_ != State::kFeatures) return scalar(nlohmann::json::array());
    state_ = State::kNumbers;
    values_.clear();
    return true;
  }

  bool end_array() override {
    if (state_ == State::kNumbers) return end_values();
    if (state_ == State::kList && request_.utterances.empty())
      refuse_unusable("utterances", "is empty");
    state_ = State::kFields;
    return true;
  }

  bool key(std::string& name) override {
    if (state_ == State::kPacked) {
      if (name != "base64" || has_text_) not_a_list("object");
      return true;
    }
    if (state_ == State::kFeatures) return start_modality(name);
    return start_field(name);
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    constexpr int kOutOfRange = 406;
    if (error.id == kOutOfRange) refuse_malformed(path_, "holds a number beyond what a double can");
    if (const auto bad = utf8_error(text_); bad != text_.npos && bad < position) {
      refuse_malformed(path_, fmt::format("is not UTF-8 at byte {}; JSON is UTF-8", bad + 1));
    }
    std::string reason = fmt::format("is not JSON at byte {}", position);
    if (text_.find("NaN") != text_.npos || text_.find("Infinity") != text_.npos) {
      reason += "; NaN and Infinity are not JSON: leave a missing modality out";
    }
    refuse_malformed(path_, reason);
  }

  /// Ends the single utterance of a request without list.
  void finish() {
    if (request_.has_list || (request_.first_field.empty() && grammar_.max_utterances > 0 &&
                              !request_.options.empty())) {
      return;
    }
    check_utterance(path_, single_, seen_single_);
    request_.utterances.push_back(std::move(single_));
  }

 private:
  enum class State {
    kStart,       ///< before the outermost object
    kFields,      ///< in the request or in an utterance of its list
    kOption,      ///< before the value of a field beside the utterances
    kOptionList,  ///< in a list of such a field
    kList,        ///< in the list of utterances
    kFeatures,    ///< in "features"
    kNumbers,     ///< in the list of a modality
    kPacked       ///< in {"base64": ..}
  };

  static bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  [[nodiscard]] std::string path_now() const {
    return in_list_ ? fmt::format("utterances[{}]", index_) : path_;
  }

  [[nodiscard]] std::string features_path() const { return field_path(path_now(), "features"); }

  [[nodiscard]] std::string place() const {
    return features_path() + "." + info_.modalities[modality_].name;
  }

  [[nodiscard]] std::int64_t width() const { return info_.modalities[modality_].width; }

  UtteranceRequest& utterance() { return in_list_ ? request_.utterances.back() : single_; }

  [[noreturn]] void not_a_list(const char* type) const {
    refuse_malformed(
        place(), fmt::format("is {}, expected a list of numbers or {{\"base64\": \"...\"}}", type));
  }

  bool start_listed() {
    if (index_ + 1 >= grammar_.max_utterances) {
      throw TooLargeError("utterances",
                          fmt::format("holds more than {} utterances, at most {} are taken; send "
                                      "them in several requests",
                                      grammar_.max_utterances, grammar_.max_utterances));
    }
    ++index_;
    in_list_ = true;
    seen_listed_ = 0;
    request_.utterances.emplace_back();
    state_ = State::kFields;
    return true;
  }

  void end_listed() {
    check_utterance(path_now(), utterance(), seen_listed_);
    if (utterance().only_ends() && utterance().dialogue.empty()) {
      refuse_malformed(field_path(path_now(), "features"), "is missing");
    }
    in_list_ = false;
    state_ = State::kList;
  }

  void check_utterance(const std::string& path, const UtteranceRequest& utterance,
                       unsigned seen) const {
    constexpr unsigned kFeaturesBit = 1U << (kFieldNames.size() - 1);
    if (!utterance.features.empty()) return;
    const auto field = field_path(path, "features");
    if ((seen & kFeaturesBit) != 0) {
      refuse_unusable(field, fmt::format("names no modality; give at least one of {}",
                                         fmt::join(info_.modality_names(), ", ")));
    }
    if (!utterance.ends_dialogue) refuse_malformed(field, "is missing");
  }

  bool start_field(const std::string& name) {
    const auto known = std::find(kFieldNames.begin(), kFieldNames.end(), name);
    if (known != kFieldNames.end()) {
      unsigned& seen = in_list_ ? seen_listed_ : seen_single_;
      const unsigned bit = 1U << (known - kFieldNames.begin());
      if ((seen & bit) != 0) refuse_malformed(field_path(path_now(), name), "is given twice");
      seen |= bit;
      if (!in_list_ && request_.first_field.empty()) request_.first_field = name;
      field_ = name;
      seen_modalities_ = 0;
      return true;
    }
    if (in_list_ || !is_option(name)) refuse_field(name);
    const bool is_list = name == "utterances";
    const bool is_repeated =
        is_list ? request_.has_list
                : std::any_of(request_.options.begin(), request_.options.end(),
                              [&](const auto& option) { return option.first == name; });
    if (is_repeated) refuse_malformed(field_path(path_, name), "is given twice");
    request_.has_list = request_.has_list || is_list;
    field_ = name;
    state_ = State::kOption;
    return true;
  }

  [[nodiscard]] bool is_option(const std::string& name) const {
    const auto& options = grammar_.options;
    return (name == "utterances" && grammar_.max_utterances > 0) ||
           std::find(options.begin(), options.end(), name) != options.end();
  }

  [[noreturn]] void refuse_field(const std::string& name) const {
    auto known = field_names();
    if (!in_list_ && grammar_.max_utterances > 0) {
      known.emplace_back("utterances");
      known.insert(known.end(), grammar_.options.begin(), grammar_.options.end());
    }
    const auto near = nearest_name(shown(name), known);
    refuse_malformed(field_path(path_now(), name),
                     fmt::format("is an unknown field; known are {}{}", fmt::join(known, ", "),
                                 near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }

  bool start_modality(const std::string& name) {
    modality_ = known_modality(info_, name, features_path());
    const std::uint32_t bit = 1U << modality_;
    if ((seen_modalities_ & bit) != 0) refuse_malformed(place(), "is given twice");
    seen_modalities_ |= bit;
    return true;
  }

  bool number(double value) {
    if (static_cast<std::int64_t>(values_.size()) == width()) refuse_surplus(place(), width());
    values_.push_back(static_cast<float>(value));
    return true;
  }

  bool end_values() {
    check_features(values_, place(), width());
    utterance().features.emplace_back(info_.modalities[modality_].name, std::move(values_));
    values_ = {};
    state_ = State::kFeatures;
    return true;
  }

  /// A value that is neither a feature nor a whole part of the request.
  bool scalar(const nlohmann::json& value) {
    switch (state_) {
      case State::kStart:
        refuse_malformed(path_,
                         fmt::format("is {}, the body is not a JSON object", value.type_name()));
      case State::kList:
        refuse_malformed(
            fmt::format("utterances[{}]", index_ + 1),
            fmt::format("is {}, expected an object with \"features\"", value.type_name()));
      case State::kOption:
        if (field_ == "utterances") refuse_malformed(field_, "is not a list of utterances");
        if (value.is_structured()) {
          refuse_malformed(field_, fmt::format("is {}", value.type_name()));
        }
        request_.options.emplace_back(field_, value);
        state_ = State::kFields;
        return true;
      case State::kOptionList:
        return add_option_value(value);
      case State::kFeatures:
        if (!value.is_null()) {
          refuse_malformed(place(),
                           fmt::format("is {}, expected a list of numbers", value.type_name()));
        }
        return true;
      case State::kNumbers:
        refuse_malformed(fmt::format("{}[{}]", place(), values_.size()),
                         fmt::format("is {}, expected a number", value.type_name()));
      case State::kPacked:
        not_a_list("object");
      case State::kFields:
        break;
    }
    return utterance_field(value);
  }

  bool add_option_value(const nlohmann::json& value) {
    auto& list = request_.options.back().second;
    const auto field = fmt::format("{}[{}]", field_, list.size());
    if (list.size() == kMostOptionValues) {
      refuse_unusable(field_, fmt::format("holds more than {} values", kMostOptionValues));
    }
    if (value.is_structured()) refuse_malformed(field, fmt::format("is {}", value.type_name()));
    list.push_back(value);
    return true;
  }

  bool utterance_field(const nlohmann::json& value) {
    const auto field = field_path(path_now(), field_);
    if (field_ == "features") {
      refuse_malformed(field,
                       fmt::format("is {}, expected an object of modalities", value.type_name()));
    }
    if (field_ == "end") {
      if (!value.is_boolean()) refuse_malformed(field, "is not true or false");
      utterance().ends_dialogue = value.get<bool>();
      return true;
    }
    if (!value.is_null() && !value.is_string()) {
      refuse_malformed(field, fmt::format("is {}, expected a text", value.type_name()));
    }
    auto text = value.is_null() ? std::string() : value.get<std::string>();
    if (field_ == "id") utterance().id = std::move(text);
    if (field_ == "dialogue") utterance().dialogue = std::move(text);
    if (field_ == "speaker") utterance().speaker = std::move(text);
    return true;
  }

  std::string_view text_;
  std::string path_;
  const BundleInfo& info_;
  const RequestGrammar& grammar_;
  ReadRequest& request_;
  State state_ = State::kStart;
  UtteranceRequest single_;
  std::string field_;         ///< field of the next value
  std::int64_t index_ = -1;   ///< in the list of utterances
  bool in_list_ = false;      ///< within an utterance of the list
  unsigned seen_single_ = 0;  ///< fields, as bits in the order of kFieldNames
  unsigned seen_listed_ = 0;
  std::size_t modality_ = 0;
  std::uint32_t seen_modalities_ = 0;
  std::vector<float> values_;
  bool has_text_ = false;
};

}  // namespace

ReadRequest read_request(std::string_view text, const std::string& path, const BundleInfo& info,
                         const RequestGrammar& grammar) {
  if (text.empty()) {
    refuse_malformed(path, "is empty, expected an object such as {\"features\": {..}}");
  }
  // The JSON parser treats a zero byte as the end of its input.
  if (const auto zero = text.find('\0'); zero != text.npos) {
    refuse_malformed(path, fmt::format("is not JSON at byte {}: a zero byte", zero + 1));
  }
  ReadRequest request;
  RequestReader reader(text, path, info, grammar, request);
  nlohmann::json::sax_parse(text, &reader);
  reader.finish();
  return request;
}

}  // namespace hardy
