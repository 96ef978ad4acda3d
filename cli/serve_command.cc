#include "cli/serve_command.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/utf8.h"
#include "cli/log_writer.h"
#include "cli/media_commands.h"
#include "cli/output.h"
#include "cli/predict_command.h"
#include "cli/start_extractor.h"
#include "hardy/errors.h"
#include "hardy/recogniser.h"
#include "media/media_answers.h"
#include "serve/jail.h"
#include "serve/server.h"

namespace hardy {
namespace {

struct ServeCommand {
  std::string model;
  std::string token_file;
  ServeOptions options;
  int port = ServeOptions{}.port;
  bool is_quiet = false;
  bool is_free = false;  ///< keeps all privileges (--no-jail)
  bool takes_recordings = false;
  MediaOptions media;  ///< the networks and the memory of extraction
};

std::string utc_now() {
  const auto now = std::chrono::system_clock::now();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)), milliseconds);
}

/// Text inside the quotation marks of JSON.
std::string json_text(const std::string& text) {
  const std::string quoted = nlohmann::json(repaired_utf8(text)).dump();
  return quoted.substr(1, quoted.size() - 2);
}

std::string read_token(const std::string& file) {
  if (file.empty()) return {};
  std::string token = read_text_file(file, 4096);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  if (token.size() < 16) {
    throw ConfigError(fmt::format("--token-file {}: the token has {} characters, use 16 or more",
                                  file, token.size()));
  }
  return token;
}

std::string access_line(const Service::Access& access) {
  // Method and route come from fixed lists, so the line needs no escaping.
  const bool is_known = access.method == "GET" || access.method == "POST" ||
                        access.method == "DELETE" || access.method == "HEAD";
  return fmt::format(
      R"({{"time":"{}","method":"{}","route":"{}","status":{},"ms":{:.3f},"in":{},"out":{}}})",
      utc_now(), is_known ? access.method : "other", access.route, access.status,
      access.seconds * 1000, access.bytes_in, access.bytes_out);
}

/// Raises the limit of open files as far as possible, and lowers the number of connections to it.
void fit_connections(ServeOptions& options) {
  constexpr std::int64_t kOwn = 32;  // standard streams, the port, timers, open files

  struct rlimit limit {};

  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const auto wanted = static_cast<rlim_t>(options.max_connections + kOwn);
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= wanted) return;
  const auto allowed = static_cast<std::int64_t>(limit.rlim_cur);
  options.max_connections = std::max<std::int64_t>(1, allowed - kOwn);
  print_notice(
      fmt::format("hardy: note: {} open files are allowed, so at most {} connections are taken",
                  allowed, options.max_connections));
}

/// Returns large blocks to the system as soon as they are freed. By default the allocator raises
/// its thresholds with each large block and then keeps up to 64 MiB per thread.
void keep_little_memory() {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, 256 << 10);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
}

/// Paths that a running service reads: the folder of the model, also the targets of links, the
/// corpus, and its memory statistics.
std::vector<std::filesystem::path> readable_paths(const ServeOptions& options) {
  std::error_code ignored;
  std::vector<std::filesystem::path> paths = {"/proc/self"};
  for (const auto& file : {std::filesystem::absolute(options.model, ignored),
                           std::filesystem::weakly_canonical(options.model, ignored)}) {
    paths.push_back(file.parent_path());
  }
  const bool has_folder = !options.corpus.empty() && options.corpus != "demo";
  if (has_folder) paths.push_back(std::filesystem::weakly_canonical(options.corpus, ignored));
  return paths;
}

/// The leak check of sanitizers uses calls that a confined process may not make.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif
#else
constexpr bool kIsSanitized = false;
#endif

void note_gap(const std::string& gap) {
  if (!gap.empty()) print_notice("hardy: note: " + gap);
}

