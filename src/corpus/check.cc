#include "base/wording.h"
#include "hardy/load.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/split.h"

namespace hardy {
namespace {

constexpr std::size_t kShown = 5;

/// A column in which one utterance has this share of all variance varies in few utterances only.
constexpr double kRareShare = 0.2;

/// With fewer utterances, one of them may have that share by chance.
constexpr std::int64_t kEnoughToJudge = 100;

/// "3, 7, 9, ..." for messages.
std::string some_of(const std::vector<std::size_t>& columns) {
  const auto shown = std::vector<std::size_t>(
      columns.begin(),
      columns.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, columns.size())));
  return fmt::format("{}{}", fmt::join(shown, ", "), columns.size() > kShown ? ", ..." : "");
}

/// Columns that are constant except for one utterance, or a few equal ones. Requires a present row.
std::vector<std::size_t> rare_columns(const ModalityData& modality, std::int64_t present) {
  const auto width = static_cast<std::size_t>(modality.width);
  std::vector<double> mean(width, 0);
  const auto for_each_row = [&](const auto& visit) {
    for (std::size_t i = 0; i < modality.present.size(); ++i) {
      if (modality.present[i] != 0) visit(modality.features.data() + i * width);
    }
  };
  for_each_row([&](const float* row) {
    for (std::size_t d = 0; d < width; ++d) mean[d] += row[d] / static_cast<double>(present);
  });
  std::vector<double> total(width, 0);
  std::vector<double> largest(width, 0);
  for_each_row([&](const float* row) {
    for (std::size_t d = 0; d < width; ++d) {
      const double square = (row[d] - mean[d]) * (row[d] - mean[d]);
      total[d] += square;
      largest[d] = std::max(largest[d], square);
    }
  });
  std::vector<std::size_t> columns;
  for (std::size_t d = 0; d < width; ++d) {
    if (largest[d] > kRareShare * total[d]) columns.push_back(d);
  }
  return columns;
}

class ContentCheck {
 public:
  explicit ContentCheck(const Corpus& corpus) : corpus_(corpus) {}

  std::vector<Finding> run() {
    check_presence();
    check_labelled();
    for (const auto& modality : corpus_.modalities) check_modality(modality);
    if (corpus_.label_kind == LabelKind::kClass) check_classes();
    check_speakers();
    return std::move(findings_);
  }

 private:
  void add(Severity severity, const char* kind, const std::string& where, const std::string& what,
           const char* remedy) {
    findings_.push_back({severity, kind, where, what, remedy, false});
  }

  void check_presence() {
    if (corpus_.utterances.empty()) {
      add(Severity::kError, "no-utterance", corpus_.source, "it has no utterance",
          "check that the labels belong to these features");
    }
    for (std::int64_t i = 0; i < corpus_.size(); ++i) {
      if (!corpus_.present_pattern(i).empty()) continue;
      add(Severity::kError, "no-modality",
          "utterance " + corpus_.utterances[static_cast<std::size_t>(i)].id,
          "it has no modality at all", "extract a feature, or remove the utterance for training");
    }
  }

  void check_labelled() {
    const auto labelled = std::count_if(corpus_.utterances.begin(), corpus_.utterances.end(),
                                        [](const auto& u) { return u.is_labelled(); });
    const auto lacking = corpus_.size() - labelled;
    if (lacking == 0) return;
    add(labelled == 0 ? Severity::kError : Severity::kNote, "unlabelled", corpus_.source,
        fmt::format("{} of {} utterances are not labelled", lacking, corpus_.size()),
        labelled == 0 ? "label some; nothing can be learned or scored"
                      : "nothing: they give context and are predicted, but not scored");
  }

  void check_modality(const ModalityData& modality) {
    const auto width = static_cast<std::size_t>(modality.width);
    std::vector<std::uint8_t> varies(width, 0);
    const float* first = nullptr;
    std::int64_t present = 0;
    std::int64_t zeros = 0;
    for (std::size_t i = 0; i < modality.present.size(); ++i) {
      if (modality.present[i] == 0) continue;
      const float* row = modality.features.data() + i * width;
      ++present;
      zeros += std::all_of(row, row + width, [](float x) { return x == 0; }) ? 1 : 0;
      if (first == nullptr) first = row;
      for (std::size_t d = 0; d < width; ++d) varies[d] |= row[d] != first[d] ? 1 : 0;
    }
    const std::string where = "modality " + modality.name;
    const std::int64_t missing = corpus_.size() - present;
    if (present == 0 && corpus_.size() > 0) {
      add(Severity::kError, "absent-modality", where, "no utterance has it",
          "extract it, or leave it out: --set data.modalities=.. names the others");
    } else if (missing > 0) {
      add(2 * missing > corpus_.size() ? Severity::kWarning : Severity::kNote, "missing-share",
          where,
          fmt::format("{} of {} utterances lack it ({:.1f} %)", missing, corpus_.size(),
                      100.0 * static_cast<double>(missing) / static_cast<double>(corpus_.size())),
          "nothing, if it is really missing; training and evaluation respect it");
    }
    if (zeros > 0) {
      add(Severity::kNote, "all-zero", where, fmt::format("{} features are all zero", zeros),
          "probably the extractor found nothing (no face, no word); mark them as missing if so");
    }
    if (present > 1) check_columns(varies, where);
    if (present >= kEnoughToJudge) check_rare_columns(modality, present, where);
  }

