// hardy._inference: prediction with stored models. Links the prediction runtime only, neither
// libtorch nor any library that a minimal system lacks.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/checksum_list.h"
#include "errors.h"
#include "hardy/coverage.h"
#include "hardy/errors.h"
#include "hardy/explain.h"
#include "hardy/recogniser.h"
#include "hardy/stream.h"
#include "hardy/version.h"
#include "inference/bundle_settings.h"

namespace py = pybind11;

namespace hardy::python {
namespace {

using FloatArray = py::array_t<float, py::array::c_style | py::array::forcecast>;
using IntArray = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;

/// Largest number of utterances in one pass of the network, so that results stay in the cache.
constexpr std::int64_t kPassRows = 256;

template <typename Value>
py::array_t<Value> new_array(std::vector<py::ssize_t> shape) {
  return py::array_t<Value>(std::move(shape));
}

/// Whether every value of a row is NaN, i.e. the modality is absent.
bool is_absent(const float* row, std::int64_t width) {
  return std::all_of(row, row + width, [](float value) { return std::isnan(value); });
}

/// A key of the features. Throws DataError for anything but text.
std::string name_of(const py::handle& key) {
  try {
    return py::cast<std::string>(key);
  } catch (const py::cast_error&) {
    PyErr_Clear();
    throw DataError("a key of the features is no text: " + std::string(py::str(py::repr(key))),
                    "use the names of the model's modalities");
  }
}

/// Features of some utterances by modality, as the runtime reads them. Arrays of float32 in C order
/// are read in place, others are converted once.
class Rows {
 public:
  /// `features`: name -> [n, d_m] (or [d_m] where n is 1); None = absent everywhere. Throws
  /// ConfigError for an unknown name, ShapeError for a wrong shape, DataError when an utterance has
  /// no modality at all.
  Rows(const BundleInfo& info, const py::dict& features) {
    std::vector<FloatArray> arrays(info.modalities.size());
    for (const auto& [key, value] : features) {
      const auto name = name_of(key);
      const auto m = static_cast<std::size_t>(info.modality_index(name));
      if (value.is_none()) continue;
      arrays[m] = FloatArray::ensure(value);
      if (!arrays[m]) {
        PyErr_Clear();
        throw DataError("features of '" + name + "' are no array of numbers");
      }
      take(info.modalities[m], arrays[m]);
      present_[m] = true;
    }
    if (count_ < 0) throw DataError("no modality is given; pass at least one array of features");
    views_.resize(static_cast<std::size_t>(count_));
    for (std::size_t m = 0; m < arrays.size(); ++m) {
      if (present_[m]) point_at(m, arrays[m], info.modalities[m].width);
    }
    arrays_ = std::move(arrays);
    for (std::size_t i = 0; i < views_.size(); ++i) {
      if (views_[i].present().empty()) {
        throw DataError("utterance " + std::to_string(i) +
                        " has no modality: all its features are NaN or None");
      }
    }
  }

  [[nodiscard]] std::int64_t count() const { return count_; }

  void set_speakers(const IntArray& speakers) {
    if (speakers.ndim() != 1 || speakers.shape(0) != count_) {
      throw ShapeError("speakers: expected one number per utterance");
    }
    for (std::size_t i = 0; i < views_.size(); ++i) {
      views_[i].speaker = speakers.at(static_cast<py::ssize_t>(i));
    }
  }

  [[nodiscard]] std::span<const UtteranceView> views() const { return views_; }

 private:
  void take(const BundleModality& modality, const FloatArray& array) {
    const bool is_single = array.ndim() == 1;
    if (array.ndim() != 1 && array.ndim() != 2) {
      throw ShapeError("features of '" + modality.name + "' have " + std::to_string(array.ndim()) +
                       " dimensions; expected [n, " + std::to_string(modality.width) + "]");
    }
    const auto width = array.shape(is_single ? 0 : 1);
    if (width != modality.width) {
      throw ShapeError("features of '" + modality.name + "' have width " + std::to_string(width) +
                       "; the model expects " + std::to_string(modality.width));
    }
    const std::int64_t rows = is_single ? 1 : array.shape(0);
    if (count_ >= 0 && rows != count_) {
      throw ShapeError("features of '" + modality.name + "' have " + std::to_string(rows) +
                       " rows, those of other modalities " + std::to_string(count_));
    }
    count_ = rows;
  }

