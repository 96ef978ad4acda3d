/// @file
/// Recordings -> feature vectors, utterance by utterance. Decoders run in separate processes with
/// resource limits, so that a damaged or hostile file affects its own utterances only.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace hardy {

/// One utterance of a recording.
struct Segment {
  std::string id;                                          ///< unique among the segments
  std::filesystem::path media;                             ///< audio or video file
  double start_s = 0;                                      ///< seconds since the recording's start
  double end_s = std::numeric_limits<double>::infinity();  ///< infinite = to the recording's end
  std::string speaker;                                     ///< empty = unknown
  std::string text;                                        ///< UTF-8; empty = unknown
  std::string dialogue;                                    ///< empty = the utterance stands alone
  std::string label;                                       ///< empty = unknown
  std::string group;  ///< e.g. the recording session; empty = unknown
  std::string split;  ///< train, validation, test; empty = none
};

/// The modalities of recordings, in the order of the arrays below.
inline constexpr std::array<const char*, 3> kMediaModalities = {"acoustic", "textual", "visual"};

/// One modality of an utterance.
struct ExtractedModality {
  std::vector<float> values;  ///< [width] all finite; empty = absent
  std::string reason;         ///< why it is absent; empty when it is present
};

/// An utterance with its features.
struct ExtractedSegment {
  Segment segment;                              ///< as it was given
  std::array<ExtractedModality, 3> modalities;  ///< index as in kMediaModalities
  double seconds = 0;                           ///< length of the decoded sound; 0 = none
  std::int64_t pictures = 0;                    ///< number of pictures that were analysed
  std::int64_t faces = 0;                       ///< pictures with a face, <= `pictures`
  bool was_cached = false;                      ///< at least one vector came from the cache
  std::string media_checksum;  ///< SHA-256 of the recording; empty when it cannot be read
};

/// Frozen networks in place of the embedded extractors, and the pooling of their outputs to one
/// vector. An empty path keeps the embedded extractor. Each may also be a TorchScript program.
struct BackboneFiles {
  std::filesystem::path sound;     ///< wav2vec of fairseq (.pt), or a folder in Hugging Face's
                                   ///< form: wav2vec2, hubert, wavlm
  std::filesystem::path text;      ///< a folder: deberta (the first version), bert, roberta
  std::filesystem::path pictures;  ///< MA-Net (.pth)
  std::string like;  ///< "gcnet", "merbench": pooling of those scripts; empty = hardy's
  /// Hidden states of text and speech networks that are summed, counted from the last one, -1.
  int first_state = -4;
  int last_state = -1;
  bool is_manet_since_2023 = false;  ///< MA-Net's second chain runs backwards
  std::filesystem::path cascade;     ///< face detector in front of MA-Net; empty = opencv-data's
  bool trusts_programs = false;      ///< loads TorchScript, which runs the code in the file

  /// Whether any extractor is replaced.
  [[nodiscard]] bool any() const { return !sound.empty() || !text.empty() || !pictures.empty(); }
};

/// Whether a maker is neither an embedded extractor nor a TorchScript program.
bool is_of_network(const std::string& maker);

/// Finds networks in a folder by their contents: folders in Hugging Face's form, wav2vec and MA-Net
/// files. With `makers`, those that made a model's features, and the pooling that the makers' names
/// state; embedded extractors and TorchScript are left to the caller. If all are empty, the only
/// network of each modality. What `given` names already stays. Throws ArtifactError when a network
/// is missing, ConfigError when there are several to choose from. Shapes: makers: index as in
/// kMediaModalities.
BackboneFiles find_backbones(const std::filesystem::path& folder,
                             const std::array<std::string, 3>& makers, BackboneFiles given);

/// Opened networks.
struct Backbones;

/// Reads the files. Throws ArtifactError naming the file and the problem, ConfigError for an
/// unknown `like` and for states that a network does not have.
std::shared_ptr<const Backbones> open_backbones(const BackboneFiles& files);

/// Options of the extraction. Everything but `jobs`, `cache` and the limits influences results
/// and is part of a cached vector's key.
struct ExtractOptions {
  /// Modalities to extract, index as in kMediaModalities.
  std::array<bool, 3> wanted = {true, true, true};
  std::shared_ptr<const Backbones> backbones;  ///< null = the embedded extractors alone
  double picture_step_s = 0.4;  ///< one picture is looked at per so many seconds, > 0
  double max_seconds = 120;     ///< longer utterances are refused with a reason
  /// Seconds of a recording that are decoded at most; utterances that are not finished by then are
  /// refused with the reason recording_too_long_text.
  double max_recording_s = std::numeric_limits<double>::infinity();
  std::filesystem::path cascade;          ///< face detector; empty = that of opencv-data
  std::filesystem::path cache;            ///< finished vectors; empty = none are kept
  bool redo = false;                      ///< ignore finished vectors
  int jobs = 1;                           ///< recordings decoded at the same time, >= 1
  std::int64_t memory_bytes = 4LL << 30;  ///< address space of a decoding process
  double stall_s = 60;                    ///< seconds without progress that end a decoding process
  std::function<bool()> is_stopped = {};  ///< polled often; true throws Interrupted
  /// Called after every recording and modality: parts done, parts in all, the recording.
  std::function<void(double, double, const std::string&)> progress = {};
};

/// The extractor of one modality; stored in corpora and models, so that features of another
/// extractor are refused.
struct FeatureMaker {
  std::string name;        ///< name and version, e.g. as ModalityData::maker
  std::int64_t width = 0;  ///< d_m of its vectors
};

/// The extractors that `options` select. Shapes: index as in kMediaModalities.
std::array<FeatureMaker, 3> feature_makers(const ExtractOptions& options);

/// The reason in a recording of which more than `max_recording_s` seconds were decoded.
std::string recording_too_long_text(double max_recording_s);

/// Extracts all segments; results are in their order. A failure within a recording becomes the
/// ExtractedModality::reason of its segments. Throws Interrupted, IoError of the cache, ConfigError
/// for options, ArtifactError when the face detector cannot be loaded. Requires: no other thread
/// runs, because decoding processes are forked.
std::vector<ExtractedSegment> extract_segments(const std::vector<Segment>& segments,
                                               const ExtractOptions& options);

}  // namespace hardy
