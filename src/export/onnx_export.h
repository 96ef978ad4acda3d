// A bundle as an ONNX model, for other runtimes.
#pragma once

#include <filesystem>
#include <string>

namespace hardy {

/// The network of a bundle as the bytes of an .onnx file (opset 17). Letters: B dialogues, T
/// utterances of the longest, padded; both free.
///
/// Inputs: for each modality NAME: "NAME" [B,T,d_m] float32, raw features (scaling is inside;
/// values of absent entries are ignored, NaN included), and "NAME_mask" [B,T] float32, 1 = present,
/// 0 = absent or padding; with `speaker = "relation"` also "speakers" [B,T] int64, equal = the same
/// person. Outputs: "logits" and, for classes, "probabilities" [B,T,C]; rows of padding are
/// meaningless. Metadata: "hardy.model". Throws as Recogniser::load.
std::string export_onnx(const std::filesystem::path& bundle);

}  // namespace hardy
