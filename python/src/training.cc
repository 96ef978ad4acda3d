// hardy._training: the protocol, comparisons and methods written in Python. Links libtorch; loaded
// on the first training.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analysis/results_json.h"
#include "config/fields.h"
#include "errors.h"
#include "experiments/run_comparison.h"
#include "experiments/table_formats.h"
#include "hardy/config.h"
#include "hardy/corpus.h"
#include "hardy/errors.h"
#include "methods/fold_stage.h"
#include "methods/method.h"
#include "pipeline/cpu_time.h"
#include "protocol/run_protocol.h"
#include "train/objective.h"

namespace py = pybind11;

namespace hardy::python {
namespace {

/// Calls a Python function `(phase, done, total, current)`, at most ten times a second.
class PythonProgress final : public Progress {
 public:
  explicit PythonProgress(py::object call) : call_(std::move(call)) {}

  ~PythonProgress() override {
    const py::gil_scoped_acquire acquire;
    call_ = py::none();
  }

  PythonProgress(const PythonProgress&) = delete;
  PythonProgress& operator=(const PythonProgress&) = delete;

  void start(const std::string& phase) override {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
  }

  void update(double done, double total, const std::string& current) override {
    const auto now = std::chrono::steady_clock::now();
    std::string phase;
    {
      const std::lock_guard lock(mutex_);
      if (now - last_ < std::chrono::milliseconds(100) && done < total) return;
      last_ = now;
      phase = phase_;
    }
    say(phase, done, total, current);
  }

  void note(const std::string& line) override { say("note", 0, 0, line); }

  void finish() override {}

 private:
  void say(const std::string& phase, double done, double total, const std::string& current) {
    const py::gil_scoped_acquire acquire;
    if (call_.is_none()) return;
    try {
      call_(phase, done, total, text_of(current));
    } catch (py::error_already_set& error) {
      error.discard_as_unraisable("hardy progress");
    }
  }

  py::object call_;
  std::mutex mutex_;
  std::string phase_;
  std::chrono::steady_clock::time_point last_{};
};

/// A training that another thread can stop.
class Job {
 public:
  void stop() { stop_ = true; }

  [[nodiscard]] const std::atomic<bool>* flag() const { return &stop_; }

 private:
  std::atomic<bool> stop_{false};
};

Config config_of(const std::string& preset, const std::vector<std::string>& assignments) {
  Config config = make_preset(preset);
  for (const auto& assignment : assignments) set_config_field(config, assignment);
  validate_config(config);
  return config;
}

/// Output paths besides the settings.
struct Place {
  std::string folder;
  std::string cache;
  bool overwrite = false;
  bool only_validation = false;  ///< no output on the test part is made
};

py::tuple run(Job& job, const std::shared_ptr<Corpus>& corpus, const std::string& preset,
              const std::vector<std::string>& assignments, const Place& place,
              const py::object& progress) {
  ProtocolRequest request;
  request.config = config_of(preset, assignments);
  request.folder = place.folder;
  request.cache = place.cache;
  request.overwrite = place.overwrite;
  request.only_validation = place.only_validation;
  request.stop = job.flag();
  PythonProgress reporter(progress);
  std::string folder;
  std::string json;
  {
    const py::gil_scoped_release release;
    const ProtocolResult result = run_protocol(request, *corpus, reporter);
    folder = result.folder.string();
    json = results_json(result.results);
  }
  return py::make_tuple(py::bytes(folder), json);
}

py::tuple compare(Job& job, const std::shared_ptr<Corpus>& corpus, const std::string& preset,
                  const std::vector<std::string>& assignments,
                  const std::vector<std::string>& methods, std::int64_t budget,
                  std::int64_t patience, const Place& place, const py::object& progress) {
  CompareOptions options;
  options.methods = methods;
  options.budget = budget;
  options.patience = patience;
  const Config base = config_of(preset, assignments);
  PythonProgress reporter(progress);
  std::string csv;
  std::string text;
  std::vector<std::string> refusals;
  {
    const py::gil_scoped_release release;
    StudyRequest request;
    request.study = comparison_study(options, base);
    request.folder = place.folder;
    request.cache = place.cache;
    request.overwrite = place.overwrite;
    request.stop = job.flag();
    const auto plan = plan_comparison(request.study, *corpus);
    request.study = plan.study;
    claim_study_folder(request.folder, request.study);
    const auto done = run_comparison(request, plan, options, *corpus, reporter);
    csv = comparison_in("csv", done.comparison);
    text = comparison_in("", done.comparison);
    for (const auto& refusal : plan.refusals) {
      refusals.push_back(refusal.method + ": " + refusal.reason);
    }
  }
  return py::make_tuple(py::bytes(place.folder), csv, text, refusals);
}

// ---- methods written in Python
// -------------------------------------------------------------------

/// Identifies the version of a Python method in manifests.
struct PythonMethodSettings : SettingsOf<PythonMethodSettings> {
  std::string code;

