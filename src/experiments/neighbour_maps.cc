#include "experiments/neighbour_maps.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/random.h"
#include "experiments/neighbour_shares.h"
#include "experiments/table_reader.h"
#include "experiments/tsne.h"
#include "hardy/errors.h"
#include "hardy/split.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer/stages.h"
#include "nn/batch.h"
#include "nn/threads.h"
#include "pipeline/run_folder.h"
#include "pipeline/scheduler.h"
#include "protocol/fold_shelf.h"
#include "train/objective.h"

namespace hardy {
namespace {

constexpr const char* kPlain = "plain";
constexpr const char* kTuned = "tuned";

/// Utterance -> its neighbours, nearest first.
using Neighbours = std::map<std::int64_t, std::vector<std::int64_t>>;

/// By part, modality and features.
using Shares = std::map<std::tuple<std::string, std::size_t, std::string>, SharesOfUtterances>;

std::vector<std::int64_t> that_have(const std::vector<std::int64_t>& utterances,
                                    const FeatureTable& table, std::size_t m) {
  std::vector<std::int64_t> having;
  for (const auto u : utterances) {
    if (table.present[static_cast<std::size_t>(u)].has(static_cast<int>(m))) having.push_back(u);
  }
  return having;
}

/// Rows of one modality for the metric: cosine is Euclidean distance on rows of length 1.
at::Tensor rows_of(const FeatureTable& table, std::size_t m, Metric metric,
                   const std::vector<std::int64_t>& utterances) {
  auto rows = table.features[m].index_select(0, index_tensor(utterances, at::kCPU));
  if (metric == Metric::kCosine) rows = rows / rows.norm(2, 1, true).clamp_min(1e-12);
  return rows.to(at::kDouble);
}

/// Exact search by one modality without the query itself, ties by index in the training part.
Neighbours nearest(const FeatureTable& table, std::size_t m, Metric metric,
                   const std::vector<std::int64_t>& all_asking,
                   const std::vector<std::int64_t>& train, std::int64_t k) {
  constexpr std::size_t kChunk = 512;
  const auto asking = that_have(all_asking, table, m);
  const auto database = that_have(train, table, m);
  Neighbours found;
  if (database.empty()) return found;
  const auto known = rows_of(table, m, metric, database);
  const auto squares = known.square().sum(1);
  for (std::size_t begin = 0; begin < asking.size(); begin += kChunk) {
    const auto end = std::min(begin + kChunk, asking.size());
    const std::vector<std::int64_t> chunk(asking.begin() + static_cast<std::ptrdiff_t>(begin),
                                          asking.begin() + static_cast<std::ptrdiff_t>(end));
    const auto queries = rows_of(table, m, metric, chunk);
    // Without the query's own square, which does not change the order.
    const auto distances = (squares - 2 * queries.matmul(known.t())).contiguous();
    const double* row = distances.data_ptr<double>();
    for (const auto utterance : chunk) {
      std::vector<std::pair<double, std::size_t>> ranked;
      for (std::size_t i = 0; i < database.size(); ++i) {
        if (database[i] != utterance) ranked.emplace_back(row[i], i);
      }
      const auto count = std::min(ranked.size(), static_cast<std::size_t>(k));
      std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count),
                        ranked.end());
      auto& list = found[utterance];
      for (std::size_t i = 0; i < count; ++i) list.push_back(database[ranked[i].second]);
      row += database.size();
    }
  }
  return found;
}

void add_shares(const Corpus& corpus, const Neighbours& neighbours, SharesOfUtterances& shares) {
  for (const auto& [utterance, list] : neighbours) {
    if (list.empty()) continue;
    const int label = neighbour_label(corpus, utterance);
    const auto same = std::count_if(list.begin(), list.end(), [&](std::int64_t other) {
      return neighbour_label(corpus, other) == label;
    });
    shares[utterance].push_back(static_cast<double>(same) / static_cast<double>(list.size()));
  }
}

/// The utterances with the smallest and the largest mean score of one fold and seed.
std::vector<std::string> easiest_and_hardest(const std::filesystem::path& run, int fold,
                                             std::int64_t seed) {
  const TableReader table(RunFolder::open(run).hardness_file());
  const auto name = table.column("utterance");
  const auto score = table.column("score");
  std::map<std::string, std::pair<double, double>> sums;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (table.number(row, table.column("fold")) != fold) continue;
    if (table.number(row, table.column("seed")) != static_cast<double>(seed)) continue;
    auto& [sum, count] = sums[table.text(row, name)];
    sum += table.number(row, score);
    count += 1;
  }
  if (sums.size() < 2) {
    throw ConfigError(
        "this run estimated no hardness, so there is no easy and no hard utterance to show; name "
        "utterances with --query");
  }
  const auto by_mean = [](const auto& x, const auto& y) {
    return x.second.first / x.second.second < y.second.first / y.second.second;
  };
  const auto [easiest, hardest] = std::minmax_element(sums.begin(), sums.end(), by_mean);
  return {easiest->first, hardest->first};
}

