#include "corpus/feature_folder.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/foreign.h"
#include "corpus/feature_source.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::int64_t kProbes = 7;
constexpr std::int64_t kChunk = 64;

/// The most frequent width among a few features spread over the corpus; 0 if none is readable.
std::int64_t probe_width(const FeatureSource& source, const std::vector<FeatureRequest>& requests,
                         BadFeatures bad) {
  FeatureScratch scratch;
  std::map<std::size_t, int> votes;
  int probed = 0;
  const auto size = static_cast<std::int64_t>(requests.size());
  // A stride through the whole corpus until enough features are found.
  const std::int64_t stride = std::max<std::int64_t>(1, size / kProbes);
  for (std::int64_t start = 0; start < stride && probed < kProbes; ++start) {
    for (std::int64_t i = start; i < size && probed < kProbes; i += stride) {
      try {
        FeatureReader reader(source, scratch, bad);
        if (reader.read(requests[static_cast<std::size_t>(i)]) != FeatureOutcome::kRead) continue;
        ++votes[scratch.feature.size()];
        ++probed;
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kData) throw;
        continue;  // reported by the full read
      }
    }
  }
  const auto best = std::max_element(
      votes.begin(), votes.end(), [](const auto& x, const auto& y) { return x.second < y.second; });
  return best == votes.end() ? 0 : static_cast<std::int64_t>(best->first);
}

/// A problem with its sort key.
struct Placed {
  std::size_t modality;
  std::size_t utterance;
  Finding finding;
};

/// Reads rows of the result; one per thread.
class Worker {
 public:
  Worker(const std::vector<FeatureSource>& sources, const std::vector<FeatureRequest>& requests,
         std::vector<ModalityData>& result, BadFeatures bad)
      : sources_(sources), requests_(requests), result_(result), bad_(bad) {}

  void read(std::size_t m, std::size_t i) {
    ModalityData& modality = result_[m];
    const auto width = static_cast<std::size_t>(modality.width);
    FeatureReader reader(sources_[m], scratch_, bad_);
    try {
      const auto outcome = reader.read(requests_[i]);
      if (outcome == FeatureOutcome::kMissing) {
        return add(m, i, Severity::kWarning, "missing-file", "there is no feature file",
                   "extract it; until then the modality counts as missing there");
      }
      if (outcome == FeatureOutcome::kUnusable) {
        return add(m, i, Severity::kWarning, "bad-rows-left-out",
                   "it holds NaN, infinity or huge values and counts as missing",
                   "as data.not_finite says");
      }
      modality.present[i] = 1;
      if (outcome == FeatureOutcome::kEmpty) {
        return add(m, i, Severity::kNote, "empty-feature", "the array is empty",
                   "zeros are used, as the public readers do");
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kData) throw;
      return add(m, i, Severity::kError, "unreadable-file", error.what(), "extract it again");
    }
    if (scratch_.feature.size() != width) {
      return add(
          m, i, Severity::kError, "wrong-width",
          fmt::format("it has {} values, the others have {}", scratch_.feature.size(), width),
          "extract it again with the same model as the others");
    }
    std::copy(scratch_.feature.begin(), scratch_.feature.end(),
              modality.features.begin() + static_cast<std::ptrdiff_t>(i * width));
    report_values(reader, m, i);
  }

  std::vector<Placed>& problems() { return problems_; }

 private:
  void report_values(const FeatureReader& reader, std::size_t m, std::size_t i) {
    if (reader.left_out() > 0) {
      add(m, i, Severity::kNote, "frames-left-out",
          fmt::format("{} frames hold NaN, infinity or huge values and are left out of the mean",
                      reader.left_out()),
          "as data.not_finite says");
    }
    if (reader.bad_cell().empty()) return;
    add(m, i, Severity::kError, "not-finite", reader.bad_cell(),
        "extract it again, or leave such frames out of the mean: --set data.not_finite=skip-frames "
        "(missing = the utterance then lacks the modality)");
  }

