#include "experiments/split_audit.h"

#include <torch/types.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>

#include <faiss/IndexFlat.h>
#include <fmt/format.h>

#include "nn/batch.h"
#include "nn/compat.h"
#include "train/scaling.h"

namespace hardy {
namespace {

constexpr std::int64_t kNeighbours = 5;
constexpr std::int64_t kTypicalSample = 1000;  ///< rows that measure the usual distance
constexpr std::size_t kExamples = 3;

const std::string& id_of(const Corpus& corpus, std::int64_t utterance) {
  return corpus.utterances[static_cast<std::size_t>(utterance)].id;
}

void add_example(SplitCheck& check, std::string text) {
  if (check.examples.size() < kExamples) check.examples.push_back(std::move(text));
}

/// Lower case, words separated by one space; "" for fewer than kFewestWords.
std::string normalised(const std::string& transcript) {
  std::string text;
  int words = 0;
  bool is_inside = false;
  for (const char letter : transcript) {
    const auto code = static_cast<unsigned char>(letter);
    const bool is_letter = code >= 0x80 || std::isalnum(code) != 0 || letter == '\'';
    if (is_letter) {
      if (!is_inside && ++words > 1) text += ' ';
      text += static_cast<char>(std::tolower(code));
    }
    is_inside = is_letter;
  }
  return words < kFewestWords ? "" : text;
}

/// Standardised rows of one modality, of utterances that have it and whose values are not all
/// equal.
struct RowSet {
  std::vector<std::int64_t> utterances;
  std::vector<float> values;  ///< [n, d]
  std::int64_t constant = 0;  ///< rows left out because all their values are equal
  std::int64_t present = 0;   ///< rows that have the modality, including constant ones
};

bool is_constant(std::span<const float> row) {
  return std::all_of(row.begin(), row.end(), [&](float x) { return x == row.front(); });
}

RowSet rows_of(const Corpus& corpus, const FeatureTable& scaled, std::size_t m,
               const std::vector<std::int64_t>& utterances) {
  RowSet rows;
  const ModalityData& raw = corpus.modalities[m];
  const at::Tensor table = scaled.features[m].all();
  const float* values = table.data_ptr<float>();
  for (const auto u : utterances) {
    if (raw.present[static_cast<std::size_t>(u)] == 0) continue;
    ++rows.present;
    // A single column is always constant.
    if (raw.width > 1 && is_constant(raw.row(u))) {
      ++rows.constant;
      continue;
    }
    rows.utterances.push_back(u);
    const float* first = values + u * raw.width;
    rows.values.insert(rows.values.end(), first, first + raw.width);
  }
  return rows;
}

/// Nearest training rows of some query rows.
struct Nearest {
  std::int64_t k = 0;
  std::vector<float> distances;  ///< [n, k] Euclidean
  std::vector<std::int64_t> places;
};

Nearest search(const faiss::IndexFlatL2& index, const float* queries, std::int64_t n,
               std::int64_t k) {
  Nearest nearest;
  nearest.k = std::min<std::int64_t>(k, index.ntotal);
  nearest.distances.resize(static_cast<std::size_t>(n * nearest.k));
  std::vector<FaissId> labels(nearest.distances.size());
  if (n > 0 && nearest.k > 0) {
    index.search(n, queries, nearest.k, nearest.distances.data(), labels.data());
  }
  for (float& distance : nearest.distances) distance = std::sqrt(std::max(0.0F, distance));
  nearest.places.assign(labels.begin(), labels.end());
  return nearest;
}

/// Median distance of training rows to their nearest neighbour; 0 for fewer than two.
double typical_distance(const faiss::IndexFlatL2& index, const RowSet& train, std::int64_t width) {
  const auto n = static_cast<std::int64_t>(train.utterances.size());
  if (n < 2) return 0;
  const std::int64_t step = std::max<std::int64_t>(1, n / kTypicalSample);
  std::vector<float> sample;
  for (std::int64_t i = 0; i < n; i += step) {
    const auto first = train.values.begin() + i * width;
    sample.insert(sample.end(), first, first + width);
  }
  const auto count = static_cast<std::int64_t>(sample.size()) / width;
  const auto nearest = search(index, sample.data(), count, 2);
  std::vector<float> others;  // the second: the first is the row itself
  for (std::int64_t i = 0; i < count; ++i) {
    others.push_back(nearest.distances[static_cast<std::size_t>(i * nearest.k + 1)]);
  }
  std::nth_element(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(others.size() / 2),
                   others.end());
  return static_cast<double>(others[others.size() / 2]);
}

/// The audit of one fold.
class FoldAudit {
 public:
  FoldAudit(const Corpus& corpus, const FeatureTable& plain, const Fold& fold,
            std::vector<SplitCheck>& checks)
      : corpus_(corpus), fold_(fold), checks_(checks), train_(utterances_of(corpus, fold.train)) {
    scaled_ = apply_scaling(plain, fit_scaling(plain, train_));
  }

