#include "cli/cache_command.h"

#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/environment.h"
#include "cli/output.h"
#include "hardy/errors.h"
#include "pipeline/stage_cache.h"

namespace hardy {
namespace {

struct CacheOptions {
  std::string folder;
  bool is_json = false;
};

void print_contents(const CacheOptions& options, const std::filesystem::path& folder,
                    const CacheContents& contents, const char* verb) {
  if (options.is_json) {
    const nlohmann::ordered_json json = {{"format", 1},
                                         {"folder", folder.string()},
                                         {"results", contents.results},
                                         {"checkpoints", contents.checkpoints},
                                         {"bytes", contents.bytes}};
    print(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    return;
  }
  print(fmt::format("{}: {} {} stage results and {} checkpoints, {}\n", folder.string(), verb,
                    contents.results, contents.checkpoints, bytes_text(contents.bytes)));
}

}  // namespace

void add_cache_command(CLI::App& app) {
  auto options = std::make_shared<CacheOptions>();
  CLI::App* cache = app.add_subcommand("cache", "Look at or empty the cache of stage results");
  cache->require_subcommand(1);
  const auto add = [&](const char* name, const char* help) {
    CLI::App* command = cache->add_subcommand(name, help);
    command->add_option("--cache", options->folder, "Another cache folder than the user's own")
        ->type_name("DIR");
    command->add_flag("--json", options->is_json, "Machine-readable output");
    return command;
  };
  const auto folder = [options] {
    if (!options->folder.empty()) return std::filesystem::path(options->folder);
    const auto own = default_cache_folder();
    if (!own.empty()) return own;
    throw ConfigError("without HOME there is no cache of your own; say which with --cache DIR");
  };
  add("info", "Count the entries and their size")->callback([=] {
    print_contents(*options, folder(), cache_contents(folder()), "holds");
  });
  add("clear", "Remove all entries; they are computed again when needed")->callback([=] {
    print_contents(*options, folder(), clear_cache(folder()), "removed");
  });
  cache->footer(
      "The cache holds results of stages (tuned features, hardness, neighbours, pretraining) that\n"
      "depend only on data, settings and seed, so that no run computes them twice. Removing it is\n"
      "always safe.\n");
}

}  // namespace hardy
