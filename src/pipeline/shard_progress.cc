#include "pipeline/shard_progress.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/shared_files.h"
#include "base/wording.h"
#include "hardy/errors.h"
#include "pipeline/run_folder.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kBetweenWrites{10};
constexpr std::size_t kMostStateBytes = std::size_t{1} << 20;
constexpr std::size_t kMostMissingBytes = std::size_t{1} << 28;
constexpr const char* kMissingFile = "missing.json";

std::string as_text(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json state_json(const ShardState& state) {
  return {{"shard", state.shard.index},
          {"count", state.shard.count},
          {"part", part_name(state.shard.part)},
          {"state", state.state},
          {"host", state.host},
          {"pid", state.pid},
          {"started", state.started},
          {"restarts", state.restarts},
          {"done", state.done},
          {"total", state.total},
          {"fraction", state.fraction},
          {"spent_s", state.spent_s},
          {"current", state.current},
          {"problem", state.problem}};
}

ShardState state_of(const Json& json) {
  ShardState state;
  state.shard = parse_shard(fmt::format("{}/{}", json.at("shard").get<std::int64_t>(),
                                        json.at("count").get<std::int64_t>()),
                            json.at("part").get<std::string>());
  json.at("state").get_to(state.state);
  json.at("host").get_to(state.host);
  json.at("pid").get_to(state.pid);
  json.at("started").get_to(state.started);
  json.at("restarts").get_to(state.restarts);
  json.at("done").get_to(state.done);
  json.at("total").get_to(state.total);
  json.at("fraction").get_to(state.fraction);
  json.at("spent_s").get_to(state.spent_s);
  json.at("current").get_to(state.current);
  json.at("problem").get_to(state.problem);
  return state;
}

/// Nothing for a file that is missing, damaged or not a shard's.
std::vector<ShardState> read_state(const fs::path& file) {
  try {
    return {state_of(Json::parse(read_text_file(file, kMostStateBytes)))};
  } catch (const Json::exception&) {
    return {};
  } catch (const Error&) {
    return {};
  }
}

std::string utc_text() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

/// The clock of the file system, which all writers share.
fs::file_time_type time_of(const fs::path& folder) {
  const auto probe = temporary_name(folder / "probe");
  std::error_code error;
  try {
    write_file_atomically(probe, std::string_view());
  } catch (const IoError&) {
    return fs::file_time_type::clock::now();  // the folder is read-only
  }
  const auto now = fs::last_write_time(probe, error);
  fs::remove(probe, error);
  return now;
}

/// The started shard that has a fit; nothing if there is none.
std::string holder_of(const MissingFit& fit, const std::vector<ShardState>& states) {
  for (const auto& state : states) {
    const bool by_fit = state.shard.part == ShardPart::kFits;
    if (state.shard.part == ShardPart::kStages) continue;
    if (!state.shard.holds(by_fit ? fit.number : fit.group)) continue;
    return fmt::format("shard {} ({} on {}, process {})", state.shard.text(), state.state,
                       state.host, state.pid);
  }
  if (states.empty()) return "no shard has begun";
  const auto& any = states.front().shard;
  const auto number = any.part == ShardPart::kFits ? fit.number : fit.group;
  return fmt::format("shard {}/{} (has not begun)", number % any.count, any.count);
}

}  // namespace

ShardProgress::ShardProgress(const fs::path& folder, const Shard& shard, Progress& inner)
    : file_(folder / kShardFolder / (shard.file_name() + ".json")), inner_(inner) {
  const auto before = read_state(file_);
  state_.restarts = before.empty() ? 0 : before.front().restarts + 1;
  state_.shard = shard;
  state_.state = "running";
  state_.host = host_name();
  state_.pid = ::getpid();
  state_.started = utc_text();
  write();
  writer_ = std::thread([this] { tick(); });
}

ShardProgress::~ShardProgress() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  wake_.notify_all();
  if (writer_.joinable()) writer_.join();
}

void ShardProgress::write() const {
  ShardState state;
  {
    const std::lock_guard lock(mutex_);
    state = state_;
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started_;
  state.spent_s = spent.count();
  write_file_atomically(file_, as_text(state_json(state)));
}

void ShardProgress::tick() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kBetweenWrites, [this] { return is_ending_; })) {
    lock.unlock();
    try {
      write();
    } catch (const IoError&) {
      // The next write may succeed, and the last one reports failures.
    }
    lock.lock();
  }
}

