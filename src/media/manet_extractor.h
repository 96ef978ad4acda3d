// MA-Net on the faces of a recording's pictures. Internal to media/.
#pragma once

#include <memory>

#include "hardy/extract.h"
#include "media/extractor.h"

namespace hardy {

/// Like GCNet, a picture without a face counts as a black one; otherwise it is left out. Throws
/// ArtifactError.
std::shared_ptr<const PictureExtractor> make_manet_extractor(const BackboneFiles& files);

}  // namespace hardy