  void point_at(std::size_t m, const FloatArray& array, std::int64_t width) {
    const float* data = array.data();
    for (std::int64_t i = 0; i < count_; ++i) {
      const float* row = data + i * width;
      if (!is_absent(row, width)) views_[static_cast<std::size_t>(i)].features[m] = row;
    }
  }

  std::int64_t count_ = -1;
  std::array<bool, kMaxModalities> present_{};
  std::vector<FloatArray> arrays_;
  std::vector<UtteranceView> views_;
};

Pattern pattern_of(const BundleInfo& info, const std::optional<std::vector<std::string>>& names) {
  if (!names) return Pattern::complete(kMaxModalities);
  Pattern pattern;
  for (const auto& name : *names) {
    pattern = Pattern(pattern.bits() | Pattern::only(info.modality_index(name)).bits());
  }
  if (pattern.empty()) throw ConfigError("available: name at least one modality");
  return pattern;
}

std::vector<std::string> names_of(const BundleInfo& info, Pattern pattern) {
  std::vector<std::string> names;
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    if (pattern.has(static_cast<int>(m))) names.push_back(info.modalities[m].name);
  }
  return names;
}

/// Results of n utterances, gathered from several passes.
struct Gathered {
  Gathered(std::int64_t n, std::int64_t outputs, std::int64_t modalities, bool judges)
      : labels(new_array<std::int64_t>({n})),
        probabilities(new_array<float>({n, outputs})),
        raw_probabilities(new_array<float>({n, outputs})),
        logits(new_array<float>({n, outputs})),
        confidence(new_array<float>({n})),
        calibrated(new_array<bool>({n})),
        used(new_array<bool>({n, modalities})),
        limited(new_array<std::int64_t>({n, modalities})),
        suspected(new_array<bool>({judges ? n : 0, modalities})),
        to{labels.mutable_data(),
           probabilities.mutable_data(),
           raw_probabilities.mutable_data(),
           logits.mutable_data(),
           confidence.mutable_data(),
           calibrated.mutable_data(),
           used.mutable_data(),
           limited.mutable_data(),
           judges ? suspected.mutable_data() : nullptr,
           outputs,
           modalities} {}

  [[nodiscard]] py::tuple tuple() const {
    return py::make_tuple(labels, probabilities, raw_probabilities, logits, confidence, calibrated,
                          used, limited,
                          to.suspected == nullptr ? py::object(py::none()) : py::object(suspected));
  }

  py::array_t<std::int64_t> labels;
  py::array_t<float> probabilities;
  py::array_t<float> raw_probabilities;
  py::array_t<float> logits;
  py::array_t<float> confidence;
  py::array_t<bool> calibrated;
  py::array_t<bool> used;
  py::array_t<std::int64_t> limited;
  py::array_t<bool> suspected;  ///< no rows where nothing is judged

  /// Addresses of the arrays, for code that runs without the GIL.
  struct Target {
    std::int64_t* labels;
    float* probabilities;
    float* raw_probabilities;
    float* logits;
    float* confidence;
    bool* calibrated;
    bool* used;
    std::int64_t* limited;
    bool* suspected;  ///< null where nothing is judged
    std::int64_t outputs;
    std::int64_t modalities;

    void put(const Predictions& from, std::int64_t first) const {
      std::ranges::copy(from.labels, labels + first);
      std::ranges::copy(from.probabilities, probabilities + first * outputs);
      std::ranges::copy(from.raw_probabilities, raw_probabilities + first * outputs);
      std::ranges::copy(from.logits, logits + first * outputs);
      std::ranges::copy(from.confidence, confidence + first);
      for (std::int64_t i = 0; i < from.count; ++i) {
        const auto row = static_cast<std::size_t>(i);
        calibrated[first + i] = from.calibrated[row] != 0;
        for (std::int64_t m = 0; m < modalities; ++m) {
          const auto place = (first + i) * modalities + m;
          used[place] = from.used[row].has(static_cast<int>(m));
          if (suspected != nullptr) suspected[place] = from.suspected[row].has(static_cast<int>(m));
        }
      }
      std::ranges::copy(from.limited, limited + first * modalities);
    }
  } to;
};

/// Scratch memory for any number of threads: a call borrows a workspace and returns it.
class Workspaces {
 public:
  [[nodiscard]] std::unique_ptr<Workspace> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<Workspace>();
    auto workspace = std::move(free_.back());
    free_.pop_back();
    return workspace;
  }

