// Parser of protocol.conditions (corpus/missing.h).
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/wording.h"
#include "corpus/missing.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::array<const char*, 5> kProtocols = {"rate", "gcnet", "independent", "imder",
                                                   "block"};

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string> split_at(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return parts;
}

/// Every pattern of up to three modalities; for more modalities, which do not fit a table, the
/// patterns of one modality, those that lack one, and the complete one.
std::vector<Pattern> patterns_of_table(const std::vector<Pattern>& patterns) {
  const int modalities = patterns.back().count();
  if (modalities <= 3) return patterns;
  std::vector<Pattern> chosen;
  for (const Pattern pattern : patterns) {
    if (pattern.count() == 1 || pattern.count() >= modalities - 1) chosen.push_back(pattern);
  }
  return chosen;
}

class PlanReader {
 public:
  explicit PlanReader(const std::vector<std::string>& names)
      : names_(names), patterns_(all_patterns(static_cast<int>(names.size()))) {}

  ConditionPlan read(const std::string& text) {
    for (const auto& item : split_at(text, ';')) {
      if (item.empty()) continue;
      item_ = item;
      read_item(item);
    }
    for (const Pattern pattern : patterns_) {
      if (wanted_.contains(pattern.bits())) plan_.patterns.push_back(pattern);
    }
    const int modalities = static_cast<int>(names_.size());
    const auto condition = [&](const MaskSpec& spec) { return Condition(modalities, spec.label); };
    std::sort(plan_.masks.begin(), plan_.masks.end(), [&](const MaskSpec& x, const MaskSpec& y) {
      return comes_before(condition(x), condition(y));
    });
    const auto end = std::unique(plan_.masks.begin(), plan_.masks.end(),
                                 [](const auto& x, const auto& y) { return x.label == y.label; });
    plan_.masks.erase(end, plan_.masks.end());
    if (plan_.patterns.empty() && plan_.masks.empty()) {
      throw ConfigError(fmt::format("conditions '{}' name nothing; write e.g. \"{}\"", text,
                                    pattern_label(patterns_.back(), names_)));
    }
    return std::move(plan_);
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw ConfigError(fmt::format("condition '{}': {}", item_, why));
  }

  void want(const std::vector<Pattern>& patterns) {
    for (const Pattern pattern : patterns) wanted_.insert(pattern.bits());
  }

  void read_item(const std::string& item) {
    const auto equals = item.find('=');
    if (item == "all") return want(patterns_);
    if (item == "table") return want(patterns_of_table(patterns_));
    if (item == "complete") return want({patterns_.back()});
    if (equals == std::string::npos) return want({parse_pattern(item, names_)});
    const std::string key = trimmed(item.substr(0, equals));
    const std::string value = trimmed(item.substr(equals + 1));
    if (key == "at") return read_place(value);
    if (key == "mask_seed") return read_seed(value);
    if (item.find('+') != std::string::npos) return read_several(item);
    const bool is_protocol =
        std::find(kProtocols.begin(), kProtocols.end(), key) != kProtocols.end();
    for (const double rate : rates_of(value)) {
      if (is_protocol) {
        add_protocol(key, rate);
      } else {
        std::vector<double> rates(names_.size(), 0.0);
        rates[modality_of(key)] = rate;
        plan_.masks.push_back(
            {names_[modality_of(key)] + "=" + fmt::format("{}", rate), "modality", rate, rates});
      }
    }
  }

  void add_protocol(const std::string& protocol, double rate) {
    if (protocol == "imder" && std::abs(10 * rate - std::round(10 * rate)) > 1e-9) {
      refuse("IMDer has shares for the rates 0, 0.1, ..., 0.7 only; use rate=");
    }
    if (protocol == "imder" && rate > .7) refuse("IMDer's rates end at 0.7");
    if (protocol == "imder" && names_.size() != 3) {
      refuse("IMDer's shares are for three modalities; use rate=");
    }
    plan_.masks.push_back({fmt::format("{}={}", protocol, rate), protocol, rate, {}});
  }

