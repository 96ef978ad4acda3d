# hardy_backbones: frozen networks from the files that people download, products by oneDNN.
# Debian's dnnl-config.cmake insists on OpenCL headers, so the library is found by name.
find_library(HARDY_BACKBONES_DNNL dnnl REQUIRED)

add_library(hardy_backbones
  backbones/attention.cc
  backbones/bert.cc
  backbones/byte_pairs.cc
  backbones/deberta.cc
  backbones/layers.cc
  backbones/manet.cc
  backbones/network_settings.cc
  backbones/picture_layers.cc
  backbones/speech_encoder.cc
  backbones/text_network.cc
  backbones/text_pooling.cc
  backbones/tile_convolution.cc
  backbones/tokenizer.cc
  backbones/unicode_classes.cc
  backbones/wav2vec.cc
  backbones/weight_files.cc
  backbones/weight_set.cc
  backbones/word_pieces.cc
)
hardy_join_sources(hardy_backbones)
# Loops over frames and pixels are slow without optimisation, in the tests too.
set_source_files_properties(backbones/attention.cc backbones/layers.cc backbones/manet.cc
  backbones/picture_layers.cc backbones/tile_convolution.cc backbones/weight_files.cc PROPERTIES COMPILE_OPTIONS
  "-O3;-fno-math-errno;-fno-trapping-math"
  SKIP_UNITY_BUILD_INCLUSION ON)
# Private parts of a public class that hold types of one file.
set_source_files_properties(backbones/speech_encoder.cc PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
target_link_libraries(hardy_backbones PUBLIC hardy_core
  PRIVATE ${HARDY_BACKBONES_DNNL} PkgConfig::libutf8proc $<BUILD_INTERFACE:hardy_warnings>)