/// The first fold that trains on all of them. Throws ConfigError.
std::size_t fold_with(const Corpus& corpus, const std::vector<Fold>& folds,
                      const std::vector<std::string>& queries) {
  std::set<std::string> known;
  for (const auto& utterance : corpus.utterances) known.insert(utterance.id);
  for (const auto& query : queries) {
    if (known.contains(query)) continue;
    throw ConfigError(
        fmt::format("--query {}: {} has no such utterance; `hardy data info` and "
                    "predictions.csv of a run name them",
                    query, corpus.name));
  }
  for (std::size_t f = 0; f < folds.size(); ++f) {
    std::set<std::string> trained;
    for (const auto u : utterances_of(corpus, folds[f].train)) {
      trained.insert(corpus.utterances[static_cast<std::size_t>(u)].id);
    }
    const auto is_trained = [&](const std::string& query) { return trained.contains(query); };
    if (std::all_of(queries.begin(), queries.end(), is_trained)) return f;
  }
  throw ConfigError(fmt::format(
      "--query {}: no fold has {} in its training part, where neighbours are looked for; choose "
      "other utterances",
      fmt::join(queries, ", "), queries.size() == 1 ? "it" : "all of them"));
}

/// Neighbours of one fold by modality and kind of features.
class FoldNeighbours {
 public:
  FoldNeighbours(const Corpus& corpus, const Config& config, const FoldData& data,
                 const FoldStages& stages, TaskContext& context)
      : corpus_(corpus), data_(data), k_(hardymer_settings(config).retrieval.k) {
    tables_ = {{kPlain, data.table}, {kTuned, stages.tuned_features(context)}};
    metrics_ =
        retrieval_metrics(corpus.modality_names(), hardymer_settings(config).retrieval.metric);
  }

  void add_to(Shares& shares) const {
    for (const auto& [features, table] : tables_) {
      for (std::size_t m = 0; m < metrics_.size(); ++m) {
        const auto test = utterances_of(corpus_, data_.fold.test);
        add_shares(corpus_, nearest(table, m, metrics_[m], data_.train, data_.train, k_),
                   shares[{"training", m, features}]);
        add_shares(corpus_, nearest(table, m, metrics_[m], test, data_.train, k_),
                   shares[{"test", m, features}]);
      }
    }
  }

  /// Adds the points of both maps of a modality: queries, neighbours by either kind of features,
  /// and some other training utterances.
  void add_points(const std::vector<std::int64_t>& queries, std::int64_t background,
                  std::vector<MapPoint>& points) const {
    for (std::size_t m = 0; m < metrics_.size(); ++m) {
      std::map<std::string, Neighbours> neighbours;
      std::set<std::int64_t> shown;
      for (const auto& [features, table] : tables_) {
        neighbours[features] = nearest(table, m, metrics_[m], queries, data_.train, k_);
        for (const auto& [query, list] : neighbours[features]) {
          shown.insert(query);
          shown.insert(list.begin(), list.end());
        }
      }
      const auto all = that_have(data_.train, data_.table, m);
      Generator generator = Seeds(1).stream("neighbours.sample");
      const auto order = draw_permutation(generator, static_cast<std::int64_t>(all.size()));
      const auto wanted = shown.size() + static_cast<std::size_t>(background);
      for (const auto i : order) {
        if (shown.size() >= wanted) break;
        shown.insert(all[static_cast<std::size_t>(i)]);
      }
      const std::vector<std::int64_t> list(shown.begin(), shown.end());
      for (const auto& [features, table] : tables_) {
        add_map(m, features, table, list, queries, neighbours[features], points);
      }
    }
  }