  void describe(FieldTable& table) override {
    table.add("code", &code, FreeText{"text"},
              {"Checksum of the method's Python source.", "Another version is another run."});
  }
};

/// The Python objects behind the methods of this process, by name; fitted models by number.
class PythonMethods {
 public:
  static PythonMethods& instance() {
    // Never destroyed: Python objects must not be released after the interpreter.
    static auto* methods = new PythonMethods;
    return *methods;
  }

  void set(const std::string& name, py::object method) { methods_[name] = std::move(method); }

  [[nodiscard]] bool has(const std::string& name) const { return methods_.contains(name); }

  [[nodiscard]] py::object get(const std::string& name) const { return methods_.at(name); }

  std::int64_t keep(py::object model) {
    models_[next_] = std::move(model);
    return next_++;
  }

  [[nodiscard]] py::object model(std::int64_t number) const { return models_.at(number); }

  void forget_models() { models_.clear(); }

 private:
  std::map<std::string, py::object> methods_;
  std::map<std::int64_t, py::object> models_;
  std::int64_t next_ = 0;
};

/// Scaled features of some utterances under a pattern; NaN for absent modalities.
py::dict features_of(const FoldData& data, const std::vector<std::int64_t>& utterances,
                     Pattern pattern) {
  py::dict features;
  for (int m = 0; m < data.table.modality_count(); ++m) {
    const auto index = static_cast<std::size_t>(m);
    const auto width = data.corpus->modalities[index].width;
    const auto table = data.table.features[index].all().contiguous();
    const float* values = table.data_ptr<float>();
    py::array_t<float> array({static_cast<py::ssize_t>(utterances.size()), py::ssize_t{width}});
    float* to = array.mutable_data();
    for (std::size_t i = 0; i < utterances.size(); ++i, to += width) {
      const auto row = static_cast<std::size_t>(utterances[i]);
      if (pattern.has(m) && data.table.present[row].has(m)) {
        std::copy_n(values + utterances[i] * width, width, to);
      } else {
        std::fill_n(to, width, std::numeric_limits<float>::quiet_NaN());
      }
    }
    features[py::str(data.corpus->modalities[index].name)] = array;
  }
  return features;
}

/// [n, width] of a corpus's numbers by utterance, NaN where it is not labelled.
py::object rows_of(const Corpus& corpus, const std::vector<float>& numbers,
                   const std::vector<std::int64_t>& utterances) {
  if (numbers.empty()) return py::none();
  const auto width = static_cast<std::int64_t>(numbers.size()) / corpus.size();
  py::array_t<float> array({static_cast<py::ssize_t>(utterances.size()), py::ssize_t{width}});
  float* to = array.mutable_data();
  for (const auto u : utterances) {
    if (corpus.utterances[static_cast<std::size_t>(u)].is_labelled()) {
      std::copy_n(numbers.data() + u * width, width, to);
    } else {
      std::fill_n(to, width, std::numeric_limits<float>::quiet_NaN());
    }
    to += width;
  }
  return array;
}

/// The arguments of hardy.methods.Batch. Labels only where `with_labels`.
py::dict batch_of(const FoldData& data, const std::vector<std::int64_t>& utterances,
                  Pattern pattern, bool with_labels) {
  const auto n = static_cast<py::ssize_t>(utterances.size());
  py::list ids;
  py::list speakers;
  py::array_t<std::int64_t> dialogues(n);
  py::array_t<float> labels(n);
  for (py::ssize_t i = 0; i < n; ++i) {
    const auto& utterance =
        data.corpus->utterances[static_cast<std::size_t>(utterances[static_cast<std::size_t>(i)])];
    ids.append(utterance.id);
    speakers.append(utterance.speaker);
    dialogues.mutable_at(i) = utterance.dialogue;
    labels.mutable_at(i) = utterance.label;
  }
  py::dict batch;
  batch["features"] = features_of(data, utterances, pattern);
  batch["ids"] = ids;
  batch["speakers"] = speakers;
  batch["dialogues"] = dialogues;
  batch["labels"] = py::none();
  if (!with_labels) return batch;
  const auto& corpus = *data.corpus;
  batch["labels"] =
      corpus.targets.empty() ? py::object(labels) : rows_of(corpus, corpus.targets, utterances);
  batch["shares"] = rows_of(corpus, corpus.shares, utterances);
  return batch;
}

[[noreturn]] void fail(const std::string& name, const char* what, const py::error_already_set& e) {
  throw DataError("the Python method '" + name + "' failed in " + what + ": " + e.what());
}

/// Number of a fitted model; no name of a parameter, which costs would count.
constexpr const char* kModelNumber = "number";

class PythonFold final : public FoldMethod {
 public:
  PythonFold(std::string name, const FoldRequest& request)
      : name_(std::move(name)),
        fold_(request.fold.index),
        seed_(request.seed),
        costs_(request.costs) {}

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    context.throw_if_stopping();
    const py::gil_scoped_acquire acquire;
    const auto complete = Pattern::complete(data.table.modality_count());
    py::list conditions;
    for (const auto pattern : patterns) {
      py::list names;
      for (int m = 0; m < data.table.modality_count(); ++m) {
        if (pattern.has(m)) names.append(data.corpus->modalities[static_cast<std::size_t>(m)].name);
      }
      conditions.append(py::tuple(names));
    }
    const auto validation = utterances_of(*data.corpus, data.fold.validation);
    TensorFile file;
    const double before = thread_cpu_s();
    try {
      py::object model = PythonMethods::instance().get(name_).attr("_fit")(
          batch_of(data, data.train, complete, true),
          validation.empty() ? py::object(py::none())
                             : py::object(batch_of(data, validation, complete, true)),
          conditions, data.objective->outputs(), seed_);
      file.add(kModelNumber, {1},
               std::vector<std::int64_t>{PythonMethods::instance().keep(std::move(model))});
    } catch (py::error_already_set& error) {
      fail(name_, "fit", error);
    }
    const double cpu_s = thread_cpu_s() - before;
    FoldStage::set_cpu_seconds(file, cpu_s);
    costs_.note(std::to_string(fold_) + " " + std::to_string(seed_) + " " + bits_text(patterns),
                cpu_s);
    return file;
  }

