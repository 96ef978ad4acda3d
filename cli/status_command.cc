// `hardy status`: reads the progress files of shards.
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/output.h"
#include "cli/submit_command.h"
#include "hardy/errors.h"
#include "pipeline/shard_progress.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// "running" without a recent sign of life is lost.
std::string state_of(const ShardState& state) {
  return state.state == "running" && state.silence_s > kShardSilence_s ? "lost" : state.state;
}

/// Shards of one division.
struct Division {
  std::int64_t count = 0;
  ShardPart part = ShardPart::kAll;
  std::vector<ShardState> states = {};
  std::map<std::string, std::int64_t> by_state = {};
  std::int64_t done = 0;
  std::int64_t total = 0;
  double left_s = -1;  ///< negative = unknown
};

/// Units that a shard has finished, with fractions for those in progress.
double finished_units(const ShardState& state) {
  const auto done = static_cast<double>(state.done);
  return std::max(done, state.fraction * static_cast<double>(state.total));
}

void add_up(Division& division) {
  double rate = 0;
  double left = 0;
  for (const auto& state : division.states) {
    const std::string name = state_of(state);
    ++division.by_state[name];
    division.done += state.done;
    division.total += state.total;
    if (name != "done") left += static_cast<double>(state.total) - finished_units(state);
    if (name == "running" && state.spent_s > 0) rate += finished_units(state) / state.spent_s;
  }
  const auto begun = static_cast<std::int64_t>(division.states.size());
  if (begun < division.count) division.by_state["waiting"] = division.count - begun;
  if (begun > 0) {
    left += static_cast<double>(division.count - begun) * static_cast<double>(division.total) /
            static_cast<double>(begun);
  }
  if (rate > 0) division.left_s = left / rate;
}

std::vector<Division> divisions_of(const fs::path& folder) {
  std::vector<Division> divisions;
  for (auto& state : read_shard_states(folder)) {
    const bool is_new = divisions.empty() || divisions.back().count != state.shard.count ||
                        divisions.back().part != state.shard.part;
    if (is_new) divisions.push_back({.count = state.shard.count, .part = state.shard.part});
    divisions.back().states.push_back(std::move(state));
  }
  for (auto& division : divisions) add_up(division);
  return divisions;
}

bool is_collected(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "results.json", error) || fs::exists(folder / "study.json", error);
}

std::string division_text(const Division& division) {
  std::vector<std::string> parts;
  for (const char* name : {"done", "running", "waiting", "interrupted", "failed", "lost"}) {
    const auto found = division.by_state.find(name);
    if (found != division.by_state.end())
      parts.push_back(fmt::format("{} {}", found->second, name));
  }
  std::string text =
      fmt::format("{} shards{}: {}\n", division.count,
                  division.part == ShardPart::kAll ? "" : " of " + part_name(division.part),
                  fmt::join(parts, ", "));
  text += fmt::format("{} of {} fits of the shards that have begun", division.done, division.total);
  if (division.left_s >= 0) text += fmt::format("; about {} left", duration_text(division.left_s));
  text += "\n";
  for (const auto& state : division.states) {
    const std::string name = state_of(state);
    if (name == "done") continue;
    text +=
        fmt::format("  shard {} {} on {} (process {}, begun {} times): {} of {}", state.shard.index,
                    name, state.host, state.pid, state.restarts + 1, state.done, state.total);
    if (name == "lost") text += fmt::format(", silent for {}", duration_text(state.silence_s));
    if (!state.problem.empty()) text += ", " + printable(state.problem);
    if (name == "running" && !state.current.empty()) text += ", " + printable(state.current);
    text += "\n";
  }
  return text;
}

Json division_json(const Division& division) {
  Json shards = Json::array();
  for (const auto& state : division.states) {
    shards.push_back({{"shard", state.shard.index},
                      {"state", state_of(state)},
                      {"host", state.host},
                      {"pid", state.pid},
                      {"restarts", state.restarts},
                      {"done", state.done},
                      {"total", state.total},
                      {"spent_s", state.spent_s},
                      {"silence_s", state.silence_s},
                      {"current", state.current},
                      {"problem", state.problem}});
  }
  Json json = {{"count", division.count},
               {"part", part_name(division.part)},
               {"states", division.by_state},
               {"done", division.done},
               {"total", division.total}};
  json["left_s"] = division.left_s >= 0 ? Json(division.left_s) : Json();
  json["shards"] = shards;
  return json;
}

void show_status(const fs::path& folder, bool is_json) {
  const auto divisions = divisions_of(folder);
  if (divisions.empty()) {
    throw ArtifactError(fmt::format(
        "{}: no shard has begun here; give the --out of a command that was divided (hardy submit, "
        "--shard)",
        folder.string()));
  }
  const auto missing = read_missing(folder);
  if (is_json) {
    Json json = {{"format", 1},
                 {"folder", folder.string()},
                 {"is_collected", is_collected(folder)},
                 {"missing_fits", missing.size()},
                 {"divisions", Json::array()}};
    for (const auto& division : divisions) json["divisions"].push_back(division_json(division));
    print(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return;
  }
  std::string text;
  for (const auto& division : divisions) text += division_text(division);
  if (!missing.empty()) {
    text += missing_text(folder, missing) + "\n";
  } else {
    text += is_collected(folder) ? "results are written\n" : "results are not collected yet\n";
  }
  print(text);
}

}  // namespace

void add_status_command(CLI::App& app) {
  struct Options {
    std::string folder;
    bool is_json = false;
  };

  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("status", "How far the shards of a divided command are");
  command->add_option("FOLDER", options->folder, "The --out of the command")->required();
  command->add_flag("--json", options->is_json, "Machine-readable output");
  command->footer(
      "A running shard writes its file every 10 s; one that has been silent for 2 minutes is\n"
      "counted as lost (`hardy submit --missing` runs it again).\n\n"
      "Examples:\n"
      "  hardy status compared\n");
  command->callback([options] { show_status(options->folder, options->is_json); });
}

}  // namespace hardy
