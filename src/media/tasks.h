// Tasks of decoding processes: features of sound and pictures, cuts at pauses, sound files for a
// recogniser. Internal to media/.
#pragma once

#include <filesystem>
#include <limits>
#include <memory>
#include <vector>

#include "hardy/extract.h"
#include "media/extractor.h"
#include "media/worker.h"

namespace hardy {

/// Items: `segments`, all of one recording, in order of their ends.
WorkerTask sound_task(std::vector<Segment> segments,
                      std::shared_ptr<const SoundExtractor> extractor,
                      const ExtractOptions& options);
WorkerTask picture_task(std::vector<Segment> segments,
                        std::shared_ptr<const PictureExtractor> extractor,
                        const ExtractOptions& options);

/// Items: `texts`.
WorkerTask text_task(std::vector<std::string> texts,
                     std::shared_ptr<const TextExtractor> extractor);

/// One item; values are start, end, start, end, ..; `seconds` is the recording's length. No values
/// if it is at most `shortest_s` long or has no pause. Decoding ends beyond `longest_s`.
WorkerTask cut_task(std::filesystem::path media, double shortest_s,
                    double longest_s = std::numeric_limits<double>::infinity());

/// One item: `seconds` by the container, 0 = unknown; the reason when the file is no recording.
WorkerTask probe_task(std::filesystem::path media);

/// One item; writes the recording's sound as a WAV file of 16-bit mono at 16 kHz.
WorkerTask wav_task(std::filesystem::path media, std::filesystem::path wav);

}  // namespace hardy
