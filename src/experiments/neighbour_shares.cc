#include "experiments/neighbour_shares.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.h"
#include "base/random.h"
#include "formats/csv_file.h"

namespace hardy {
namespace {

constexpr std::int64_t kResamples = 2000;

std::string label_text(const Corpus& corpus, std::int64_t utterance) {
  if (!corpus.utterances[static_cast<std::size_t>(utterance)].is_labelled()) return "not labelled";
  const int label = neighbour_label(corpus, utterance);
  if (corpus.label_kind == LabelKind::kClass) {
    return corpus.class_names[static_cast<std::size_t>(label)];
  }
  return label > 0 ? "positive" : label < 0 ? "negative" : "neutral";
}

}  // namespace

int neighbour_label(const Corpus& corpus, std::int64_t utterance) {
  const float label = corpus.utterances[static_cast<std::size_t>(utterance)].label;
  if (std::isnan(label)) return -2;  // equal to no other label
  if (corpus.label_kind == LabelKind::kClass) return static_cast<int>(label);
  return (label > 0 ? 1 : 0) - (label < 0 ? 1 : 0);
}

NeighbourShare summarise_shares(const Corpus& corpus, const SharesOfUtterances& shares,
                                double level) {
  std::map<std::int64_t, std::pair<double, double>> dialogues;  // sum and count
  for (const auto& [utterance, values] : shares) {
    double sum = 0;
    for (const double value : values) sum += value;
    auto& [total, count] =
        dialogues[corpus.utterances[static_cast<std::size_t>(utterance)].dialogue];
    total += sum / static_cast<double>(values.size());
    count += 1;
  }
  std::vector<std::pair<double, double>> list;
  for (const auto& [dialogue, sums] : dialogues) list.push_back(sums);
  NeighbourShare share;
  share.utterances = static_cast<std::int64_t>(shares.size());
  share.share = share.low = share.high = std::nan("");
  if (list.empty()) return share;
  const auto mean_of = [](double total, double count) { return total / count; };
  double total = 0;
  double count = 0;
  for (const auto& [sum, n] : list) {
    total += sum;
    count += n;
  }
  share.share = mean_of(total, count);
  if (list.size() < 2) return share;
  Generator generator = Seeds(1).stream("neighbours.dialogues");
  std::vector<double> replicates;
  for (std::int64_t b = 0; b < kResamples; ++b) {
    total = count = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto& [sum, n] = list[static_cast<std::size_t>(
          draw_index(generator, static_cast<std::int64_t>(list.size())))];
      total += sum;
      count += n;
    }
    replicates.push_back(mean_of(total, count));
  }
  std::sort(replicates.begin(), replicates.end());
  const auto place = [&](double q) {
    return replicates[static_cast<std::size_t>(std::lround(q * (kResamples - 1)))];
  };
  share.low = place((1 - level) / 2);
  share.high = place((1 + level) / 2);
  return share;
}

SharesOfUtterances paired_difference(const SharesOfUtterances& first,
                                     const SharesOfUtterances& second) {
  SharesOfUtterances differences;
  for (const auto& [utterance, values] : first) {
    const auto& others = second.at(utterance);
    for (std::size_t i = 0; i < values.size(); ++i) {
      differences[utterance].push_back(values[i] - others[i]);
    }
  }
  return differences;
}

std::string neighbour_text(const NeighbourMaps& maps) {
  const bool says_so = maps.data_name.find("synthetic") != std::string::npos;
  const std::string data = maps.data_name + (maps.is_synthetic && !says_so ? " (synthetic)" : "");
  std::string text = fmt::format(
      "{}: share of the {} nearest training utterances that have the asking utterance's label, "
      "seed {}, {:g} % interval over dialogues\n{:<10}{:<16}{:<16}{:>11}{:>9}  interval\n",
      data, maps.k, maps.seed, 100 * maps.level, "asking", "modality", "features", "utterances",
      "share");
  for (const auto& share : maps.shares) {
    const bool is_difference = share.features == kNeighbourDifference;
    text += fmt::format(
        "{:<10}{:<16}{:<16}{:>11}{:>9}  [{:.4f}, {:.4f}]\n", share.part, share.modality,
        share.features, share.utterances,
        is_difference ? fmt::format("{:+.4f}", share.share) : fmt::format("{:.4f}", share.share),
        share.low, share.high);
  }
  return text + fmt::format(
                    "Tuning has seen the labels of training utterances, not of test "
                    "utterances. Maps (tsne.csv): fold {}, queries {}.\n",
                    maps.fold, fmt::join(maps.queries, ", "));
}

void write_neighbour_maps(const std::filesystem::path& folder, const NeighbourMaps& maps,
                          const Corpus& corpus) {
  CsvFile points(folder / "tsne.csv",
                 {"modality", "features", "x", "y", "utterance", "label", "role", "query", "text"});
  for (const auto& point : maps.points) {
    const auto& utterance = corpus.utterances[static_cast<std::size_t>(point.utterance)];
    points.add(point.modality).add(point.features).add(point.x).add(point.y).add(utterance.id);
    points.add(label_text(corpus, point.utterance)).add(point.role).add(point.query);
    points.add(utterance.transcript);
    points.end_row();
  }
  CsvFile shares(folder / "neighbours.csv",
                 {"asking", "modality", "features", "utterances", "share", "low", "high"});
  for (const auto& share : maps.shares) {
    shares.add(share.part).add(share.modality).add(share.features).add(share.utterances);
    shares.add(share.share).add(share.low).add(share.high);
    shares.end_row();
  }
  points.commit();
  shares.commit();
  write_file_atomically(folder / "neighbours.txt", neighbour_text(maps));
}

}  // namespace hardy