  void give_back(std::unique_ptr<Workspace> workspace) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(workspace));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> free_;
};

/// A workspace for the duration of a scope.
class Borrowed {
 public:
  explicit Borrowed(Workspaces& from) : from_(from), workspace_(from.take()) {}

  ~Borrowed() { from_.give_back(std::move(workspace_)); }

  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

  [[nodiscard]] Workspace& get() { return *workspace_; }

 private:
  Workspaces& from_;
  std::unique_ptr<Workspace> workspace_;
};

class Model {
 public:
  explicit Model(const std::string& file)
      : recogniser_(Recogniser::load(file)), workspaces_(std::make_shared<Workspaces>()) {}

  [[nodiscard]] const Recogniser& recogniser() const { return recogniser_; }

  [[nodiscard]] const BundleInfo& info() const { return recogniser_.info(); }

  [[nodiscard]] const std::shared_ptr<Workspaces>& workspaces() const { return workspaces_; }

  /// `offsets`: dialogue b is rows offsets[b] .. offsets[b+1]-1.
  [[nodiscard]] py::tuple predict(const py::dict& features, const IntArray& offsets,
                                  const std::optional<IntArray>& speakers,
                                  const std::optional<std::vector<std::string>>& available,
                                  double set_aside) const {
    Rows rows(info(), features);
    if (speakers) rows.set_speakers(*speakers);
    std::vector<std::int64_t> bounds(offsets.data(), offsets.data() + offsets.size());
    if (bounds.empty()) bounds = {0, rows.count()};
    PredictOptions options;
    options.available = pattern_of(info(), available);
    options.set_aside_rate = set_aside;
    Gathered gathered(rows.count(), info().outputs(),
                      static_cast<std::int64_t>(info().modalities.size()), set_aside != 0);
    const auto to = gathered.to;
    {
      const py::gil_scoped_release release;
      run(rows.views(), bounds, options, to);
    }
    return gathered.tuple();
  }

 private:
  void run(std::span<const UtteranceView> views, const std::vector<std::int64_t>& bounds,
           const PredictOptions& options, const Gathered::Target& to) const {
    if (bounds.front() != 0 || bounds.back() != static_cast<std::int64_t>(views.size())) {
      throw ShapeError("offsets must begin with 0 and end with the number of utterances");
    }
    Borrowed workspace(*workspaces_);
    std::vector<std::int64_t> pass;
    for (std::size_t b = 0; b + 1 < bounds.size();) {
      const std::int64_t first = bounds[b];
      pass.assign(1, 0);
      do {
        if (bounds[b + 1] < bounds[b]) throw ShapeError("offsets must not fall");
        pass.push_back(bounds[++b] - first);
      } while (b + 1 < bounds.size() && bounds[b + 1] - first <= kPassRows);
      const auto part =
          views.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(pass.back()));
      to.put(recogniser_.predict(part, pass, workspace.get(), options), first);
    }
  }

  Recogniser recogniser_;
  std::shared_ptr<Workspaces> workspaces_;
};

class Stream {
 public:
  explicit Stream(const Model& model)
      : stream_(model.recogniser()), workspaces_(model.workspaces()) {}

  [[nodiscard]] py::tuple add(const py::dict& features, std::int64_t speaker,
                              const std::optional<std::vector<std::string>>& available,
                              double set_aside) {
    const auto& info = stream_.recogniser().info();
    const Rows rows(info, features);
    if (rows.count() != 1) throw ShapeError("a turn is one utterance: pass arrays of one row");
    UtteranceView turn = rows.views().front();
    turn.speaker = speaker;
    PredictOptions options;
    options.available = pattern_of(info, available);
    options.set_aside_rate = set_aside;
    Gathered gathered(1, info.outputs(), static_cast<std::int64_t>(info.modalities.size()),
                      set_aside != 0);
    const auto to = gathered.to;
    {
      const py::gil_scoped_release release;
      const std::lock_guard lock(mutex_);
      Borrowed workspace(*workspaces_);
      to.put(stream_.add_turn(turn, workspace.get(), options), 0);
    }
    return gathered.tuple();
  }