/// Starts the helper that extracts recordings, after checking that the model reads its features.
void start_recordings(const ServeCommand& command, bool is_confined, ServeOptions& options) {
  const auto recogniser = Recogniser::load(options.model);
  const auto wanted = media_modalities(recogniser.info());
  MediaCommand helper;
  helper.media = command.media;
  for (std::size_t m = 0; m < wanted.size(); ++m) {
    if (!wanted[m]) continue;
    helper.media.only += helper.media.only.empty() ? "" : ",";
    helper.media.only += kMediaModalities[m];
  }
  helper.media.makers = media_makers(recogniser.info());
  helper.media.jobs = 2;  // sound and picture
  helper.cpu_seconds = 2 * options.recordings.patience_s;
  helper.is_confined = is_confined;
  auto started = start_extractor(helper);
  options.recordings.control = started.control;
  options.recordings.makers = std::move(started.makers);
  check_media_makers(recogniser.info(), options.recordings.makers, wanted, "--media");
}

void check_limits(const ServeOptions& options) {
  const auto check_work = [&](const std::string& body, std::int64_t bytes) {
    if (options.max_work_bytes >= bytes) return;
    throw ConfigError(fmt::format("--max-work {} is less than {}", options.max_work_bytes, body));
  };
  check_work(fmt::format("--max-body {}", options.max_body_bytes), options.max_body_bytes);
  if (!options.recordings.is_on()) return;
  const auto largest = options.recordings.max_body_bytes();
  check_work(fmt::format("{}, the largest body with --max-recording {}", largest,
                         options.recordings.max_bytes),
             largest);
}

void run_serve(ServeCommand command) {
  ServeOptions& options = command.options;
  // The reader of a log or a reply may disappear; a failed write then reports it.
  std::signal(SIGPIPE, SIG_IGN);
  keep_little_memory();
  options.model = find_bundle(command.model);
  options.port = static_cast<std::uint16_t>(command.port);
  options.token = read_token(command.token_file);
  fit_connections(options);
  const bool is_confined = !command.is_free && !kIsSanitized;
  if (command.takes_recordings) start_recordings(command, is_confined, options);
  check_limits(options);
  if (is_confined) note_gap(confine_files(readable_paths(options), options.port));
  LogWriter log(STDERR_FILENO);
  Service service(options);
  if (!command.is_quiet) {
    service.on_access([&](const Service::Access& access) { log.write(access_line(access)); });
  }
  for (const auto& gap : service.corpus_gaps()) {
    print_notice("hardy: note: the offered corpus is used without a modality: " + printable(gap));
  }
  Server server(options, service);
  server.take_signals();
  const bool is_six = options.address.find(':') != std::string::npos;
  print_notice(fmt::format("hardy: serving {} on http://{}:{}/", options.model.string(),
                           is_six ? "[" + options.address + "]" : options.address, server.port()));
  const bool is_loopback = options.address.starts_with("127.") || options.address == "::1";
  if (!is_loopback && options.token.empty()) {
    print_notice("hardy: note: reachable from outside without a token; see --token-file");
  }
  if (is_confined) note_gap(confine_calls());
  server.run([&](const std::string& line) {
    log.write(fmt::format(R"({{"time":"{}","event":"{}"}})", utc_now(), json_text(line)));
  });
}

void add_recording_options(CLI::App& serve, ServeCommand& command) {
  RecordingService& limits = command.options.recordings;
  serve
      .add_flag("--media", command.takes_recordings,
                "Take recordings, too (POST /v1/media, the playground): hardy-extractor reads them "
                "in processes of their own")
      ->group("Recordings");
  const auto add = [&](const char* name, auto& value, const char* meaning, std::int64_t most) {
    serve.add_option(name, value, meaning)
        ->check(CLI::Range(std::int64_t{1}, most))
        ->capture_default_str()
        ->group("Recordings");
  };
  add("--max-recording", limits.max_bytes, "Bytes of a recording; more: 413",
      std::int64_t{1} << 40);
  add("--max-recording-length", limits.max_seconds, "Seconds of a recording; more: 413", 86400);
  add("--media-timeout", limits.patience_s,
      "Seconds for a recording to arrive, and again for its extraction; more: 504", 86400);
  add("--max-recordings", limits.max_pending, "Recordings in work; more: 503", 1024);
  add("--media-jobs", limits.jobs, "Recordings extracted at the same time", 64);
  serve.add_option("--media-memory", command.media.memory, "Address space of a decoding process")
      ->type_name("SIZE")
      ->capture_default_str()
      ->group("Recordings");
  serve.add_option("--cascade", command.media.cascade, "Face detector; default opencv-data's")
      ->type_name("FILE")
      ->group("Recordings");
  add_network_options(serve, command.media);
}

