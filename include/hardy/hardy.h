/// @file
/// Umbrella header of the part without libtorch, in the order in which data flows. Training headers
/// are included one at a time (src/protocol/run_protocol.h first), because libtorch is slow to
/// compile.

/// @namespace hardy
/// The public interface of the library.
#pragma once

#include "base/random.h"
#include "hardy/errors.h"
#include "hardy/modality.h"
#include "hardy/tensor_file.h"
// config: settings of a run
#include "hardy/config.h"
// data: corpora, readers, checks, splits
#include "corpus/plain_form.h"
#include "corpus/synth/demo_corpus.h"
#include "hardy/corpus.h"
#include "hardy/load.h"
#include "hardy/split.h"
// predict: using a trained recogniser; links hardy::inference
#include "hardy/recogniser.h"
#include "hardy/stream.h"
// metrics and results
#include "hardy/metrics.h"
#include "hardy/results.h"
