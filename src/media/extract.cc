#include "hardy/extract.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/checksum.h"
#include "base/files.h"
#include "hardy/errors.h"
#include "media/acoustic.h"
#include "media/decode.h"
#include "media/extractor.h"
#include "media/tasks.h"
#include "media/vector_store.h"
#include "media/words.h"

namespace hardy {
namespace {

constexpr std::size_t kAcoustic = 0;
constexpr std::size_t kTextual = 1;
constexpr std::size_t kVisual = 2;
/// Texts that one process reads.
constexpr std::size_t kTextsTogether = 64;

/// State of one extraction.
class Extraction {
 public:
  Extraction(const std::vector<Segment>& segments, const ExtractOptions& options)
      : options_(options), store_(options.cache) {
    if (options.jobs < 1) throw ConfigError("--jobs: at least 1");
    if (!(options.picture_step_s > 0)) throw ConfigError("--picture-step: more than 0 s");
    results_.resize(segments.size());
    for (std::size_t i = 0; i < segments.size(); ++i) results_[i].segment = segments[i];
  }

  std::vector<ExtractedSegment> run() {
    for (auto& result : results_) read_text(result);
    if (text_network() != nullptr) add_text_jobs();
    std::map<std::string, std::vector<std::size_t>> by_media;
    for (std::size_t i = 0; i < results_.size(); ++i) {
      by_media[results_[i].segment.media.string()].push_back(i);
    }
    for (auto& [media, items] : by_media) add_jobs(media, items);
    done_ = static_cast<double>(finished_);
    run_all();
    return std::move(results_);
  }

 private:
  void read_text(ExtractedSegment& result) {
    auto& modality = result.modalities[kTextual];
    if (!options_.wanted[kTextual]) {
      modality.reason = "not asked for";
      return;
    }
    try {
      if (result.segment.text.empty()) throw DataError("it has no transcript");
      if (text_network() != nullptr) return;  // read in processes of their own
      modality.values = text_features(result.segment.text);
    } catch (const DataError& error) {
      modality.reason = error.what();
    }
  }

  [[nodiscard]] const TextExtractor* text_network() const {
    return options_.backbones == nullptr ? nullptr : options_.backbones->text.get();
  }

  [[nodiscard]] std::string text_key(std::size_t i) const {
    return sha256(fmt::format("{}\n{}", text_network()->maker(), results_[i].segment.text));
  }

  /// Jobs for the texts that a network has not read yet.
  void add_text_jobs() {
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < results_.size() && options_.wanted[kTextual]; ++i) {
      if (!results_[i].modalities[kTextual].reason.empty()) continue;
      const auto stored = options_.redo ? std::nullopt : store_.find(text_key(i));
      if (stored) {
        results_[i].modalities[kTextual] = {stored->values, stored->reason};
        results_[i].was_cached = true;
      } else {
        missing.push_back(i);
      }
    }
    for (std::size_t first = 0; first < missing.size(); first += kTextsTogether) {
      const auto last = std::min(first + kTextsTogether, missing.size());
      const std::vector<std::size_t> items(missing.begin() + static_cast<std::ptrdiff_t>(first),
                                           missing.begin() + static_cast<std::ptrdiff_t>(last));
      std::vector<std::string> texts;
      for (const auto i : items) texts.push_back(results_[i].segment.text);
      WorkerJob job;
      job.name = fmt::format("{} transcripts", items.size());
      job.items = items.size();
      job.task = text_task(std::move(texts), options_.backbones->text);
      job.consume = [this, items](std::size_t item, const WorkerResult& result) {
        take_new_text(items[item], result);
      };
      jobs_.push_back(std::move(job));
      total_ += 1;
    }
  }

  void take_new_text(std::size_t i, WorkerResult result) {
    check_values(kTextual, result);
    results_[i].modalities[kTextual] = {result.values, result.reason};
    if (result.is_final) store_.keep(text_key(i), result);
  }

  /// Jobs for what of a recording is not finished yet.
  void add_jobs(const std::string& media, std::vector<std::size_t> items) {
    std::stable_sort(items.begin(), items.end(), [&](std::size_t x, std::size_t y) {
      return results_[x].segment.end_s < results_[y].segment.end_s;
    });
    std::string checksum;
    std::string failure;
    try {
      checksum = sha256_file(media);
    } catch (const Error& error) {
      failure = error.what();
    }
    for (const auto i : items) results_[i].media_checksum = checksum;
    for (const std::size_t modality : {kAcoustic, kVisual}) {
      if (!options_.wanted[modality]) {
        for (const auto i : items) results_[i].modalities[modality].reason = "not asked for";
        continue;
      }
      std::vector<std::size_t> missing;
      for (const auto i : items) {
        auto& target = results_[i].modalities[modality];
        target.reason = failure;
        if (failure.empty() && !take_stored(i, modality, checksum)) missing.push_back(i);
      }
      total_ += 1;
      if (missing.empty()) {
        ++finished_;
      } else {
        add_job(media, modality, checksum, missing);
      }
    }
  }

