#include "corpus/tree_writer.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "base/files.h"
#include "base/random.h"
#include "formats/npy.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

/// Not flushed per file: the folder becomes visible only when complete.
void write_vector(const fs::path& file, std::span<const float> values) {
  const std::string bytes = format_npy({static_cast<std::int64_t>(values.size())}, values);
  std::ofstream stream(file, std::ios::binary);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) throw_write_error(file, errno);
}

void require_file_name(const Corpus& corpus, const char* what, const std::string& name) {
  if (!name.empty() && name.find('/') == std::string::npos && name.front() != '.' &&
      name.size() < 200) {
    return;
  }
  throw DataError(
      fmt::format("{}: {} '{}' cannot be a file name; it must not hold '/', start with "
                  "'.' or be longer than 199 bytes",
                  corpus.name, what, name));
}

/// 'F' or 'M'.
char side_of(const Corpus& corpus, const Utterance& utterance) {
  const char side = utterance.speaker.empty() ? '?' : utterance.speaker.back();
  if (side == 'F' || side == 'M') return side;
  throw DataError(
      fmt::format("{}: speaker '{}' of utterance {} ends in neither F nor M, which the "
                  "face files of IEMOCAP are named after",
                  corpus.name, utterance.speaker, utterance.id));
}

/// Index of the other speaker's nearest utterance of the dialogue with a face; i if there is none.
std::size_t nearest_of_listener(const Corpus& corpus, const ModalityData& faces, std::size_t i) {
  const auto& own = corpus.utterances[i];
  const auto& dialogue = corpus.dialogues[static_cast<std::size_t>(own.dialogue)];
  for (std::int64_t distance = 1; distance < dialogue.count; ++distance) {
    for (const std::int64_t position : {own.position - distance, own.position + distance}) {
      if (position < 0 || position >= dialogue.count) continue;
      const auto other = static_cast<std::size_t>(dialogue.first + position);
      if (corpus.utterances[other].speaker != own.speaker && faces.present[other] != 0) {
        return other;
      }
    }
  }
  return i;
}

/// Standard deviation of every column over the present rows.
std::vector<float> column_deviations(const ModalityData& modality) {
  const auto width = static_cast<std::size_t>(modality.width);
  std::vector<double> sum(width);
  std::vector<double> squares(width);
  double count = 0;
  for (std::size_t i = 0; i < modality.present.size(); ++i) {
    if (modality.present[i] == 0) continue;
    const auto row = modality.row(static_cast<std::int64_t>(i));
    for (std::size_t c = 0; c < width; ++c) {
      sum[c] += static_cast<double>(row[c]);
      squares[c] += static_cast<double>(row[c]) * static_cast<double>(row[c]);
    }
    count += 1;
  }
  std::vector<float> deviations(width);
  for (std::size_t c = 0; c < width && count > 0; ++c) {
    const double mean = sum[c] / count;
    deviations[c] = static_cast<float>(std::sqrt(std::max(0.0, squares[c] / count - mean * mean)));
  }
  return deviations;
}

void write_faces(const Corpus& corpus, const ModalityData& modality, const fs::path& folder) {
  constexpr float kFaceNoise = 0.5F;  // in standard deviations: a listener's face is not still
  make_folder(folder);
  const auto deviations = column_deviations(modality);
  const std::string seed_text = corpus.checksum.substr(0, 15);
  const Seeds seeds(seed_text.empty() ? 0 : std::stoull(seed_text, nullptr, 16));
  std::vector<float> listener(static_cast<std::size_t>(modality.width));
  for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
    const Utterance& utterance = corpus.utterances[i];
    const char side = side_of(corpus, utterance);
    if (modality.present[i] == 0) continue;
    Generator generator = seeds.stream("listener", {static_cast<std::int64_t>(i)});
    const auto near =
        modality.row(static_cast<std::int64_t>(nearest_of_listener(corpus, modality, i)));
    for (std::size_t c = 0; c < listener.size(); ++c) {
      listener[c] =
          near[c] + kFaceNoise * deviations[c] * static_cast<float>(draw_normal(generator));
    }
    const fs::path faces = folder / utterance.id;
    std::error_code error;
    if (!fs::create_directory(faces, error) && error) throw_write_error(faces, error.value());
    const auto own = modality.row(static_cast<std::int64_t>(i));
    write_vector(faces / "compress_F.npy", side == 'F' ? own : listener);
    write_vector(faces / "compress_M.npy", side == 'M' ? own : listener);
  }
}

void write_modality(const Corpus& corpus, const ModalityData& modality, const fs::path& folder) {
  make_folder(folder);
  for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
    if (modality.present[i] == 0) continue;
    write_vector(folder / (corpus.utterances[i].id + ".npy"),
                 modality.row(static_cast<std::int64_t>(i)));
  }
}

std::string marker_text(const Corpus& corpus) {
  return fmt::format(
      "The features in this folder are SYNTHETIC: drawn by `hardy data synth`, not extracted from\n"
      "any recording. Ids, dialogues, speakers and labels are those of the label file.\n"
      "Results on them say nothing about the real data.\n\n{}\n",
      corpus.source);
}

/// Everything below the data set's folder, whose name decides the layout of the faces.
void write_files(const Corpus& corpus, const fs::path& folder, const fs::path& label_name,
                 const std::string& labels) {
  for (const auto& modality : corpus.modalities) {
    const fs::path features = folder / "features" / feature_folder_name(modality.name);
    const bool is_pair_of_faces = modality.name == "visual" && folder.filename() == "IEMOCAP";
    is_pair_of_faces ? write_faces(corpus, modality, features)
                     : write_modality(corpus, modality, features);
  }
  write_file_atomically(folder / label_name, labels);
  write_file_atomically(folder / kSyntheticMarker, marker_text(corpus));
}

}  // namespace

std::string feature_folder_name(const std::string& modality_name) {
  if (modality_name == "acoustic") return "wav2vec-large-c-UTT";
  if (modality_name == "textual") return "deberta-large-4-UTT";
  if (modality_name == "visual") return "manet_UTT";
  return modality_name;
}

std::string data_set_of(const fs::path& label_file) {
  const std::string stem = label_file.stem().string();
  return stem.substr(0, stem.find("_features_raw"));
}

void write_tree(const Corpus& corpus, const fs::path& root, const fs::path& label_file) {
  std::error_code error;
  if (fs::exists(root, error) && !(fs::is_directory(root, error) && fs::is_empty(root, error))) {
    throw ConfigError(
        fmt::format("{}: exists and is not an empty folder; nothing was written, "
                    "choose a new folder",
                    root.string()));
  }
  if (!corpus.is_synthetic) {
    throw ConfigError(
        fmt::format("{}: only synthetic features are written in the public layout, "
                    "and this corpus is real; use the plain form",
                    corpus.name));
  }
  for (const auto& utterance : corpus.utterances) {
    require_file_name(corpus, "utterance id", utterance.id);
  }
  for (const auto& modality : corpus.modalities) {
    require_file_name(corpus, "modality", modality.name);
  }
  const std::string labels = read_text_file(label_file);
  const std::string data_set = data_set_of(label_file);
  write_folder_atomically(root, [&](const fs::path& temporary) {
    write_files(corpus, temporary / data_set, label_file.filename(), labels);
  });
}

}  // namespace hardy