  void add(std::size_t m, std::size_t i, Severity severity, const char* kind,
           const std::string& what, const char* remedy) {
    const std::string where = fmt::format("{} of {}", sources_[m].path.string(), requests_[i].id);
    problems_.push_back({m, i, {severity, kind, where, what, remedy}});
  }

  const std::vector<FeatureSource>& sources_;
  const std::vector<FeatureRequest>& requests_;
  std::vector<ModalityData>& result_;
  BadFeatures bad_;
  FeatureScratch scratch_;
  std::vector<Placed> problems_;
};

/// Reads all rows with `jobs` threads, chunk by chunk.
void read_all(std::vector<Worker>& workers, std::size_t modalities, std::int64_t size) {
  const std::int64_t chunks = (size + kChunk - 1) / kChunk;
  std::atomic<std::int64_t> next{0};
  const auto work = [&](Worker& worker) {
    while (true) {
      const std::int64_t chunk = next.fetch_add(1);
      if (chunk >= chunks * static_cast<std::int64_t>(modalities)) return;
      const auto m = static_cast<std::size_t>(chunk / chunks);
      const std::int64_t first = (chunk % chunks) * kChunk;
      for (std::int64_t i = first; i < std::min(first + kChunk, size); ++i) {
        worker.read(m, static_cast<std::size_t>(i));
      }
    }
  };
  std::vector<std::exception_ptr> failures(workers.size());
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < workers.size(); ++t) {
    threads.emplace_back([&, t] {
      try {
        work(workers[t]);
      } catch (...) {
        failures[t] = std::current_exception();  // rethrown below, in the caller's thread
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

void check_modality(const FeatureSource& source, const ModalityData& modality,
                    std::vector<Finding>& findings) {
  const auto size = static_cast<std::int64_t>(modality.present.size());
  const auto found = std::count(modality.present.begin(), modality.present.end(), 1);
  if (2 * found >= size) return;
  findings.push_back(
      {Severity::kError, "wrong-folder", source.path.string(),
       fmt::format("it holds features of only {} of {} utterances ({} entries in all)", found, size,
                   source.entries.size()),
       "probably the wrong folder for these labels: choose others with --features and --labels"});
}

}  // namespace

BadFeatures bad_features_of(const std::string& word) {
  if (word == "skip-frames") return BadFeatures::kSkipFrames;
  return word == "missing" ? BadFeatures::kMissing : BadFeatures::kRefuse;
}

std::vector<ModalityData> load_feature_folders(const std::vector<FeatureFolder>& folders,
                                               const std::vector<FeatureRequest>& requests,
                                               int jobs, BadFeatures bad,
                                               std::vector<Finding>& findings) {
  std::vector<FeatureSource> sources;
  std::vector<ModalityData> result;
  for (const auto& [name, path] : folders) {
    const FeatureSource& source = sources.emplace_back(name, path);
    ModalityData& modality = result.emplace_back();
    modality.name = name;
    modality.width = std::max<std::int64_t>(1, probe_width(source, requests, bad));
    modality.features.assign(requests.size() * static_cast<std::size_t>(modality.width), 0.0F);
    modality.present.assign(requests.size(), 0);
  }
  std::vector<Worker> workers;
  for (int j = 0; j < std::max(1, jobs); ++j) workers.emplace_back(sources, requests, result, bad);
  read_all(workers, sources.size(), static_cast<std::int64_t>(requests.size()));

  std::vector<Placed> problems;
  for (auto& worker : workers) {
    std::move(worker.problems().begin(), worker.problems().end(), std::back_inserter(problems));
  }
  std::sort(problems.begin(), problems.end(), [](const Placed& x, const Placed& y) {
    return std::pair(x.modality, x.utterance) < std::pair(y.modality, y.utterance);
  });
  for (std::size_t m = 0; m < sources.size(); ++m) check_modality(sources[m], result[m], findings);
  for (auto& problem : problems) findings.push_back(std::move(problem.finding));
  return result;
}

bool is_feature_folder(const std::filesystem::path& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::error_code ignored;
    const std::string name = entry.path().filename().string();
    if (is_side_file(name)) continue;
    if (name.ends_with(".npy") || entry.is_directory(ignored)) return true;
  }
  return false;
}

}  // namespace hardy
