// Table of contents of the light half, in the order in which data flows. What trains is included
// one header at a time (hardy/evaluation/run_protocol.h first), because libtorch is slow to
// compile.
#pragma once

#include "hardy/core/errors.h"
#include "hardy/core/modality.h"
#include "hardy/core/random.h"
#include "hardy/core/tensor_file.h"
// config: everything a run can be told
#include "hardy/config/config.h"
// data: corpora, readers, checks, splits
#include "hardy/data/check.h"
#include "hardy/data/corpus.h"
#include "hardy/data/demo_corpus.h"
#include "hardy/data/load.h"
#include "hardy/data/plain_form.h"
#include "hardy/data/split.h"
// predict: using a trained recogniser; links hardy::predict
#include "hardy/predict/recogniser.h"
#include "hardy/predict/stream.h"
// metrics and results
#include "hardy/evaluation/results.h"
#include "hardy/metrics/metrics.h"