void add_limits(CLI::App& serve, ServeOptions& options) {
  const auto add = [&serve](const char* name, auto& value, const char* meaning, std::int64_t most) {
    serve.add_option(name, value, meaning)
        ->check(CLI::Range(std::int64_t{1}, most))
        ->capture_default_str()
        ->group("Limits");
  };
  constexpr std::int64_t kMany = std::int64_t{1} << 40;
  add("--workers", options.workers, "Threads that run the network", 256);
  add("--handlers", options.handlers, "Threads that read and answer requests", 1024);
  add("--max-body", options.max_body_bytes, "Bytes of a body; more: 413", kMany);
  add("--max-work", options.max_work_bytes, "Bytes of bodies and replies in work; more: 503",
      kMany);
  add("--max-model", options.max_model_bytes, "Bytes of the model's file", kMany);
  add("--max-header", options.max_header_bytes, "Bytes of a header; more: 431", 1 << 20);
  add("--max-connections", options.max_connections, "Open connections; more: 503", 1 << 20);
  add("--max-pending", options.max_pending, "Requests in work; more: 503", 1 << 20);
  add("--max-utterances", options.max_utterances, "Of a request or a dialogue; more: 413", 1 << 20);
  add("--max-sessions", options.max_sessions, "Open dialogues; more: 429", 1 << 24);
  add("--max-session-bytes", options.max_session_bytes, "Memory of all of them; more: 429", kMany);
  add("--session-idle", options.session_idle_s, "Seconds until an unused dialogue is forgotten",
      kMany);
  add("--request-timeout", options.request_timeout_s, "Seconds for a request to arrive", 86400);
  add("--idle-timeout", options.idle_timeout_s, "Seconds of a connection between requests", 86400);
  add("--grace", options.grace_s, "Seconds for requests in work when the service stops", 86400);
  add("--max-batch", options.max_batch, "Utterances that go through the network together", 1 << 20);
  serve
      .add_option("--batch-wait", options.batch_wait_us,
                  "Microseconds that a request may wait for others on their way; 0 = never")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str()
      ->group("Limits");
}

}  // namespace

void add_serve_command(CLI::App& app) {
  auto command = std::make_shared<ServeCommand>();
  CLI::App* serve = app.add_subcommand("serve", "Answer predictions over HTTP");
  serve
      ->add_option("MODEL", command->model,
                   "A model file, or a run folder: its unified model of the first fold and seed")
      ->required();
  serve->add_option("--address", command->options.address, "IP address to listen on")
      ->capture_default_str();
  serve->add_option("--port", command->port, "Port to listen on; 0 = any free one")
      ->capture_default_str()
      ->check(CLI::Range(0, 65535));
  serve
      ->add_option("--token-file", command->token_file,
                   "File with a token that requests must present")
      ->type_name("FILE");
  serve
      ->add_option("--corpus", command->options.corpus,
                   "Folder of a corpus whose utterances the playground offers; demo = the "
                   "demonstration corpus")
      ->type_name("DIR");
  serve
      ->add_option("--name", command->options.names,
                   "Host name under which a proxy reaches the service; may be repeated")
      ->allow_extra_args(false)
      ->type_name("HOST");
  serve->add_flag("--no-jail", command->is_free,
                  "Keep the rights to files, sockets and processes that a service does not need");
  serve->add_flag("--quiet", command->is_quiet, "No line per request on standard error");
  add_recording_options(*serve, *command);
  add_limits(*serve, command->options);
  serve->footer(
      "Open / in a browser for the playground, /openapi.json for a description, /metrics for\n"
      "counters. SIGHUP loads the model file again, SIGTERM stops after the requests in work.\n"
      "Encrypted connections are a proxy's business: docs/serving.md.\n");
  serve->callback([command] { run_serve(*command); });
}

}  // namespace hardy