  void run() {
    auto others = fold_.train;
    others.insert(others.end(), fold_.validation.begin(), fold_.validation.end());
    run_part("test", fold_.test, others);
    run_part("validation", fold_.validation, fold_.train);
  }

 private:
  void run_part(const std::string& name, const std::vector<std::int64_t>& part,
                const std::vector<std::int64_t>& others) {
    check_dialogues(name, part, others);
    check_speakers(name, part);
    const auto utterances = utterances_of(corpus_, part);
    check_features(name, utterances);
    check_transcripts(name, utterances);
  }

  SplitCheck start(const std::string& part, const std::string& check) const {
    SplitCheck row;
    row.fold = fold_.index;
    row.fold_name = fold_.name;
    row.part = part;
    row.check = check;
    return row;
  }

  void check_dialogues(const std::string& name, const std::vector<std::int64_t>& part,
                       const std::vector<std::int64_t>& others) {
    SplitCheck row = start(name, "dialogues");
    for (const auto d : part) {
      ++row.of;
      if (std::find(others.begin(), others.end(), d) == others.end()) continue;
      ++row.count;
      add_example(row, corpus_.dialogues[static_cast<std::size_t>(d)].id);
    }
    row.is_finding = row.count > 0;
    checks_.push_back(std::move(row));
  }

  [[nodiscard]] std::map<std::string, std::int64_t> speakers_of(
      const std::vector<std::int64_t>& dialogues) const {
    std::map<std::string, std::int64_t> speakers;
    for (const auto u : utterances_of(corpus_, dialogues)) {
      const auto& speaker = corpus_.utterances[static_cast<std::size_t>(u)].speaker;
      if (!speaker.empty()) ++speakers[speaker];
    }
    return speakers;
  }

  /// Whether the part is one whole held-out group, which implies new speakers.
  [[nodiscard]] bool promises_new_speakers(const std::vector<std::int64_t>& part) const {
    std::set<std::string> groups;
    for (const auto d : part) groups.insert(corpus_.dialogues[static_cast<std::size_t>(d)].group);
    if (groups.size() != 1 || groups.begin()->empty()) return false;
    std::int64_t members = 0;
    for (const auto& dialogue : corpus_.dialogues) members += dialogue.group == *groups.begin();
    return members == static_cast<std::int64_t>(part.size());
  }

  void check_speakers(const std::string& name, const std::vector<std::int64_t>& part) {
    SplitCheck row = start(name, "speakers");
    const auto own = speakers_of(part);
    const auto train = speakers_of(fold_.train);
    row.of = static_cast<std::int64_t>(own.size());
    if (own.empty()) row.missing = "the corpus names no speaker in this part";
    for (const auto& [speaker, utterances] : own) {
      if (!train.contains(speaker)) continue;
      ++row.count;
      add_example(row, speaker);
    }
    row.is_finding = row.count > 0 && promises_new_speakers(part);
    checks_.push_back(std::move(row));
  }

  void check_features(const std::string& name, const std::vector<std::int64_t>& utterances) {
    /// Per utterance: training utterances that it nearly repeats, with the number of modalities.
    std::map<std::int64_t, std::map<std::int64_t, int>> repeats;
    for (std::size_t m = 0; m < corpus_.modalities.size(); ++m) {
      check_modality(name, utterances, m, repeats);
    }
    SplitCheck row = start(name, "copies");
    row.of = static_cast<std::int64_t>(utterances.size());
    for (const auto& [utterance, trained] : repeats) {
      const int needed = std::min(kCopyModalities, corpus_.present_pattern(utterance).count());
      const auto copy = std::find_if(trained.begin(), trained.end(),
                                     [&](const auto& entry) { return entry.second >= needed; });
      if (copy == trained.end()) continue;
      ++row.count;
      add_example(row, id_of(corpus_, utterance) + " = " + id_of(corpus_, copy->first));
    }
    row.is_finding = static_cast<double>(row.count) > kCopyShare * static_cast<double>(row.of);
    checks_.push_back(std::move(row));
  }

