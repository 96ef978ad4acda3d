#include "media/embedded_files.h"

// The assembler embeds the files unchanged, aligned for numbers.
#define HARDY_EMBED(name, file)                                                                 \
  __asm__(".pushsection .rodata\n.balign 16\n.global hardy_media_" #name "\nhardy_media_" #name \
          ":\n.incbin \"" file "\"\n.global hardy_media_" #name "_end\nhardy_media_" #name      \
          "_end:\n.byte 0\n.popsection\n");                                                     \
  extern "C" {                                                                                  \
  extern const char hardy_media_##name[];                                                       \
  extern const char hardy_media_##name##_end[];                                                 \
  }

HARDY_EMBED(words, HARDY_MEDIA_MODELS "/sentiment_words.tsv")
HARDY_EMBED(graph, HARDY_MEDIA_MODELS "/emotion.json")
HARDY_EMBED(weights, HARDY_MEDIA_MODELS "/emotion.bin")

namespace hardy {

std::string_view sentiment_words() { return {hardy_media_words, hardy_media_words_end}; }

std::string_view expression_graph() { return {hardy_media_graph, hardy_media_graph_end}; }

std::string_view expression_weights() { return {hardy_media_weights, hardy_media_weights_end}; }

}  // namespace hardy