  /// "acoustic=.5+visual=.2"
  void read_several(const std::string& item) {
    MaskSpec spec{"", "modality", 0, std::vector<double>(names_.size(), 0.0)};
    for (const auto& part : split_at(item, '+')) {
      const auto equals = part.find('=');
      if (equals == std::string::npos) refuse("write each part as MODALITY=RATE");
      spec.rates[modality_of(trimmed(part.substr(0, equals)))] =
          rate_of(trimmed(part.substr(equals + 1)));
    }
    for (std::size_t m = 0; m < names_.size(); ++m) {
      if (spec.rates[m] == 0) continue;
      spec.label += fmt::format("{}{}={}", spec.label.empty() ? "" : "+", names_[m], spec.rates[m]);
    }
    if (spec.label.empty()) refuse("every rate is 0; name the complete condition instead");
    plan_.masks.push_back(spec);
  }

  [[nodiscard]] std::size_t modality_of(const std::string& name) const {
    for (std::size_t m = 0; m < names_.size(); ++m) {
      if (names_[m] == name) return m;
    }
    std::vector<std::string> known(kProtocols.begin(), kProtocols.end());
    known.insert(known.end(), names_.begin(), names_.end());
    known.insert(known.end(), {"at", "mask_seed"});
    const std::string nearest = nearest_name(name, known);
    refuse(
        fmt::format("'{}' is no protocol of missing data and no modality{}; there are {} "
                    "(docs/missing_data.md)",
                    name, nearest.empty() ? "" : fmt::format(", did you mean '{}'?", nearest),
                    fmt::join(known, ", ")));
  }

  [[nodiscard]] double rate_of(const std::string& text) const {
    double rate = 0;
    // from_chars does not accept ".5" with a sign or blanks, which is intended.
    const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
    const bool is_number = error == std::errc() && stopped == text.data() + text.size();
    if (!is_number || !(rate >= 0 && rate < 1)) {
      refuse(fmt::format("'{}' is no rate; write numbers from 0 to below 1, such as 0,.1,...,.7",
                         text));
    }
    return rate;
  }

  /// "0,.1,...,.7": dots continue in steps of the two numbers before them.
  [[nodiscard]] std::vector<double> rates_of(const std::string& text) const {
    std::vector<double> rates;
    bool has_dots = false;
    for (const auto& part : split_at(text, ',')) {
      if (part == "...") {
        if (rates.size() < 2 || has_dots) refuse("'...' needs two rates before it and one after");
        has_dots = true;
        continue;
      }
      const double rate = rate_of(part);
      if (has_dots) {
        const double step = rates.back() - rates[rates.size() - 2];
        const double steps = std::round((rate - rates.back()) / step);
        if (!(step > 0) || steps < 1 || std::abs(rates.back() + steps * step - rate) > 1e-6) {
          refuse(fmt::format("no steps of {} lead to {}", step, rate));
        }
        const double from = rates.back();
        for (int i = 1; i < static_cast<int>(steps); ++i) {
          rates.push_back(std::round((from + i * step) * 1e6) / 1e6);
        }
        has_dots = false;
      }
      rates.push_back(rate);
    }
    if (has_dots) refuse("'...' needs two rates before it and one after");
    return rates;
  }

  void read_place(const std::string& value) {
    for (const auto at : {MissingAt::kTest, MissingAt::kTraining, MissingAt::kBoth}) {
      if (value != missing_at_name(at)) continue;
      plan_.at = at;
      return;
    }
    refuse("masks apply at test, training or both");
  }

  void read_seed(const std::string& value) {
    const char* end = value.data() + value.size();
    const auto [stopped, error] = std::from_chars(value.data(), end, plan_.mask_seed);
    if (value.empty() || error != std::errc() || stopped != end) {
      refuse("the seed of masks is a whole number from 0");
    }
  }

  const std::vector<std::string>& names_;
  std::vector<Pattern> patterns_;
  std::set<std::uint32_t> wanted_;
  ConditionPlan plan_;
  std::string item_;  // current item
};

}  // namespace

const char* missing_at_name(MissingAt at) {
  return at == MissingAt::kTest ? "test" : at == MissingAt::kTraining ? "training" : "both";
}

std::vector<Condition> ConditionPlan::conditions(int modalities) const {
  std::vector<Condition> list(patterns.begin(), patterns.end());
  for (const auto& spec : masks) list.emplace_back(modalities, spec.label);
  return list;
}

ConditionPlan parse_condition_plan(const std::string& text,
                                   const std::vector<std::string>& modality_names) {
  return PlanReader(modality_names).read(text);
}

}  // namespace hardy