  void check_columns(const std::vector<std::uint8_t>& varies, const std::string& where) {
    std::vector<std::size_t> columns;
    for (std::size_t d = 0; d < varies.size(); ++d) {
      if (varies[d] == 0) columns.push_back(d);
    }
    if (columns.empty()) return;
    const bool all = columns.size() == varies.size();
    add(all ? Severity::kError : Severity::kWarning, "constant-column", where,
        fmt::format("{} of {} columns never change ({})", columns.size(), varies.size(),
                    some_of(columns)),
        all ? "the features carry nothing: extract them again, or leave the modality out: --set "
              "data.modalities=.. names the others"
            : "harmless, but they carry nothing; check the extractor if they are many");
  }

  void check_rare_columns(const ModalityData& modality, std::int64_t present,
                          const std::string& where) {
    const auto columns = rare_columns(modality, present);
    if (columns.empty()) return;
    add(Severity::kWarning, "rare-column", where,
        fmt::format("{} of {} columns vary in a few utterances only ({})", columns.size(),
                    modality.width, some_of(columns)),
        "where those are held out, their values lie far outside what training saw and are cut to "
        "its limits (docs/bundle.md): the columns carry little, better leave them out");
  }

  void check_classes() {
    std::vector<std::int64_t> members(corpus_.class_names.size(), 0);
    for (const auto& utterance : corpus_.utterances) {
      if (!utterance.is_labelled()) continue;
      const auto c = static_cast<std::int64_t>(utterance.label);
      if (c >= 0 && c < corpus_.class_count()) ++members[static_cast<std::size_t>(c)];
    }
    const auto used = std::count_if(members.begin(), members.end(), [](auto n) { return n > 0; });
    if (used < 2) {
      add(Severity::kError, "one-class", corpus_.source,
          fmt::format("its labels name {}", counted(used, "class")),
          "recognition needs at least two");
    }
    for (std::size_t c = 0; c < members.size(); ++c) {
      if (members[c] > 1) continue;
      add(Severity::kWarning, "small-class", "class " + corpus_.class_names[c],
          fmt::format("it has {}", counted(members[c], "member")),
          "it cannot be both learned and tested: merge it with another class or remove it");
    }
    check_groups(members);
  }

  /// Holding out the only group of a class leaves no training utterance of it.
  void check_groups(const std::vector<std::int64_t>& members) {
    std::set<std::string> all;
    std::vector<std::set<std::string>> of_class(members.size());
    for (const auto& utterance : corpus_.utterances) {
      const auto& group = corpus_.dialogues[static_cast<std::size_t>(utterance.dialogue)].group;
      if (group.empty()) return;
      all.insert(group);
      if (!utterance.is_labelled()) continue;
      const auto c = static_cast<std::int64_t>(utterance.label);
      if (c >= 0 && c < corpus_.class_count()) of_class[static_cast<std::size_t>(c)].insert(group);
    }
    for (std::size_t c = 0; c < members.size(); ++c) {
      if (all.size() < 2 || members[c] < 2 || of_class[c].size() > 1) continue;
      add(Severity::kWarning, "class-in-one-group", "class " + corpus_.class_names[c],
          fmt::format("all its {} members are in group {}", members[c], *of_class[c].begin()),
          "the fold that tests this group cannot learn it: merge the class with another, remove it "
          "or use kfold");
    }
  }

  void check_speakers() {
    std::map<std::string, std::set<Part>> by_speaker;
    for (const auto& utterance : corpus_.utterances) {
      const Part part = corpus_.dialogues[static_cast<std::size_t>(utterance.dialogue)].part;
      if (!utterance.speaker.empty()) by_speaker[utterance.speaker].insert(part);
    }
    for (const auto& [speaker, where] : by_speaker) {
      if (!where.contains(Part::kTest) || where.size() < 2) continue;
      add(Severity::kWarning, "speaker-both-sides", "speaker " + speaker,
          "they speak in the test part and outside of it",
          "the score will flatter: split by speaker to measure recognition of strangers");
    }
  }

  const Corpus& corpus_;
  std::vector<Finding> findings_;
};

}  // namespace

std::int64_t CheckReport::count(Severity severity) const {
  return std::count_if(findings.begin(), findings.end(),
                       [&](const Finding& finding) { return finding.severity == severity; });
}

std::vector<Finding> check_contents(const Corpus& corpus) { return ContentCheck(corpus).run(); }

CheckReport check_corpus(const DataConfig& config, int jobs, const ProtocolConfig& protocol) {
  CheckReport report;
  report.source = config.path.empty() ? "the embedded demonstration corpus" : config.path;
  try {
    Reading reading = read_corpus(config, jobs);
    report.utterances = reading.corpus.size();
    report.findings = std::move(reading.findings);
    auto contents = check_training(reading.corpus, protocol);
    std::move(contents.begin(), contents.end(), std::back_inserter(report.findings));
    report.corpus = std::move(reading.corpus);
    if (report.is_sound()) validate_corpus(report.corpus);  // throws whatever loading refuses
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    std::string what = error.what();
    if (what.starts_with(report.source + ": ")) what.erase(0, report.source.size() + 2);
    report.findings.push_back({Severity::kError, "unusable", report.source, what,
                               "correct this first; more may show up then"});
  }
  std::stable_sort(report.findings.begin(), report.findings.end(),
                   [](const Finding& x, const Finding& y) { return x.severity > y.severity; });
  return report;
}

}  // namespace hardy
