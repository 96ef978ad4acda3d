// A stage of one fold and seed: computed once, stored under everything it depends on, with its own
// random streams, resumable. The building block of every FoldMethod.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "methods/method.h"
#include "train/epoch_loop.h"

namespace hardy {

/// Name of a stage and the inputs of its result beyond data, fold, seed and device.
struct StageName {
  std::string stage;                ///< "momke.fit"; part of the key
  std::vector<std::string> inputs;  ///< config sections, patterns, keys of earlier stages
  std::string stream;               ///< root of its random streams, e.g. "fit 3"
};

/// Not thread-safe itself; several objects may share a cache.
class FoldStage {
 public:
  /// `version` is incremented when a change of the code moves the numbers of a stage.
  FoldStage(const FoldRequest& request, int version);

  /// The stored result; otherwise the result of `compute`, which is then stored with its CPU time.
  TensorFile get_or_compute(const StageName& name, TaskContext& context,
                            const std::function<TensorFile(const StageServices&)>& compute) const;

  [[nodiscard]] std::string key_of(const std::string& stage,
                                   const std::vector<std::string>& inputs) const;

  /// Where files of a computation may lie; empty where the cache has no folder.
  [[nodiscard]] const std::filesystem::path& scratch_folder() const { return cache_.folder(); }

  /// Random streams of the fold and seed under a name.
  [[nodiscard]] Seeds seeds(const std::string& stream) const;

  /// CPU seconds of computing a result, without the stages that it requested; 0 when unknown.
  static double cpu_seconds(const TensorFile& result);

  /// Records it, of a result that no stage computed.
  static void set_cpu_seconds(TensorFile& result, double cpu_s);

 private:
  [[nodiscard]] StageServices services(const std::string& key, const std::string& stream,
                                       TaskContext& context) const;

  int fold_;
  std::int64_t seed_;
  int version_;
  StageCache& cache_;
  StageCosts& costs_;
  std::string base_;  ///< data, fold, seed and numerics
};

/// The bits of some patterns, as input of a key or name of a stream.
std::string bits_text(const std::vector<Pattern>& patterns);

/// Adds a training curve to a model's arrays, and reads it. `stage` names its points.
void add_curve(TensorFile& file, const std::vector<CurvePoint>& curve);
std::vector<CurvePoint> curve_of(const TensorFile& file);

}  // namespace hardy
