#include "cli/bundle_command.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "base/checksum_list.h"
#include "base/files.h"
#include "cli/output.h"
#include "cli/predict_command.h"
#include "export/onnx_export.h"
#include "formats/csv.h"
#include "formats/text.h"
#include "formats/torch_checkpoint.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "hardy/split.h"
#include "hardy/training_section.h"
#include "inference/published_checkpoint.h"
#include "inference/request.h"
#include "methods/hardymer/settings.h"
#include "pipeline/run_folder.h"

namespace hardy {
namespace {

struct BundleCommand {
  std::string source;
  std::string out;
  std::string labels;
  std::string modalities = "acoustic,textual,visual";
  std::string run;
  std::string data;
  std::int64_t heads = 2;
};

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  std::size_t start = 0;
  while (start < list.size()) {
    const auto end = std::min(list.find(',', start), list.size());
    words.emplace_back(trim(std::string_view(list).substr(start, end - start)));
    start = end + 1;
  }
  return words;
}

void show(const BundleCommand& command) {
  const auto recogniser = Recogniser::load(find_bundle(command.source));
  print(model_json(recogniser).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) +
        "\n");
}

/// The authors' checkpoint as a bundle; errors name its file.
TensorFile bundle_of_checkpoint(const BundleCommand& command) {
  const auto state_dict = load_torch_checkpoint(command.source);
  try {
    return published_bundle(state_dict, words_of(command.modalities), words_of(command.labels),
                            command.heads);
  } catch (Error& error) {
    if (error.kind() == ErrorKind::kArtifact) error.add_context(command.source);
    throw;
  }
}

void convert_pth(const BundleCommand& command) {
  save_tensor_file(command.out, bundle_of_checkpoint(command));
  print(fmt::format("{}: written; neither its scores nor a calibration are known\n", command.out));
}

void convert_to_onnx(const BundleCommand& command) {
  const auto bytes = export_onnx(find_bundle(command.source));
  write_file_atomically(command.out, bytes);
  print(fmt::format("{}: written, {}\n", command.out,
                    bytes_text(static_cast<std::int64_t>(bytes.size()))));
}

/// Whether the candidates of each modality are found by cosine; equals
/// src/methods/hardymer/stages.h in training.
std::vector<bool> cosine_modalities(const BundleInfo& info, const std::string& setting) {
  std::vector<bool> result;
  for (const auto& modality : info.modalities) {
    bool is_cosine = setting == "cosine" || (setting != "l2" && modality.name.starts_with("text"));
    for (const auto& word : words_of(setting)) {
      if (word == modality.name + "=cosine") is_cosine = true;
      if (word == modality.name + "=l2") is_cosine = false;
    }
    result.push_back(is_cosine);
  }
  return result;
}

/// Fills the hardness of one fold and seed from a run's hardness.csv.
void read_hardness(const RunFolder& run, const BundleInfo& info, TrainingRecords& records) {
  const auto file = run.hardness_file();
  verify_listed_file(file);
  const CsvTable table = parse_csv(read_text_file(file), file.string());
  std::map<std::string, std::size_t> row_of;
  for (std::size_t i = 0; i < records.ids.size(); ++i) row_of[records.ids[i]] = i;
  std::map<std::uint32_t, std::size_t> index_of;
  const auto column = [&](const char* name) {
    const auto found = table.column(name);
    if (!found) throw ArtifactError(fmt::format("{}: column '{}' is missing", file.string(), name));
    return *found;
  };
  const auto number = [&](const std::vector<std::string>& row, const char* name) {
    return static_cast<float>(to_real(row[column(name)]).value_or(0));
  };
  records.indirect.assign(records.ids.size(), 0.0F);
  for (const auto& row : table.rows) {
    const auto place = row_of.find(row[column("utterance")]);
    const bool is_ours = place != row_of.end() && to_integer(row[column("fold")]) == info.fold &&
                         to_integer(row[column("seed")]) == info.seed;
    if (!is_ours) continue;
    const Pattern pattern = parse_pattern(row[column("pattern")], info.modality_names());
    const auto [known, is_new] = index_of.emplace(pattern.bits(), records.patterns.size());
    if (is_new) {
      records.patterns.push_back(pattern);
      records.direct.emplace_back(records.ids.size(), 0.0F);
      records.score.emplace_back(records.ids.size(), 0.0F);
    }
    records.direct[known->second][place->second] = number(row, "direct");
    records.score[known->second][place->second] = number(row, "score");
    records.indirect[place->second] = number(row, "indirect");
  }
}

