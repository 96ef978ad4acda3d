#include "cli/shift_command.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "analysis/feature_shift.h"
#include "cli/output.h"
#include "cli/predict_command.h"
#include "corpus/match_model.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "hardy/mapped_file.h"

namespace hardy {
namespace {

struct ShiftCommand {
  std::string source;
  std::string target;
  std::vector<std::string> assignments;
  bool is_json = false;
};

constexpr const char* kShiftFooter =
    "SMD: the standardised mean difference |m_t - m_s| / sqrt((v_s + v_t) / 2), mean over the\n"
    "columns; above 0.1 a column counts as shifted. ratio: geometric mean of v_t / v_s; outside\n"
    "of 0.5 to 2 a column counts as unequal. clipped: values outside of the model's clip range\n"
    "(docs/transfer.md).\n\n"
    "Examples:\n"
    "  hardy data shift mosi/models/unified-fold0-seed1.safetensors data/OTHER\n"
    "  hardy data shift data/IEMOCAP-4 data/IEMOCAP-6\n";

Corpus load(const std::string& path, const std::vector<std::string>& assignments) {
  Config config;
  for (const auto& assignment : assignments) {
    if (!assignment.starts_with("data.")) {
      throw ConfigError(fmt::format("--set {}: only data.* matters here", assignment));
    }
    set_config_field(config, assignment);
  }
  config.data.path = path;
  return load_corpus(config.data,
                     std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 16));
}

bool is_model(const std::filesystem::path& path) {
  std::error_code ignored;
  return path.extension() == ".safetensors" ||
         std::filesystem::is_regular_file(path / "manifest.json", ignored);
}

/// What matching needs to know of a corpus in the place of a model.
BundleInfo info_of(const Corpus& corpus) {
  BundleInfo info;
  for (const auto& modality : corpus.modalities) {
    info.modalities.push_back({modality.name, modality.width});
    info.makers.push_back(modality.maker);
  }
  return info;
}

void run_shift(const ShiftCommand& command) {
  BundleInfo info;
  std::vector<ColumnMoments> source;
  if (is_model(command.source)) {
    const auto path = find_bundle(command.source);
    const MappedFile file(path, Residence::kMapped);
    const auto contents = view_tensor_file(file.bytes(), path.string());
    info = read_bundle_info(contents, path.string());
    source = stored_moments(contents, info);
  } else {
    const Corpus corpus = load(command.source, command.assignments);
    info = info_of(corpus);
    source = moments_of(corpus);
  }
  Corpus target = load(command.target, command.assignments);
  std::vector<std::string> notes;
  match_modalities(target, info, notes);
  for (const auto& note : notes) print_notice("hardy: note: " + printable(note));
  const auto shifts = feature_shift(source, target);
  print(command.is_json ? shift_json(shifts, command.source, command.target) : shift_text(shifts));
}

}  // namespace

void add_shift_command(CLI::App& data_app) {
  auto command = std::make_shared<ShiftCommand>();
  CLI::App* shift = data_app.add_subcommand(
      "shift", "Compare the features of a corpus with those a model was trained on");
  shift->add_option("SOURCE", command->source, "A model file, a run folder, or a corpus")
      ->required();
  shift->add_option("TARGET", command->target, "The corpus to compare with it")->required();
  shift
      ->add_option("--set", command->assignments,
                   "A setting of how corpora are read, e.g. --set data.reduce=mean-std; may be "
                   "repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  shift->add_flag("--json", command->is_json, "machine-readable output");
  shift->footer(kShiftFooter);
  shift->callback([command] { run_shift(*command); });
}

}  // namespace hardy
