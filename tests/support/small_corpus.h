// A hand-made corpus for tests of the data layer.
#pragma once

#include "hardy/corpus.h"

namespace hardy::test {

/// Three dialogues of 2, 1 and 2 utterances, two modalities of widths 2 and 1, three classes;
/// utterance u1 lacks modality "textual".
inline Corpus small_corpus() {
  Corpus corpus;
  corpus.name = "small";
  corpus.class_names = {"calm", "glad", "cross"};
  corpus.dialogues = {{"d0", 0, 2, "g0", Part::kTrain},
                      {"d1", 2, 1, "g0", Part::kValidation},
                      {"d2", 3, 2, "g1", Part::kTest}};
  corpus.utterances = {{"u0", 0, 0, "ann", 0, "hello, \"you\""},
                       {"u1", 0, 1, "bob", 1, ""},
                       {"u2", 1, 0, "ann", 2, "two\nlines"},
                       {"u3", 2, 0, "cid", 1, "gr\xC3\xBCn"},
                       {"u4", 2, 1, "", 0, " blank "}};
  corpus.modalities = {
      {"acoustic", 2, {0.1F, -2, 3, 4e-30F, 5, 6, 7, 8, 9, 1e17F}, {1, 1, 1, 1, 1}},
      {"textual", 1, {1.5F, 0, 2.5F, 3.5F, -1}, {1, 0, 1, 1, 1}},
  };
  return corpus;
}

}  // namespace hardy::test