  void check_modality(const std::string& name, const std::vector<std::int64_t>& utterances,
                      std::size_t m, std::map<std::int64_t, std::map<std::int64_t, int>>& repeats) {
    const ModalityData& modality = corpus_.modalities[m];
    const RowSet queries = rows_of(corpus_, scaled_, m, utterances);
    const RowSet train = rows_of(corpus_, scaled_, m, train_);
    SplitCheck constant = start(name, "constant rows");
    constant.modality = modality.name;
    constant.count = queries.constant;
    constant.of = queries.present;
    SplitCheck row = start(name, "near duplicates");
    row.modality = modality.name;
    row.of = static_cast<std::int64_t>(queries.utterances.size());
    faiss::IndexFlatL2 index(modality.width);
    index.add(static_cast<std::int64_t>(train.utterances.size()), train.values.data());
    const double limit = kNearShare * typical_distance(index, train, modality.width);
    if (limit <= 0) {
      row.missing = "most training rows have an equal one, or there are too few of them";
    } else {
      const auto nearest = search(index, queries.values.data(), row.of, kNeighbours);
      for (std::int64_t i = 0; i < row.of; ++i)
        count_near(queries, train, nearest, i, limit, row, repeats);
    }
    checks_.push_back(std::move(row));
    checks_.push_back(std::move(constant));
  }

  void count_near(const RowSet& queries, const RowSet& train, const Nearest& nearest,
                  std::int64_t i, double limit, SplitCheck& row,
                  std::map<std::int64_t, std::map<std::int64_t, int>>& repeats) const {
    const auto utterance = queries.utterances[static_cast<std::size_t>(i)];
    bool is_near = false;
    for (std::int64_t j = 0; j < nearest.k; ++j) {
      const auto place = static_cast<std::size_t>(i * nearest.k + j);
      if (nearest.places[place] < 0) break;
      if (static_cast<double>(nearest.distances[place]) > limit) break;
      const auto other = train.utterances[static_cast<std::size_t>(nearest.places[place])];
      ++repeats[utterance][other];
      if (!is_near) add_example(row, id_of(corpus_, utterance) + " = " + id_of(corpus_, other));
      is_near = true;
    }
    row.count += is_near ? 1 : 0;
  }

  void check_transcripts(const std::string& name, const std::vector<std::int64_t>& utterances) {
    SplitCheck row = start(name, "transcripts");
    std::map<std::string, std::int64_t> trained;
    for (const auto u : train_) {
      const auto text = normalised(corpus_.utterances[static_cast<std::size_t>(u)].transcript);
      if (!text.empty()) trained.emplace(text, u);
    }
    for (const auto u : utterances) {
      const auto text = normalised(corpus_.utterances[static_cast<std::size_t>(u)].transcript);
      if (text.empty()) continue;
      ++row.of;
      const auto found = trained.find(text);
      if (found == trained.end()) continue;
      ++row.count;
      add_example(row, id_of(corpus_, u) + " = " + id_of(corpus_, found->second));
    }
    if (row.of == 0) {
      row.missing = fmt::format("no transcript of {} words or more in this part", kFewestWords);
    }
    checks_.push_back(std::move(row));
  }

  const Corpus& corpus_;
  const Fold& fold_;
  std::vector<SplitCheck>& checks_;
  std::vector<std::int64_t> train_;
  FeatureTable scaled_;
};

}  // namespace

std::int64_t SplitReport::findings() const {
  return std::count_if(checks.begin(), checks.end(),
                       [](const SplitCheck& row) { return row.is_finding; });
}

SplitReport audit_split(const Corpus& corpus, const std::vector<Fold>& folds) {
  SplitReport report;
  report.data_name = corpus.name;
  report.is_synthetic = corpus.is_synthetic;
  const FeatureTable plain = make_feature_table(corpus, at::kCPU);
  for (const auto& fold : folds) FoldAudit(corpus, plain, fold, report.checks).run();
  return report;
}

}  // namespace hardy
