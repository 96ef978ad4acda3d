#include "report/run_tables.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>

#include "base/checksum_list.h"
#include "base/files.h"
#include "formats/csv.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

constexpr std::size_t kMaxBytes = std::size_t{1} << 32;
constexpr std::size_t kBins = 20;
constexpr std::size_t kCases = 5;

double number_of(const std::string& text) {
  if (text.empty()) return std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end) {
    throw ArtifactError(fmt::format("'{}' is no number", text));
  }
  return value;
}

std::int64_t integer_of(const std::string& text) {
  return static_cast<std::int64_t>(number_of(text));
}

/// Reads a table with exactly these columns.
void read_table(const std::filesystem::path& file, const Row& columns,
                const std::function<void(const Row&)>& receive) {
  verify_listed_file(file);
  std::size_t current = 0;
  try {
    read_csv(read_text_file(file, kMaxBytes), file.string(),
             {.header =
                  [&](const Row& header) {
                    if (header != columns) throw ArtifactError("its columns are others");
                  },
              .row =
                  [&](std::size_t line, const Row& row) {
                    current = line;
                    receive(row);
                  }});
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kData) {
      throw ArtifactError(error.what(), "run again to write it anew");
    }
    if (error.kind() != ErrorKind::kArtifact) throw;
    throw ArtifactError(fmt::format("{}, line {}: damaged: {}; run again to write it anew",
                                    file.string(), current, error.what()));
  }
}

void read_hardness(const RunFolder& folder, const std::function<void(const Row&)>& receive) {
  read_table(folder.hardness_file(),
             {"utterance", "fold", "seed", "pattern", "direct", "indirect", "score", "supports"},
             receive);
}

/// Mean, smallest and largest value by epoch of one kind of curve.
struct Band {
  std::map<std::int64_t, std::vector<double>> by_epoch;
};

struct PatternHardness {
  std::array<std::int64_t, kBins> bins{};
  std::map<std::int64_t, std::int64_t> supports;
  double sum = 0;
  std::int64_t count = 0;
};

}  // namespace

std::vector<FitCurve> read_curves(const RunFolder& folder) {
  std::vector<FitCurve> curves;
  std::map<std::tuple<std::string, std::string, std::string, std::string, std::string, std::string>,
           std::size_t>
      places;
  read_table(
      folder.curves_file(), {"track", "trained", "fold", "seed", "stage", "epoch", "name", "value"},
      [&](const Row& row) {
        const auto [place, is_new] =
            places.try_emplace({row[0], row[1], row[2], row[3], row[4], row[6]}, curves.size());
        if (is_new) {
          curves.push_back({row[0],
                            row[1],
                            static_cast<int>(integer_of(row[2])),
                            integer_of(row[3]),
                            row[4],
                            row[6],
                            {}});
        }
        curves[place->second].points.emplace_back(integer_of(row[5]), number_of(row[7]));
      });
  return curves;
}

Json curves_json(const std::vector<FitCurve>& curves) {
  std::map<std::tuple<std::string, std::string, std::string, std::string>, Band> bands;
  for (const auto& curve : curves) {
    Band& band = bands[{curve.track, curve.trained, curve.stage, curve.name}];
    for (const auto& [epoch, value] : curve.points) band.by_epoch[epoch].push_back(value);
  }
  Json list = Json::array();
  for (const auto& [key, band] : bands) {
    Json points = Json::array();
    for (const auto& [epoch, values] : band.by_epoch) {
      double sum = 0;
      for (const double value : values) sum += value;
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      points.push_back({epoch, sum / static_cast<double>(values.size()), *low, *high});
    }
    list.push_back({{"track", std::get<0>(key)},
                    {"trained", std::get<1>(key)},
                    {"stage", std::get<2>(key)},
                    {"name", std::get<3>(key)},
                    {"points", points}});
  }
  return list;
}

Json hardness_json(const RunFolder& folder) {
  std::vector<std::string> order;
  std::map<std::string, PatternHardness> patterns;
  read_hardness(folder, [&](const Row& row) {
    if (!patterns.contains(row[3])) order.push_back(row[3]);
    PatternHardness& pattern = patterns[row[3]];
    const double score = number_of(row[6]);
    const auto bin = static_cast<std::size_t>(std::clamp(score, 0.0, 1.0) * kBins);
    ++pattern.bins[std::min(bin, kBins - 1)];
    ++pattern.supports[integer_of(row[7])];
    pattern.sum += score;
    ++pattern.count;
  });
  Json list = Json::array();
  for (const auto& name : order) {
    const PatternHardness& pattern = patterns[name];
    Json supports = Json::array();
    for (const auto& [number, count] : pattern.supports) supports.push_back({number, count});
    list.push_back({{"pattern", name},
                    {"bins", pattern.bins},
                    {"mean", pattern.sum / static_cast<double>(pattern.count)},
                    {"count", pattern.count},
                    {"supports", supports}});
  }
  return list;
}

Json cases_json(const RunFolder& folder) {
  std::string fold;
  std::string seed;
  std::string widest;
  std::unordered_map<std::string, std::pair<double, int>> sums;
  std::vector<std::string> names;
  const auto modalities = [](const std::string& pattern) {
    return std::count(pattern.begin(), pattern.end(), ',');
  };
  read_hardness(folder, [&](const Row& row) {
    if (fold.empty()) {
      fold = row[1];
      seed = row[2];
    }
    if (row[1] != fold || row[2] != seed) return;
    if (widest.empty() || modalities(row[3]) > modalities(widest)) widest = row[3];
    const auto [place, is_new] = sums.try_emplace(row[0], 0.0, 0);
    if (is_new) names.push_back(row[0]);
    place->second.first += number_of(row[6]);
    ++place->second.second;
  });
  const auto mean = [&](const std::string& name) {
    const auto& [sum, count] = sums.at(name);
    return sum / count;
  };
  std::stable_sort(names.begin(), names.end(),
                   [&](const std::string& x, const std::string& y) { return mean(x) > mean(y); });
  std::map<std::string, Json> chosen;
  std::vector<std::string> order;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i >= kCases && i + kCases < names.size()) continue;
    order.push_back(names[i]);
    chosen[names[i]] = {{"utterance", names[i]},        {"kind", i < kCases ? "hard" : "easy"},
                        {"fold", integer_of(fold) + 1}, {"seed", integer_of(seed)},
                        {"score", mean(names[i])},      {"pattern", widest},
                        {"supports", Json::array()}};
  }
  read_table(folder.supports_file(),
             {"utterance", "fold", "seed", "pattern", "rank", "support", "distance"},
             [&](const Row& row) {
               if (row[1] != fold || row[2] != seed || row[3] != widest) return;
               const auto place = chosen.find(row[0]);
               if (place == chosen.end()) return;
               place->second["supports"].push_back(
                   {{"utterance", row[5]}, {"distance", number_of(row[6])}});
             });
  Json list = Json::array();
  for (const auto& name : order) list.push_back(chosen[name]);
  return list;
}

}  // namespace hardy
