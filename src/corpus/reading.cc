#include "hardy/load.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

struct KnownPrefix {
  std::string_view prefix;
  const char* modality;
};

/// Extractors of the public feature sets (MERBench, GCNet, MMIN, bc-LSTM) by folder prefix.
constexpr auto kPrefixes = std::to_array<KnownPrefix>({
    {"wav2vec", "acoustic"},
    {"wavlm", "acoustic"},
    {"hubert", "acoustic"},
    {"chinese-hubert", "acoustic"},
    {"chinese-wav2vec", "acoustic"},
    {"data2vec", "acoustic"},
    {"whisper", "acoustic"},
    {"vggish", "acoustic"},
    {"opensmile", "acoustic"},
    {"compare", "acoustic"},
    {"egemaps", "acoustic"},
    {"is09", "acoustic"},
    {"is1", "acoustic"},
    {"covarep", "acoustic"},
    {"mfcc", "acoustic"},
    {"audio", "acoustic"},
    {"acoustic", "acoustic"},
    {"deberta", "textual"},
    {"roberta", "textual"},
    {"bert", "textual"},
    {"albert", "textual"},
    {"electra", "textual"},
    {"xlnet", "textual"},
    {"chinese-", "textual"},
    {"sentence", "textual"},
    {"textcnn", "textual"},
    {"glove", "textual"},
    {"text", "textual"},
    {"manet", "visual"},
    {"3dcnn", "visual"},
    {"denseface", "visual"},
    {"clip", "visual"},
    {"ffm", "visual"},
    {"openface", "visual"},
    {"facet", "visual"},
    {"resnet", "visual"},
    {"senet", "visual"},
    {"emonet", "visual"},
    {"videomae", "visual"},
    {"dinov2", "visual"},
    {"video", "visual"},
    {"visual", "visual"},
    {"vision", "visual"},
    {"face", "visual"},
});

}  // namespace

const char* severity_name(Severity severity) {
  switch (severity) {
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "note";
}

void require_readable_name(const std::filesystem::path& folder, const std::string& name) {
  if (is_utf8(name)) return;
  throw DataError(
      fmt::format("{}: the name '{}' is not UTF-8, as when an archive of Windows (GBK, Shift-JIS, "
                  "..) is unpacked "
                  "on Linux; rename it (convmv -f gbk -t utf8 --notest), or unpack again with the "
                  "right encoding",
                  readable(folder.string()), readable(name)));
}

Corpus take_sound_corpus(Reading reading) {
  const auto is_error = [](const Finding& f) { return f.severity == Severity::kError; };
  const auto count = std::count_if(reading.findings.begin(), reading.findings.end(), is_error);
  if (count == 0) return std::move(reading.corpus);
  const auto first = std::find_if(reading.findings.begin(), reading.findings.end(), is_error);
  std::string message = fmt::format("{}: {}; {}", first->where, first->what, first->remedy);
  if (count > 1) {
    message += fmt::format(" (and {} more errors: `hardy data check` lists them all)", count - 1);
  }
  throw DataError(message);
}

std::vector<ModalityChoice> parse_modality_choices(const std::string& text) {
  std::vector<ModalityChoice> choices;
  std::set<std::string> names;
  std::string_view rest = text;
  while (!trim(rest).empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = trim(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    const std::size_t equals = part.find('=');
    ModalityChoice choice;
    if (equals != std::string_view::npos) choice.name = trim(part.substr(0, equals));
    choice.source = trim(equals == std::string_view::npos ? part : part.substr(equals + 1));
    const bool has_name = equals == std::string_view::npos || !choice.name.empty();
    const bool is_plain = choice.source != ".." && choice.source != "." &&
                          choice.source.find('/') == std::string::npos;
    if (!has_name || choice.source.empty() || !is_plain) {
      throw ConfigError(
          fmt::format("modalities '{}': '{}' is not NAME=FOLDER; an example is "
                      "acoustic=wav2vec-large-c-UTT,textual=deberta-large-4-UTT",
                      text, part));
    }
    if (!choice.name.empty() && !names.insert(choice.name).second) {
      throw ConfigError(
          fmt::format("modalities '{}': the name '{}' is given twice", text, choice.name));
    }
    choices.push_back(std::move(choice));
  }
  return choices;
}

std::string modality_of_folder(const std::string& folder) {
  for (const auto& [prefix, modality] : kPrefixes) {
    if (starts_with_ignoring_case(folder, prefix)) return modality;
  }
  return folder;
}

int modality_rank(const std::string& name) {
  if (name == "acoustic") return 0;
  if (name == "textual") return 1;
  if (name == "visual") return 2;
  return 3;
}

}  // namespace hardy