void ShardProgress::expect(std::int64_t total) {
  const std::lock_guard lock(mutex_);
  state_.total = total;
}

void ShardProgress::count_done() {
  const std::lock_guard lock(mutex_);
  ++state_.done;
}

void ShardProgress::end(const std::string& state, const std::string& problem) {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    state_.state = state;
    state_.problem = problem;
    if (state == "done") state_.fraction = 1;
  }
  wake_.notify_all();
  if (writer_.joinable()) writer_.join();
  write();
}

void ShardProgress::start(const std::string& phase) { inner_.start(phase); }

void ShardProgress::update(double done, double total, const std::string& current) {
  {
    const std::lock_guard lock(mutex_);
    state_.fraction = total > 0 ? done / total : 0;
    state_.current = current;
  }
  inner_.update(done, total, current);
}

void ShardProgress::note(const std::string& line) { inner_.note(line); }

void ShardProgress::finish() { inner_.finish(); }

std::vector<ShardState> read_shard_states(const fs::path& folder) {
  std::vector<ShardState> states;
  std::error_code error;
  if (!fs::is_directory(folder / kShardFolder, error)) return states;
  const auto now = time_of(folder / kShardFolder);
  for (const auto& entry : fs::directory_iterator(folder / kShardFolder, error)) {
    if (entry.path().extension() != ".json" || entry.path().filename() == kMissingFile) continue;
    for (auto& state : read_state(entry.path())) {
      std::error_code gone;
      const std::chrono::duration<double> silence = now - fs::last_write_time(entry.path(), gone);
      state.silence_s = gone ? 0 : std::max(0.0, silence.count());
      states.push_back(std::move(state));
    }
  }
  std::sort(states.begin(), states.end(), [](const ShardState& x, const ShardState& y) {
    return std::tie(x.shard.part, x.shard.count, x.shard.index) <
           std::tie(y.shard.part, y.shard.count, y.shard.index);
  });
  return states;
}

void write_missing(const fs::path& folder, const std::vector<MissingFit>& missing) {
  const auto file = folder / kShardFolder / kMissingFile;
  if (missing.empty()) {
    std::error_code ignored;
    fs::remove(file, ignored);
    return;
  }
  Json fits = Json::array();
  for (const auto& fit : missing) {
    fits.push_back({{"variant", fit.variant},
                    {"what", fit.what},
                    {"group", fit.group},
                    {"number", fit.number}});
  }
  write_file_atomically(file, as_text(fits));
}

std::vector<MissingFit> read_missing(const fs::path& folder) {
  const auto file = folder / kShardFolder / kMissingFile;
  std::error_code error;
  std::vector<MissingFit> missing;
  if (!fs::exists(file, error)) return missing;
  try {
    for (const auto& fit : Json::parse(read_text_file(file, kMostMissingBytes))) {
      missing.push_back({fit.at("variant").get<std::string>(), fit.at("what").get<std::string>(),
                         fit.at("group").get<std::int64_t>(),
                         fit.at("number").get<std::int64_t>()});
    }
  } catch (const Json::exception& problem) {
    throw ArtifactError(
        fmt::format("{}: damaged: {}; remove it and collect again", file.string(), problem.what()));
  }
  return missing;
}

std::string missing_text(const fs::path& folder, const std::vector<MissingFit>& missing) {
  constexpr std::size_t kMostShown = 10;
  const auto states = read_shard_states(folder);
  std::map<std::string, std::size_t> by_holder;
  for (const auto& fit : missing) ++by_holder[holder_of(fit, states)];
  std::vector<std::string> holders;
  for (const auto& [holder, fits] : by_holder)
    holders.push_back(fmt::format("{} of {}", fits, holder));
  std::vector<std::string> shown;
  for (const auto& fit : missing) {
    if (shown.size() == kMostShown) {
      shown.push_back(fmt::format("and {} more", missing.size() - kMostShown));
      break;
    }
    shown.push_back(fit.variant.empty() ? fit.what : fit.variant + ", " + fit.what);
  }
  return fmt::format(
      "{}: {} not in the cache: {}; whose they were: {}; run those shards "
      "again (`hardy submit --missing`), then collect again; machines with other instructions than "
      "this one need a common --isa",
      folder.string(), counted(missing.size(), "fit"), fmt::join(shown, "; "),
      fmt::join(holders, ", "));
}

}  // namespace hardy
