#include "media/compare_features.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <system_error>

#include <fmt/format.h>

#include "base/files.h"
#include "corpus/plain_form.h"
#include "formats/npy.h"
#include "hardy/errors.h"
#include "hardy/load.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

using Vectors = std::map<std::string, std::vector<float>>;  // by utterance
using Modalities = std::map<std::string, Vectors>;          // by name

Modalities read_plain_features(const fs::path& folder) {
  PlainOptions options;
  options.folder = folder;
  options.needs_labels = false;
  const Corpus corpus = take_sound_corpus(read_plain(options));
  Modalities found;
  for (const auto& modality : corpus.modalities) {
    for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
      if (modality.present[i] == 0) continue;
      const auto row = modality.row(static_cast<std::int64_t>(i));
      found[modality.name][corpus.utterances[i].id] = {row.begin(), row.end()};
    }
  }
  return found;
}

Modalities read_folders(const fs::path& folder) {
  Modalities found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!entry.is_directory()) continue;
    Vectors& vectors = found[modality_of_folder(entry.path().filename().string())];
    for (const auto& file : fs::directory_iterator(entry.path())) {
      if (file.path().extension() != ".npy") continue;
      std::vector<float> feature;
      read_npy_feature(read_file(file.path()), file.path().string(), feature);
      const bool is_whole = std::all_of(feature.begin(), feature.end(),
                                        [](float value) { return std::isfinite(value); });
      if (!feature.empty() && is_whole) vectors[file.path().stem().string()] = feature;
    }
  }
  if (error) throw DataError(fmt::format("{}: {}", folder.string(), error.message()));
  return found;
}

double cosine(const std::vector<float>& x, const std::vector<float>& y) {
  double xx = 0;
  double yy = 0;
  double xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    yy += static_cast<double>(y[i]) * static_cast<double>(y[i]);
    xy += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  }
  if (xx == 0 || yy == 0) return xx == yy ? 1 : 0;
  return xy / std::sqrt(xx * yy);
}

FeatureAgreement compare(const std::string& name, const Vectors& ours, const Vectors& other) {
  FeatureAgreement agreement;
  agreement.modality = name;
  agreement.least_cosine = 2;
  double sum = 0;
  for (const auto& [id, vector] : ours) {
    const auto found = other.find(id);
    if (found == other.end()) {
      ++agreement.only_ours;
      continue;
    }
    if (found->second.size() != vector.size()) {
      agreement.width_note =
          fmt::format("{}: {} values against {}", id, vector.size(), found->second.size());
      return agreement;
    }
    const double value = cosine(vector, found->second);
    sum += value;
    ++agreement.compared;
    if (value >= agreement.least_cosine) continue;
    agreement.least_cosine = value;
    agreement.least_id = id;
  }
  agreement.only_other = static_cast<std::int64_t>(other.size()) - agreement.compared;
  if (agreement.compared > 0) agreement.mean_cosine = sum / static_cast<double>(agreement.compared);
  return agreement;
}

}  // namespace

std::vector<FeatureAgreement> compare_features(const fs::path& ours, const fs::path& other) {
  const auto read = [](const fs::path& folder) {
    return is_plain_form(folder) ? read_plain_features(folder) : read_folders(folder);
  };
  const Modalities left = read(ours);
  const Modalities right = read(other);
  std::vector<FeatureAgreement> agreements;
  for (const auto& [name, vectors] : left) {
    const auto found = right.find(name);
    if (found != right.end()) agreements.push_back(compare(name, vectors, found->second));
  }
  const bool has_pair = std::any_of(agreements.begin(), agreements.end(), [](const auto& each) {
    return each.compared > 0 || !each.width_note.empty();
  });
  if (!has_pair) {
    throw DataError(fmt::format("{} and {} have no utterance of one modality in common",
                                ours.string(), other.string()));
  }
  return agreements;
}

}  // namespace hardy