  [[nodiscard]] std::int64_t size() const { return stream_.size(); }

 private:
  DialogueStream stream_;
  std::shared_ptr<Workspaces> workspaces_;
  std::mutex mutex_;
};

py::dict outcome_dict(const BundleInfo& info, const PatternOutcome& outcome) {
  py::dict dict;
  dict["available"] = names_of(info, outcome.pattern);
  dict["outputs"] = outcome.outputs;
  dict["raw_outputs"] = outcome.raw_outputs;
  dict["label"] = outcome.label;
  dict["confidence"] = outcome.confidence;
  dict["calibrated"] = outcome.is_calibrated;
  return dict;
}

py::dict explanation_dict(const BundleInfo& info, const Explanation& explanation) {
  py::dict dict;
  dict["utterance"] = explanation.utterance;
  dict["used"] = names_of(info, explanation.used);
  dict["outcome"] = outcome_dict(info, explanation.outcome);
  py::list patterns;
  for (const auto& outcome : explanation.patterns) patterns.append(outcome_dict(info, outcome));
  dict["patterns"] = patterns;
  py::dict contributions;
  for (std::size_t m = 0; m < explanation.contributions.size(); ++m) {
    contributions[py::str(info.modalities[m].name)] = explanation.contributions[m];
  }
  dict["contributions"] = contributions;
  dict["baseline"] = explanation.baseline;
  py::list similar;
  for (const auto& neighbour : explanation.similar) {
    py::dict row;
    row["id"] = neighbour.id;
    row["dialogue"] = neighbour.dialogue;
    row["transcript"] = neighbour.transcript;
    row["label"] = neighbour.label;
    row["distance"] = neighbour.distance;
    similar.append(row);
  }
  dict["similar"] = similar;
  py::list attention;
  for (const auto& one : explanation.attention) {
    py::dict row;
    row["modality"] = info.modalities[static_cast<std::size_t>(one.modality)].name;
    row["turns"] = one.turns;
    row["weights"] = one.weights;
    attention.append(row);
  }
  dict["attention"] = attention;
  return dict;
}

class PyExplainer {
 public:
  explicit PyExplainer(const Model& model)
      : explainer_(model.recogniser()), workspaces_(model.workspaces()) {}

  [[nodiscard]] py::dict explain(const py::dict& features, std::int64_t utterance,
                                 const std::optional<IntArray>& speakers,
                                 std::size_t similar) const {
    const auto& info = explainer_.recogniser().info();
    Rows rows(info, features);
    if (speakers) rows.set_speakers(*speakers);
    Explanation explanation;
    {
      const py::gil_scoped_release release;
      Borrowed workspace(*workspaces_);
      explanation = explainer_.explain(rows.views(), utterance, workspace.get(), similar);
    }
    return explanation_dict(info, explanation);
  }

 private:
  Explainer explainer_;
  std::shared_ptr<Workspaces> workspaces_;
};

py::list calibrations(const BundleInfo& info) {
  py::list list;
  for (const auto& calibration : info.calibrations) {
    py::dict dict;
    dict["available"] = names_of(info, calibration.pattern);
    dict["utterances"] = calibration.utterances;
    dict["temperature"] = calibration.temperature;
    dict["expected_error"] = calibration.expected_error;
    list.append(dict);
  }
  return list;
}

py::list scores(const BundleInfo& info) {
  py::list list;
  for (const auto& score : info.scores) {
    py::dict dict;
    dict["part"] = score.part;
    dict["available"] = names_of(info, score.pattern);
    dict["utterances"] = score.utterances;
    dict["metrics"] = score.metrics;
    list.append(dict);
  }
  return list;
}

