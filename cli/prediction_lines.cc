#include "cli/prediction_lines.h"

#include <fmt/format.h>

#include "base/wording.h"
#include "cli/output.h"
#include "hardy/errors.h"
#include "inference/request.h"

namespace hardy {

void PredictionLines::write(const std::string& dialogue, const std::string& id,
                            const Predictions& predictions, std::int64_t i) {
  if (is_json_) return write_json(dialogue, id, predictions, i);
  const bool is_classification = info_.is_classification();
  if (!has_header_) {
    has_header_ = true;
    write_row("utterance", is_classification ? "label" : "value",
              is_classification ? "confidence" : "error", "used",
              sets_ == nullptr ? "" : fmt::format("set of {}", sets_->coverage()));
  }
  const auto row = static_cast<std::size_t>(i);
  const auto name = printable(id.empty() ? "-" : id);
  if (predictions.used[row].empty()) {
    write_row(name, "-", "-", "-", "-");
    return;
  }
  const bool is_calibrated = predictions.calibrated[row] != 0;
  const auto believed =
      is_classification || is_calibrated
          ? fmt::format("{:.3f}{}", predictions.confidence[row], is_calibrated ? "" : "?")
          : "?";
  auto used = pattern_label(predictions.used[row], info_.modality_names());
  if (!predictions.suspected.empty() && !predictions.suspected[row].empty()) {
    used += "  suspected: " + pattern_label(predictions.suspected[row], info_.modality_names());
  }
  write_row(name, answer_text(predictions, i), believed, used,
            sets_ == nullptr ? "" : set_text(predictions, i));
}

void PredictionLines::write_json(const std::string& dialogue, const std::string& id,
                                 const Predictions& predictions, std::int64_t i) const {
  nlohmann::ordered_json line = {{"format", 1}};
  if (!id.empty()) line["id"] = id;
  if (!dialogue.empty()) line["dialogue"] = dialogue;
  if (predictions.used[static_cast<std::size_t>(i)].empty()) {
    line[info_.is_classification() ? "label" : "value"] = nullptr;
    line["used"] = nlohmann::ordered_json::array();
  } else {
    line.update(answer_json(info_, predictions, i, sets_));
  }
  print(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void PredictionLines::write_row(std::string_view id, std::string_view answer,
                                std::string_view believed, std::string_view used,
                                std::string_view set) const {
  if (sets_ == nullptr) {
    print(fmt::format("{:<24} {:<16} {:>10}  {}\n", id, answer, believed, used));
  } else {
    print(fmt::format("{:<24} {:<16} {:>10}  {:<24} {}\n", id, answer, believed, used, set));
  }
}

std::string PredictionLines::answer_text(const Predictions& predictions, std::int64_t i) const {
  if (info_.is_classification()) {
    const auto label = predictions.labels[static_cast<std::size_t>(i)];
    return printable(info_.class_names[static_cast<std::size_t>(label)]);
  }
  return info_.target_names.empty() ? fmt::format("{:.4f}", predictions.row(i)[0])
                                    : targets_text(predictions.row(i));
}

/// "joy,fear", "-" for none; of several values each one with its name.
std::string PredictionLines::targets_text(std::span<const float> outputs) const {
  std::string text;
  for (std::size_t t = 0; t < outputs.size(); ++t) {
    const std::string name = printable(info_.target_names[t]);
    const std::string comma = text.empty() ? "" : ",";
    if (info_.label_kind == "values") {
      text += fmt::format("{}{}={:.3f}", comma, name, outputs[t]);
    } else if (outputs[t] > 0.5F) {
      text += comma + name;
    }
  }
  return text.empty() ? "-" : text;
}

/// "sad,neutral" or "[-0.200, 1.400]"; "any" where nothing can be promised.
std::string PredictionLines::set_text(const Predictions& predictions, std::int64_t i) const {
  if (!sets_->refusal(predictions.used[static_cast<std::size_t>(i)]).empty()) return "any";
  if (!info_.is_classification()) {
    const auto [low, high] = sets_->interval(predictions, i);
    return fmt::format("[{:.3f}, {:.3f}]", low, high);
  }
  std::string text;
  for (const auto c : sets_->classes(predictions, i)) {
    text += text.empty() ? "" : ",";
    text += printable(info_.class_names[static_cast<std::size_t>(c)]);
  }
  return text;
}

void UnreadCount::add(const Predictions& predictions) {
  all_ += predictions.count;
  for (const auto used : predictions.used) unread_ += used.empty() ? 1 : 0;
}

void UnreadCount::report(const std::string& available) const {
  if (unread_ == 0) return;
  const auto which = available.empty() ? "" : " of --available " + available;
  if (unread_ == all_) {
    throw DataError(
        fmt::format("none of the {} utterances has any of the modalities{}; nothing can be "
                    "predicted",
                    all_, which));
  }
  print_notice(fmt::format(
      "hardy: note: {} of {} utterances have none of the modalities{} and get no answer", unread_,
      all_, which));
}

void UnpromisedCount::add(const Predictions& predictions, std::size_t dialogues) {
  if (sets_ == nullptr) return;
  dialogues_ += dialogues;
  utterances_ += predictions.used.size();
  for (const auto used : predictions.used) {
    if (!used.empty() && !sets_->refusal(used).empty()) ++unpromised_[used.bits()];
  }
}

void UnpromisedCount::report() const {
  for (const auto& [bits, count] : unpromised_) {
    print_notice(fmt::format(
        "hardy: note: no coverage is promised for {} with {}: {}", counted(count, "utterance"),
        pattern_label(Pattern(bits), info_.modality_names()), sets_->refusal(Pattern(bits))));
  }
  // Scores were measured within dialogues, where utterances are predicted better than alone.
  if (sets_ != nullptr && utterances_ == dialogues_ && sets_->is_of_dialogues()) {
    print_notice(
        "hardy: note: the coverage was measured on whole dialogues, but every utterance here "
        "stands alone; name their dialogues, or expect another coverage");
  }
}

}  // namespace hardy
