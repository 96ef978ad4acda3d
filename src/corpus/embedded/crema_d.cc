#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "corpus/embedded/embedded.h"
#include "hardy/errors.h"

// The assembler embeds the file unchanged.
__asm__(".pushsection .rodata\n.global hardy_crema_d\nhardy_crema_d:\n.incbin \"" HARDY_CREMA_D
        "\"\n.global hardy_crema_d_end\nhardy_crema_d_end:\n.byte 0\n.popsection\n");

extern "C" {
extern const char hardy_crema_d[];
extern const char hardy_crema_d_end[];
}

namespace hardy {
namespace {

constexpr std::string_view kLetters = "ADFHNS";
constexpr std::array<const char*, 6> kCremaEmotions = {"ANG", "DIS", "FEA", "HAP", "NEU", "SAD"};
constexpr int kFolds = 5;
constexpr int kFirstActor = 1001;

constexpr std::array<std::pair<std::string_view, const char*>, 12> kSentences = {{
    {"DFA", "Don't forget a jacket."},
    {"IEO", "It's eleven o'clock."},
    {"IOM", "I'm on my way to the meeting."},
    {"ITH", "I think I have a doctor's appointment."},
    {"ITS", "I think I've seen this before."},
    {"IWL", "I would like a new alarm clock."},
    {"IWW", "I wonder what this is about."},
    {"MTI", "Maybe tomorrow it will be cold."},
    {"TAI", "The airplane is almost full."},
    {"TIE", "That is exactly what happened."},
    {"TSI", "The surface is slick."},
    {"WSI", "We'll stop in a couple of minutes."},
}};

/// Reads one line of the table.
class LineReader {
 public:
  LineReader(std::string_view line, std::size_t number) : rest_(line), number_(number) {}

  [[noreturn]] void refuse(const char* what) const {
    throw DataError(fmt::format("CREMA-D's votes, line {}: {}", number_, what));
  }

  /// The text up to the separator, or to the end.
  std::string_view next(char separator) {
    const auto end = rest_.find(separator);
    const auto part = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    return part;
  }

  [[nodiscard]] int number_of(std::string_view text) const {
    int value = 0;
    const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || stopped != text.data() + text.size() || value < 0) {
      refuse("a count is no number");
    }
    return value;
  }

  /// "9 A6:284 D2:119" -> 12 features.
  [[nodiscard]] std::array<float, 12> features_of(std::string_view votes) const {
    std::array<float, 12> features{};
    LineReader parts(votes, number_);
    const double raters = number_of(parts.next(' '));
    if (raters == 0) refuse("nobody rated");
    while (!parts.rest_.empty()) {
      const std::string_view vote = parts.next(' ');
      const auto emotion = vote.empty() ? kLetters.npos : kLetters.find(vote[0]);
      const auto colon = vote.find(':');
      if (emotion == kLetters.npos || colon == std::string_view::npos) refuse("no such vote");
      const double chosen = number_of(vote.substr(1, colon - 1));
      const double intensity = number_of(vote.substr(colon + 1));
      features[emotion] = static_cast<float>(chosen / raters);
      features[emotion + 6] = static_cast<float>(intensity / (100 * raters));
    }
    return features;
  }

 private:
  std::string_view rest_;
  std::size_t number_;
};

void add_clip(Corpus& corpus, std::string_view line, std::size_t number) {
  LineReader reader(line, number);
  const std::string id(reader.next(','));
  const std::array<std::string_view, 2> votes = {reader.next(','), reader.next(',')};
  LineReader parts(id, number);
  const std::string actor(parts.next('_'));
  const std::string_view sentence = parts.next('_');
  const std::string_view emotion = parts.next('_');
  std::size_t label = 0;
  while (label < kCremaEmotions.size() && emotion != kCremaEmotions[label]) ++label;
  std::size_t text = 0;
  while (text < kSentences.size() && sentence != kSentences[text].first) ++text;
  if (label == kCremaEmotions.size() || text == kSentences.size()) reader.refuse("no clip's name");
  for (std::size_t m = 0; m < votes.size(); ++m) {
    const auto features = reader.features_of(votes[m]);
    auto& modality = corpus.modalities[m];
    auto& all = modality.features.own();
    all.insert(all.end(), features.begin(), features.end());
    modality.present.push_back(1);
  }
  const auto place = corpus.size();
  Utterance utterance{};
  utterance.id = id;
  utterance.dialogue = place;
  utterance.speaker = actor;
  utterance.label = static_cast<float>(label);
  utterance.transcript = kSentences[text].second;
  corpus.utterances.push_back(std::move(utterance));
  const int fold = (reader.number_of(actor) - kFirstActor) % kFolds;
  corpus.dialogues.push_back({id, place, 1, fmt::format("fold{}", fold), Part::kNone});
}

}  // namespace

std::string embedded_name(const std::string& path) {
  std::error_code ignored;
  const bool is_one = path == kCremaName || path == kDemoName;
  return is_one && !std::filesystem::exists(path, ignored) ? path : "";
}

Corpus parse_crema_d(std::string_view table) {
  Corpus corpus;
  corpus.name = "CREMA-D votes";
  corpus.source = "CREMA-D votes inside the program (Cao et al. 2014; Open Database License 1.0)";
  corpus.class_names.assign(kCremaEmotions.begin(), kCremaEmotions.end());
  corpus.modalities = {{"voice", 12, {}, {}}, {"face", 12, {}, {}}};
  std::size_t number = 0;
  while (!table.empty()) {
    const auto end = table.find('\n');
    const auto line = table.substr(0, end);
    table = end == std::string_view::npos ? std::string_view() : table.substr(end + 1);
    if (++number > 1 && !line.empty()) add_clip(corpus, line, number);
  }
  return corpus;
}

Corpus make_crema_d() { return parse_crema_d({hardy_crema_d, hardy_crema_d_end}); }

}  // namespace hardy
