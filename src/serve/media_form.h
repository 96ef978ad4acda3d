// The parsed form of POST /v1/media. Internal to the service and its tests.
#pragma once

#include <string>
#include <string_view>

#include "hardy/bundle.h"
#include "hardy/modality.h"
#include "serve/multipart.h"

namespace hardy {

/// The parts recording, transcript and options.
struct MediaForm {
  FormPart recording;   ///< `file_name` is never empty
  FormPart transcript;  ///< no contents = none was sent
  Pattern available;    ///< modalities that may be used
  std::string cut = "auto";
  std::string tier;
  bool returns_features = false;
};

/// Reads a body with the boundary of its content type. Options are {"available": [..], "cut":
/// "auto" | "pauses" | "whole", "tier": "..", "features": true}. Views into the body. Throws
/// RequestError naming the part or the option, TooLargeError for a transcript beyond 4 MiB.
MediaForm read_media_form(std::string_view body, std::string_view boundary, const BundleInfo& info);

}  // namespace hardy