  bool take_stored(std::size_t i, std::size_t modality, const std::string& checksum) {
    if (options_.redo) return false;
    const auto stored = store_.find(key_of(i, modality, checksum));
    if (!stored) return false;
    take(i, modality, *stored);
    results_[i].was_cached = true;
    return true;
  }

  void add_job(const std::string& media, std::size_t modality, const std::string& checksum,
               const std::vector<std::size_t>& items) {
    std::vector<Segment> segments;
    for (const auto i : items) segments.push_back(results_[i].segment);
    WorkerJob job;
    job.name = media;
    job.items = items.size();
    if (modality == kAcoustic) {
      if (sound_ == nullptr && options_.backbones) sound_ = options_.backbones->sound;
      if (sound_ == nullptr) sound_ = make_acoustic_extractor();
      job.task = sound_task(std::move(segments), sound_, options_);
    } else {
      if (pictures_ == nullptr && options_.backbones) pictures_ = options_.backbones->pictures;
      if (pictures_ == nullptr) pictures_ = make_face_extractor(options_.cascade.string());
      job.task = picture_task(std::move(segments), pictures_, options_);
    }
    job.consume = [this, items, modality, checksum](std::size_t item, const WorkerResult& result) {
      take_new(items[item], modality, checksum, result);
    };
    jobs_.push_back(std::move(job));
  }

  /// Takes a result of a decoding process after checking it.
  void take_new(std::size_t i, std::size_t modality, const std::string& checksum,
                WorkerResult result) {
    check_values(modality, result);
    take(i, modality, result);
    if (result.is_final) store_.keep(key_of(i, modality, checksum), result);
  }

  /// Values that do not fit their maker become a reason.
  void check_values(std::size_t modality, WorkerResult& result) const {
    const auto width = feature_makers(options_)[modality].width;
    const bool is_whole = static_cast<std::int64_t>(result.values.size()) == width &&
                          std::all_of(result.values.begin(), result.values.end(),
                                      [](float value) { return std::isfinite(value); });
    if (result.reason.empty() && !is_whole) {
      result.reason = "its features are not finite";
      result.is_final = false;
    }
    if (!result.reason.empty()) result.values.clear();
  }

  void take(std::size_t i, std::size_t modality, const WorkerResult& result) {
    ExtractedSegment& target = results_[i];
    target.modalities[modality] = {result.values, result.reason};
    if (modality == kAcoustic) {
      target.seconds = result.seconds;
    } else {
      target.pictures = result.pictures;
      target.faces = result.found;
    }
  }

  [[nodiscard]] std::string key_of(std::size_t i, std::size_t modality,
                                   const std::string& checksum) const {
    const Segment& segment = results_[i].segment;
    const std::string settings =
        modality == kAcoustic
            ? fmt::format("{}", options_.max_seconds)
            : fmt::format("{} {}", options_.picture_step_s, options_.cascade.string());
    return sha256(fmt::format("{}\n{}\n{}\n{}\n{}\n{}", checksum, segment.start_s, segment.end_s,
                              feature_makers(options_)[modality].name, settings,
                              decoder_versions()));
  }

  void run_all() {
    WorkerLimits limits;
    limits.jobs = options_.jobs;
    limits.memory_bytes = options_.memory_bytes;
    limits.stall_s = options_.stall_s;
    limits.is_stopped = options_.is_stopped;
    limits.on_finished = [this](const std::string& media) {
      done_ += 1;
      if (options_.progress) options_.progress(done_, total_, media);
    };
    run_workers(std::move(jobs_), limits);
  }

  const ExtractOptions& options_;
  VectorStore store_;
  std::vector<ExtractedSegment> results_;
  std::shared_ptr<const SoundExtractor> sound_;
  std::shared_ptr<const PictureExtractor> pictures_;
  std::vector<WorkerJob> jobs_;
  int finished_ = 0;
  double done_ = 0;
  double total_ = 0;
};

}  // namespace

std::array<FeatureMaker, 3> feature_makers(const ExtractOptions& options) {
  std::array<FeatureMaker, 3> makers = {
      {{kAcousticMaker, static_cast<std::int64_t>(acoustic_names().size())},
       {kTextMaker, kTextBuckets + kTextStatistics},
       {kVisualMaker, kVisualWidth}}};
  if (options.backbones == nullptr) return makers;
  const auto& [sound, text, pictures] = *options.backbones;
  if (sound != nullptr) makers[kAcoustic] = {sound->maker(), sound->width()};
  if (text != nullptr) makers[kTextual] = {text->maker(), text->width()};
  if (pictures != nullptr) makers[kVisual] = {pictures->maker(), pictures->width()};
  return makers;
}

std::string recording_too_long_text(double max_recording_s) {
  return fmt::format("it is longer than {:g} s, the limit", max_recording_s);
}

std::vector<ExtractedSegment> extract_segments(const std::vector<Segment>& segments,
                                               const ExtractOptions& options) {
  return Extraction(segments, options).run();
}

}  // namespace hardy