 private:
  void add_map(std::size_t m, const std::string& features, const FeatureTable& table,
               const std::vector<std::int64_t>& shown, const std::vector<std::int64_t>& queries,
               const Neighbours& neighbours, std::vector<MapPoint>& points) const {
    const auto rows = to_floats(rows_of(table, m, metrics_[m], shown).to(at::kFloat));
    const auto width = table.features[m].size(1);
    const auto places = tsne(rows, width);
    for (std::size_t i = 0; i < shown.size(); ++i) {
      MapPoint point{.modality = corpus_.modalities[m].name,
                     .features = features,
                     .x = places[2 * i],
                     .y = places[2 * i + 1],
                     .utterance = shown[i],
                     .role = "other",
                     .query = {}};
      for (const auto query : queries) {
        const auto found = neighbours.find(query);
        if (found == neighbours.end() || point.role != "other") continue;
        const auto& list = found->second;
        if (std::find(list.begin(), list.end(), shown[i]) == list.end()) continue;
        point.role = "neighbour";
        point.query = corpus_.utterances[static_cast<std::size_t>(query)].id;
      }
      if (std::find(queries.begin(), queries.end(), shown[i]) != queries.end()) {
        point.role = "query";
        point.query = corpus_.utterances[static_cast<std::size_t>(shown[i])].id;
      }
      points.push_back(std::move(point));
    }
  }

  const Corpus& corpus_;
  const FoldData& data_;
  std::int64_t k_;
  std::vector<std::pair<std::string, FeatureTable>> tables_;
  std::vector<Metric> metrics_;
};

std::vector<std::int64_t> indices_of(const Corpus& corpus, const std::vector<std::string>& ids) {
  std::vector<std::int64_t> indices;
  for (const auto& id : ids) {
    const auto found = std::find_if(corpus.utterances.begin(), corpus.utterances.end(),
                                    [&](const Utterance& utterance) { return utterance.id == id; });
    indices.push_back(found - corpus.utterances.begin());
  }
  return indices;
}

/// The shares of both kinds of features and their difference, by part and modality.
std::vector<NeighbourShare> summaries_of(const Corpus& corpus, Shares& shares, double level) {
  std::vector<NeighbourShare> all;
  for (const char* part : {"training", "test"}) {
    for (std::size_t m = 0; m < corpus.modalities.size(); ++m) {
      const auto& plain = shares[{part, m, kPlain}];
      const auto& tuned = shares[{part, m, kTuned}];
      const auto add = [&](const std::string& features, const SharesOfUtterances& of) {
        auto share = summarise_shares(corpus, of, level);
        share.part = part;
        share.modality = corpus.modalities[m].name;
        share.features = features;
        all.push_back(std::move(share));
      };
      add(kPlain, plain);
      add(kTuned, tuned);
      add(kNeighbourDifference, paired_difference(tuned, plain));
    }
  }
  return all;
}

}  // namespace

NeighbourMaps map_neighbours(const MapRequest& request, const Corpus& corpus, Progress& progress) {
  const Config& config = request.config;
  const auto seed = config.run.seeds.front();
  const auto folds = make_folds(corpus, config.protocol);
  NeighbourMaps maps;
  maps.data_name = corpus.name;
  maps.is_synthetic = corpus.is_synthetic;
  maps.seed = seed;
  maps.k = hardymer_settings(config).retrieval.k;
  maps.queries =
      request.queries.empty() ? easiest_and_hardest(request.run, 0, seed) : request.queries;
  const auto shown_fold = fold_with(corpus, folds, maps.queries);
  maps.fold = folds[shown_fold].name;
  FoldShelf shelf(corpus, folds, at::Device(at::kCPU));
  StageCache cache(request.cache);
  StageCosts costs;
  Shares shares;
  const auto work = [&](std::size_t f, TaskContext& context) {
    const auto data = shelf.data(static_cast<int>(f));
    const FoldStage stage({.corpus = corpus,
                           .fold = folds[f],
                           .config = config,
                           .seed = seed,
                           .patterns = {},
                           .cache = cache,
                           .costs = costs},
                          kHardyMerVersion);
    const FoldStages stages(*data, config, stage);
    const FoldNeighbours fold(corpus, config, *data, stages, context);
    fold.add_to(shares);
    if (f == shown_fold) {
      fold.add_points(indices_of(corpus, maps.queries), request.background, maps.points);
    }
    shelf.end_task(static_cast<int>(f));
  };
  Scheduler scheduler({.jobs = 1,
                       .stop = request.stop,
                       .start_worker = [] { use_one_thread(); },
                       .progress = &progress});
  for (std::size_t f = 0; f < folds.size(); ++f) {
    shelf.announce_task(static_cast<int>(f));
    scheduler.add({.name = fmt::format("fold {}: neighbours", f + 1),
                   .work = [&work, f](TaskContext& context) { work(f, context); }});
  }
  scheduler.run();
  maps.shares = summaries_of(corpus, shares, maps.level);
  return maps;
}

}  // namespace hardy
