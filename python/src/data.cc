// hardy._data: corpora, their checks and every setting. Links no libtorch.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "config/fields.h"
#include "corpus/label_column.h"
#include "corpus/plain_form.h"
#include "errors.h"
#include "hardy/config.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "hardy/split.h"

namespace py = pybind11;

namespace hardy::python {
namespace {

using FloatArray = py::array_t<float, py::array::c_style | py::array::forcecast>;

py::tuple finding_tuple(const Finding& finding) {
  return py::make_tuple(severity_name(finding.severity), finding.kind, text_of(finding.where),
                        text_of(finding.what), text_of(finding.remedy));
}

DataConfig data_config(const std::string& path, const std::map<std::string, std::string>& options) {
  Config config = make_preset("default");
  config.data.path = path;
  for (const auto& [key, value] : options) set_config_field(config, "data." + key + "=" + value);
  return config.data;
}

/// Shared by Python objects and views of its arrays.
std::shared_ptr<Corpus> load(const std::string& path,
                             const std::map<std::string, std::string>& options) {
  return std::make_shared<Corpus>(load_corpus(data_config(path, options), 1));
}

py::list check_path(const std::string& path, const std::map<std::string, std::string>& options) {
  CheckReport report;
  {
    const py::gil_scoped_release release;
    report = check_corpus(data_config(path, options), 1);
  }
  py::list list;
  for (const auto& finding : report.findings) list.append(finding_tuple(finding));
  return list;
}

ModalityData modality_data(const std::string& name, const py::handle& value, py::ssize_t rows) {
  const FloatArray array = FloatArray::ensure(value);
  if (!array) {
    PyErr_Clear();
    throw DataError("features of '" + name + "' are no array of numbers");
  }
  if (array.ndim() != 2 || array.shape(0) != rows) {
    throw ShapeError("features of '" + name + "': expected [" + std::to_string(rows) +
                     ", width], one row per label");
  }
  ModalityData modality;
  modality.name = name;
  modality.width = array.shape(1);
  modality.features.assign(array.data(), array.data() + array.size());
  modality.present.assign(static_cast<std::size_t>(rows), 1);
  for (py::ssize_t i = 0; i < rows; ++i) {
    float* row = modality.features.data() + i * modality.width;
    if (!std::all_of(row, row + modality.width, [](float x) { return std::isnan(x); })) continue;
    std::fill(row, row + modality.width, 0.0F);
    modality.present[static_cast<std::size_t>(i)] = 0;
  }
  return modality;
}

Part part_of(const std::string& name) {
  if (name.empty()) return Part::kNone;
  for (const Part part : {Part::kTrain, Part::kValidation, Part::kTest}) {
    if (name == part_name(part)) return part;
  }
  throw DataError("split '" + name + "' is none of train, validation, test");
}

/// Arguments of from_arrays; rows are sorted by dialogue.
struct Columns {
  std::vector<std::string> ids;
  std::vector<std::string> dialogues;
  std::vector<std::string> speakers;
  std::vector<std::string> groups;
  std::vector<std::string> parts;
  std::vector<std::string> transcripts;
  std::vector<float> labels;
};

void add_row(Corpus& corpus, const Columns& columns, std::size_t i) {
  const auto& name = columns.dialogues[i];
  if (corpus.dialogues.empty() || corpus.dialogues.back().id != name) {
    Dialogue dialogue;
    dialogue.id = name;
    dialogue.first = static_cast<std::int64_t>(i);
    dialogue.group = columns.groups[i];
    dialogue.part = part_of(columns.parts[i]);
    corpus.dialogues.push_back(dialogue);
  }
  auto& dialogue = corpus.dialogues.back();
  if (dialogue.part != part_of(columns.parts[i]) || dialogue.group != columns.groups[i]) {
    throw DataError("dialogue '" + name + "' stands in several groups or parts of the split");
  }
  Utterance utterance;
  utterance.id = columns.ids[i];
  utterance.dialogue = static_cast<std::int64_t>(corpus.dialogues.size()) - 1;
  utterance.position = dialogue.count++;
  utterance.speaker = columns.speakers[i];
  utterance.label = columns.labels[i];
  utterance.transcript = columns.transcripts[i];
  corpus.utterances.push_back(std::move(utterance));
}

/// Several labels of each utterance, or the shares of raters, read like the columns label:NAME of a
/// table. `targets`: name -> [N] texts, "" = not labelled. Throws DataError for the first error.
void add_targets(Corpus& corpus, const py::dict& targets, const std::string& task) {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> texts;
  for (const auto& [key, value] : targets) {
    names.push_back(py::cast<std::string>(key));
    texts.push_back(py::cast<std::vector<std::string>>(value));
  }
  std::vector<std::size_t> rows(corpus.utterances.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  std::vector<TableColumn> columns;
  for (const auto& column : texts) {
    columns.push_back({"labels", {column.begin(), column.end()}, rows});
  }
  PlainSettings settings;
  settings.task = task;
  settings.unlabelled = {""};
  auto labels = read_target_columns(names, columns, settings);
  for (const auto& finding : labels.findings) {
    if (finding.severity != Severity::kError) continue;
    std::string where = finding.where;  // "labels, line 3"
    if (const auto word = where.find(", line "); word != std::string::npos) {
      where.replace(word, 7, ", row ");
    }
    throw DataError(where + ": " + finding.what, finding.remedy);
  }
  corpus.label_kind = labels.kind;
  corpus.class_names = std::move(labels.class_names);
  corpus.target_names = std::move(labels.target_names);
  corpus.targets = std::move(labels.targets);
  corpus.shares = std::move(labels.shares);
  for (std::size_t i = 0; i < rows.size(); ++i) corpus.utterances[i].label = labels.labels[i];
}

std::shared_ptr<Corpus> from_arrays(const std::string& name, const py::dict& features,
                                    const py::dict& columns,
                                    const std::vector<std::string>& class_names,
                                    const py::dict& targets, const std::string& task) {
  const auto texts = [&](const char* key) {
    return py::cast<std::vector<std::string>>(columns[key]);
  };
  const Columns rows = {texts("id"),
                        texts("dialogue"),
                        texts("speaker"),
                        texts("group"),
                        texts("split"),
                        texts("transcript"),
                        py::cast<std::vector<float>>(columns["label"])};
  auto corpus = std::make_shared<Corpus>();
  corpus->name = name;
  corpus->source = "arrays";
  corpus->label_kind = class_names.empty() ? LabelKind::kValue : LabelKind::kClass;
  corpus->class_names = class_names;
  for (const auto& [key, value] : features) {
    corpus->modalities.push_back(modality_data(py::cast<std::string>(key), value,
                                               static_cast<py::ssize_t>(rows.labels.size())));
  }
  for (std::size_t i = 0; i < rows.labels.size(); ++i) add_row(*corpus, rows, i);
  if (!targets.empty()) add_targets(*corpus, targets, task);
  validate_corpus(*corpus);
  corpus->checksum = corpus_checksum(*corpus);
  return corpus;
}

/// A view of [N, d_m] features; it keeps the corpus alive.
py::array features(const std::shared_ptr<Corpus>& corpus, const std::string& name) {
  for (auto& modality : corpus->modalities) {
    if (modality.name != name) continue;
    const auto owner = py::cast(corpus);
    py::array array(py::dtype::of<float>(),
                    {static_cast<py::ssize_t>(corpus->size()), py::ssize_t{modality.width}},
                    modality.features.data(), owner);
    array.attr("flags").attr("writeable") = false;
    return array;
  }
  std::string known;
  for (const auto& modality : corpus->modalities) known += " " + modality.name;
  throw ConfigError("no modality '" + name + "'; this corpus has:" + known);
}

py::array_t<bool> present(const Corpus& corpus, const std::string& name) {
  for (const auto& modality : corpus.modalities) {
    if (modality.name != name) continue;
    py::array_t<bool> array(static_cast<py::ssize_t>(modality.present.size()));
    std::ranges::transform(modality.present, array.mutable_data(), [](auto x) { return x != 0; });
    return array;
  }
  throw ConfigError("no modality '" + name + "'");
}

/// [N, width] of numbers by utterance, NaN where it is not labelled; None where there are none.
py::object by_utterance(const Corpus& corpus, const std::vector<float>& numbers) {
  if (numbers.empty()) return py::none();
  const auto n = static_cast<py::ssize_t>(corpus.size());
  const auto width = static_cast<py::ssize_t>(numbers.size()) / n;
  py::array_t<float> array({n, width});
  float* row = array.mutable_data();
  std::ranges::copy(numbers, row);
  for (const auto& utterance : corpus.utterances) {
    if (!utterance.is_labelled()) {
      std::fill_n(row, width, std::numeric_limits<float>::quiet_NaN());
    }
    row += width;
  }
  return array;
}

py::object values_of(const Corpus& corpus) {
  if (corpus.values.empty()) return py::none();
  return py::array_t<float>(static_cast<py::ssize_t>(corpus.values.size()), corpus.values.data());
}

py::dict columns_of(const Corpus& corpus) {
  py::list ids, dialogues, positions, speakers, groups, parts, transcripts, labels;
  for (const auto& utterance : corpus.utterances) {
    const auto& dialogue = corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)];
    ids.append(utterance.id);
    dialogues.append(dialogue.id);
    positions.append(utterance.position);
    speakers.append(utterance.speaker);
    groups.append(dialogue.group);
    parts.append(part_name(dialogue.part));
    transcripts.append(utterance.transcript);
    labels.append(utterance.label);
  }
  py::dict dict;
  dict["id"] = ids;
  dict["dialogue"] = dialogues;
  dict["position"] = positions;
  dict["speaker"] = speakers;
  dict["group"] = groups;
  dict["split"] = parts;
  dict["transcript"] = transcripts;
  dict["label"] = labels;
  return dict;
}

py::list check(const Corpus& corpus) {
  py::list list;
  for (const auto& finding : check_contents(corpus)) list.append(finding_tuple(finding));
  return list;
}

void save(const Corpus& corpus, const std::string& folder) { write_plain(corpus, folder); }

py::list modalities(const Corpus& corpus) {
  py::list list;
  for (const auto& modality : corpus.modalities) {
    list.append(py::make_tuple(modality.name, modality.width));
  }
  return list;
}

py::list fields() {
  py::list list;
  for (const auto& field : config_fields()) {
    py::dict dict;
    dict["key"] = field.key;
    dict["type"] = field.type;
    dict["default"] = field.default_value;
    dict["range"] = field.range;
    dict["meaning"] = field.meaning;
    dict["effect"] = field.effect;
    list.append(dict);
  }
  return list;
}

py::list methods() {
  py::list list;
  for (const auto& method : declared_methods()) {
    list.append(py::make_tuple(method.name, method.title, method.summary, method.is_control));
  }
  return list;
}

/// Every setting of a preset by its key, as TOML. Throws ConfigError for another name.
py::dict preset_values(const std::string& preset) {
  Config config = make_preset(preset);
  py::dict values;
  for (const auto& field : describe(config)) values[py::str(field.key)] = field_value(field);
  return values;
}

/// Refuses "key=value" of an unknown key, or a value of another type or out of range: ConfigError.
void check_setting(const std::string& assignment) {
  Config config = make_preset("default");
  set_config_field(config, assignment);
}

/// The settings as TOML, after assignments ("retrieval.k=3") over a preset. Throws ConfigError.
std::string settings_toml(const std::string& preset, const std::vector<std::string>& assignments) {
  Config config = make_preset(preset);
  for (const auto& assignment : assignments) set_config_field(config, assignment);
  validate_config(config);
  return config_toml(config);
}

}  // namespace
}  // namespace hardy::python