/// The training utterances of the model's fold, with the model's scaling.
TrainingRecords training_records(const TensorFile& bundle, const BundleInfo& info,
                                 const Corpus& corpus, const Config& config) {
  const auto folds = make_folds(corpus, config.protocol);
  if (info.fold >= static_cast<int>(folds.size())) {
    throw ArtifactError(fmt::format("the model is of fold {}, the corpus has {} folds",
                                    info.fold + 1, folds.size()));
  }
  TrainingRecords records;
  records.is_cosine = cosine_modalities(info, hardymer_settings(config).retrieval.metric);
  records.features.resize(info.modalities.size());
  for (const auto u : utterances_of(corpus, folds[static_cast<std::size_t>(info.fold)].train)) {
    const auto& utterance = corpus.utterances[static_cast<std::size_t>(u)];
    records.ids.push_back(utterance.id);
    records.dialogues.push_back(corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)].id);
    records.transcripts.push_back(utterance.transcript);
    records.labels.push_back(utterance.label);
    records.present.push_back(corpus.present_pattern(u));
    for (std::size_t m = 0; m < info.modalities.size(); ++m) {
      const auto prefix = "scaling." + info.modalities[m].name;
      const auto mean = bundle.floats(prefix + ".mean");
      const auto deviation = bundle.floats(prefix + ".deviation");
      const auto values = corpus.modalities[m].row(u);
      const bool is_there = records.present.back().has(static_cast<int>(m));
      for (std::size_t j = 0; j < values.size(); ++j) {
        records.features[m].push_back(is_there ? (values[j] - mean[j]) / deviation[j] : 0.0F);
      }
    }
  }
  return records;
}

void add_training(const BundleCommand& command) {
  const std::filesystem::path model = find_bundle(command.source);
  TensorFile bundle = load_tensor_file(model);
  const BundleInfo info = read_bundle_info(view_of(bundle), model.string());
  const RunFolder run = RunFolder::open(
      command.run.empty() ? std::filesystem::absolute(model).parent_path().parent_path()
                          : std::filesystem::path(command.run));
  Config config = run.manifest().config;
  config.data = data_of(run);
  if (!command.data.empty()) config.data.path = command.data;
  const Corpus corpus = load_corpus(
      config.data, std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 16));
  if (corpus.checksum != info.data_checksum) {
    throw DataError(
        fmt::format("{}: not the corpus that {} was trained on (its checksum differs); "
                    "say where that lies with --data",
                    corpus.source, model.string()));
  }
  TrainingRecords records = training_records(bundle, info, corpus, config);
  if (hardymer_settings(config).retrieval.supports != SupportUse::kNone)
    read_hardness(run, info, records);
  const auto count = records.ids.size();
  add_training_section(bundle, info, std::move(records));
  save_tensor_file(command.out, bundle);
  print(fmt::format("{}: written with {} training utterances\n", command.out, count));
}

CLI::App* add(CLI::App& bundle, const char* name, const char* what,
              const std::shared_ptr<BundleCommand>& command, void (*run)(const BundleCommand&),
              bool has_output) {
  CLI::App* sub = bundle.add_subcommand(name, what);
  sub->add_option("SOURCE", command->source, "The file to start from")->required();
  if (has_output) {
    sub->add_option("-o,--out", command->out, "File to write")->required()->type_name("FILE");
  }
  sub->callback([command, run] { run(*command); });
  return sub;
}

}  // namespace

void add_bundle_command(CLI::App& app) {
  auto command = std::make_shared<BundleCommand>();
  CLI::App* bundle = app.add_subcommand("bundle", "Look at model files and convert them");
  bundle->require_subcommand(1);
  add(*bundle, "info", "Print what a model file says of itself, as JSON", command, show, false)
      ->add_flag("--json")
      ->description("The only form there is; accepted for scripts");
  CLI::App* pth =
      add(*bundle, "from-pth", "Make a model file of the authors' PyTorch checkpoint (.pth)",
          command, convert_pth, true);
  pth->add_option("--labels", command->labels,
                  "Names of the labels in the order of training, e.g. happy,sad,neutral,angry; "
                  "none for a value")
      ->type_name("LIST");
  pth->add_option("--modalities", command->modalities,
                  "Names of its acoustic, textual and visual modality")
      ->type_name("LIST")
      ->capture_default_str();
  pth->add_option("--heads", command->heads, "Attention heads; the file does not say")
      ->capture_default_str();
  add(*bundle, "to-onnx", "Write the network as ONNX (opset 17, free batch and dialogue length)",
      command, convert_to_onnx, true);
  CLI::App* training =
      add(*bundle, "add-training", "Add the training utterances that explanations compare with",
          command, add_training, true);
  training->add_option("--run", command->run, "Its run folder; default where the model lies")
      ->type_name("DIR");
  training->add_option("--data", command->data, "The corpus, if it has moved")->type_name("DIR");
}

}  // namespace hardy
