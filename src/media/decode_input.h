// Opens a recording and selects its streams; shared by the decoders of sound and picture.
#pragma once

#include <filesystem>

#include "media/decode.h"
#include "media/libav.h"

namespace hardy::libav {

/// Opens a regular file and reads its headers. Throws DataError.
Input open_recording(const std::filesystem::path& file);

/// Index of the decoded stream, -1 if there is none.
int sound_stream(const AVFormatContext& input);
int picture_stream(const AVFormatContext& input);

/// The facts of an open recording.
RecordingFacts facts_of(const AVFormatContext& input);

/// Clockwise rotation of the stream's pictures for display in degrees: 0, 90, 180 or 270.
int display_rotation(const AVStream& stream);

}  // namespace hardy::libav