PYBIND11_MODULE(_data, module) {
  using hardy::Corpus;
  namespace p = hardy::python;
  module.doc() = "Corpora and settings (internal; use the package hardy).";
  p::translate_errors();
  py::class_<Corpus, std::shared_ptr<Corpus>>(module, "Corpus", "A corpus; see hardy.Corpus.")
      .def_readonly("name", &Corpus::name)
      .def_readonly("source", &Corpus::source)
      .def_readonly("checksum", &Corpus::checksum)
      .def_readonly("is_synthetic", &Corpus::is_synthetic)
      .def_readonly("class_names", &Corpus::class_names)
      .def_readonly("target_names", &Corpus::target_names)
      .def_property_readonly("task",
                             [](const Corpus& c) { return hardy::label_kind_name(c.label_kind); })
      .def_property_readonly("modalities", &p::modalities)
      .def("__len__", &Corpus::size)
      .def("features", &p::features, py::arg("modality"))
      .def("present", &p::present, py::arg("modality"))
      .def("targets", [](const Corpus& c) { return p::by_utterance(c, c.targets); })
      .def("shares", [](const Corpus& c) { return p::by_utterance(c, c.shares); })
      .def("values", &p::values_of)
      .def("columns", &p::columns_of)
      .def("check", &p::check)
      .def("save", &p::save, py::arg("folder"), py::call_guard<py::gil_scoped_release>());
  module.def("load", &p::load, py::arg("path"), py::arg("options"),
             py::call_guard<py::gil_scoped_release>());
  module.def("check_path", &p::check_path, py::arg("path"), py::arg("options"));
  module.def("from_arrays", &p::from_arrays, py::arg("name"), py::arg("features"),
             py::arg("columns"), py::arg("class_names"), py::arg("targets") = py::dict(),
             py::arg("task") = "");
  module.def("fields", &p::fields);
  module.def("preset_values", &p::preset_values, py::arg("preset"));
  module.def("check_setting", &p::check_setting, py::arg("assignment"));
  module.def("methods", &p::methods);
  module.def("settings_toml", &p::settings_toml, py::arg("preset"), py::arg("assignments"));
}