 private:
  std::string name_;
  int fold_;
  std::int64_t seed_;
  StageCosts& costs_;
};

class PythonMethod final : public Method {
 public:
  explicit PythonMethod(std::string name) : name_(std::move(name)) {}

  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<PythonFold>(name_, request);
  }

  [[nodiscard]] std::vector<float> predict(const FoldData& data, const Config& /*config*/,
                                           const TensorFile& model,
                                           const std::vector<std::int64_t>& dialogues,
                                           Pattern pattern) const override {
    const auto utterances = utterances_of(*data.corpus, dialogues);
    const py::gil_scoped_acquire acquire;
    try {
      const auto found = PythonMethods::instance().get(name_).attr("_predict")(
          PythonMethods::instance().model(model.integers(kModelNumber).front()),
          batch_of(data, utterances, pattern, false));
      const auto outputs =
          py::array_t<float, py::array::c_style | py::array::forcecast>::ensure(found);
      const auto wanted = static_cast<std::int64_t>(utterances.size()) * data.objective->outputs();
      if (!outputs || outputs.size() != wanted) {
        PyErr_Clear();
        throw ShapeError("the Python method '" + name_ + "' returned " +
                         (outputs ? std::to_string(outputs.size()) : "no") + " numbers for " +
                         std::to_string(utterances.size()) + " utterances; expected [n, " +
                         std::to_string(data.objective->outputs()) + "]");
      }
      return {outputs.data(), outputs.data() + outputs.size()};
    } catch (py::error_already_set& error) {
      fail(name_, "predict", error);
    }
  }

  [[nodiscard]] std::optional<std::string> storage_problem(
      const Config& /*config*/) const override {
    return "models of a method written in Python live in its process only";
  }

 private:
  std::string name_;
};

/// Registers a Python method in this process, or replaces the one of that name.
void add_python_method(const std::string& name, const std::string& title, py::object method) {
  auto& methods = PythonMethods::instance();
  if (!methods.has(name)) {
    MethodDeclaration declaration;
    declaration.name = name;
    declaration.title = title;
    declaration.summary = "A method written in Python.";
    declaration.settings = std::make_shared<const PythonMethodSettings>();
    add_method(std::move(declaration), std::make_unique<PythonMethod>(name));
  }
  methods.set(name, std::move(method));
}

}  // namespace
}  // namespace hardy::python

PYBIND11_MODULE(_training, module) {
  namespace p = hardy::python;
  module.doc() = "Training (internal; use the package hardy).";
  p::translate_errors();
  py::module_::import("hardy._data");  // defines Corpus
  py::class_<p::Job>(module, "Job", "A training that another thread can stop.")
      .def(py::init<>())
      .def("stop", &p::Job::stop, "Asks the training to stop and keep what is finished.");
  py::class_<p::Place>(module, "Place", "Where a training writes.")
      .def(py::init<std::string, std::string, bool, bool>(), py::arg("folder"),
           py::arg("cache") = "", py::arg("overwrite") = false, py::arg("only_validation") = false);
  module.def("run", &p::run, py::arg("job"), py::arg("corpus"), py::arg("preset"),
             py::arg("assignments"), py::arg("place"), py::arg("progress"),
             "Runs the protocol; returns (folder, results as JSON).");
  module.def("compare", &p::compare, py::arg("job"), py::arg("corpus"), py::arg("preset"),
             py::arg("assignments"), py::arg("methods"), py::arg("budget"), py::arg("patience"),
             py::arg("place"), py::arg("progress"),
             "Compares methods; returns (folder, table as CSV, table as text, refusals).");
  module.def("add_method", &p::add_python_method, py::arg("name"), py::arg("title"),
             py::arg("method"), "Makes a hardy.Method known to this process.");
  module.def(
      "forget_models", [] { p::PythonMethods::instance().forget_models(); },
      "Releases the fitted models of methods written in Python.");
}