/// [2^M] largest score of a prediction set by pattern bits; infinity = nothing can be promised.
py::array_t<double> thresholds(const BundleInfo& info, double coverage) {
  const PredictionSets sets(info, coverage);
  std::vector<double> values;
  for (std::uint32_t bits = 0; bits < (1U << info.modalities.size()); ++bits) {
    values.push_back(sets.threshold(Pattern(bits)));
  }
  return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
}

py::list modalities(const BundleInfo& info) {
  py::list list;
  for (const auto& modality : info.modalities) {
    list.append(py::make_tuple(modality.name, modality.width));
  }
  return list;
}

void bind_model(py::module_& module) {
  py::class_<Model>(module, "Model", "A stored model; see hardy.Model.")
      .def(py::init<const std::string&>(), py::arg("file"),
           py::call_guard<py::gil_scoped_release>(), "Maps a model file.")
      .def(
          "predict", &Model::predict, py::arg("features"), py::arg("offsets"),
          py::arg("speakers") = py::none(), py::arg("available") = py::none(),
          py::arg("set_aside") = 0.0,
          "Recognises n utterances; dialogue b is rows offsets[b] .. offsets[b + 1] - 1. Returns "
          "arrays: labels, probabilities, raw_probabilities, logits, confidence, calibrated, used, "
          "limited, suspected (None without set_aside).")
      .def(
          "thresholds",
          [](const Model& m, double coverage) { return thresholds(m.info(), coverage); },
          py::arg("coverage"),
          "[2^M] largest score in a prediction set, by the bits of the modalities in use.")
      .def_property_readonly("modalities", [](const Model& m) { return modalities(m.info()); })
      .def_property_readonly("classes", [](const Model& m) { return m.info().class_names; })
      .def_property_readonly("targets", [](const Model& m) { return m.info().target_names; })
      .def_property_readonly("task", [](const Model& m) { return m.info().label_kind; })
      .def_property_readonly("calibration", [](const Model& m) { return calibrations(m.info()); })
      .def_property_readonly("scores", [](const Model& m) { return scores(m.info()); })
      .def_property_readonly("method", [](const Model& m) { return stored_method(m.info()); })
      .def_property_readonly("track", [](const Model& m) { return m.info().track; })
      .def_property_readonly("fold", [](const Model& m) { return m.info().fold; })
      .def_property_readonly("seed", [](const Model& m) { return m.info().seed; })
      .def_property_readonly("data_name", [](const Model& m) { return m.info().data_name; })
      .def_property_readonly("is_synthetic", [](const Model& m) { return m.info().is_synthetic; })
      .def_property_readonly("config_toml", [](const Model& m) { return m.info().config_toml; })
      .def_property_readonly("fingerprint",
                             [](const Model& m) { return m.recogniser().fingerprint(); });
  py::class_<Stream>(module, "Stream", "A dialogue that grows; see hardy.Stream.")
      .def(py::init<const Model&>(), py::arg("model"))
      .def("add", &Stream::add, py::arg("features"), py::arg("speaker") = -1,
           py::arg("available") = py::none(), py::arg("set_aside") = 0.0,
           "Appends a turn; returns what Model.predict returns.")
      .def("__len__", &Stream::size);
  py::class_<PyExplainer>(module, "Explainer", "Explains predictions; see hardy.Model.explain.")
      .def(py::init<const Model&>(), py::arg("model"))
      .def("explain", &PyExplainer::explain, py::arg("features"), py::arg("utterance"),
           py::arg("speakers") = py::none(), py::arg("similar") = 5,
           "Explains one utterance of a dialogue as a dictionary.");
}

}  // namespace
}  // namespace hardy::python

PYBIND11_MODULE(_inference, module) {
  module.doc() = "Stored models at work (internal; use the package hardy).";
  module.attr("__version__") = hardy::program_version();
  hardy::python::translate_errors();
  hardy::python::bind_model(module);
  module.def(
      "verify_listed_file",
      [](const std::string& folder, const std::string& name) {
        hardy::verify_listed_file(folder, name);
      },
      py::arg("folder"), py::arg("name"), py::call_guard<py::gil_scoped_release>(),
      "Refuses a file of a run that is not what its SHA256SUMS says: ArtifactError.");
}
