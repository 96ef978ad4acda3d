// `hardy extract`, `hardy predict --media` and `hardy run --media`: options and their execution.
// The light program checks them and executes hardy-extractor.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hardy {

/// Recording options, as typed.
struct MediaOptions {
  std::vector<std::string> inputs;  ///< recordings, folders, patterns, tables
  std::string labels;               ///< a table of segments beside `inputs`
  std::string transcripts;          ///< a file or folder
  std::string tier;
  std::string asr;
  std::string cut = "auto";
  std::string only;  ///< "audio,text"; empty = all
  std::string cascade;
  std::string backbones;  ///< folder in which networks are found; empty = $HARDY_BACKBONES
  /// Makers of the features that are needed, index as in kMediaModalities; empty = any.
  std::array<std::string, 3> makers;
  std::string sound_network;  ///< empty = the embedded extractor; so are the next two
  std::string text_network;
  std::string picture_network;
  std::string like;
  std::string layers;  ///< "-4..-1"; empty = those
  std::string manet_order = "before-2023";
  bool trusts_programs = false;  ///< the networks may be TorchScript
  std::string cache;
  std::string memory = "4G";
  double picture_step_s = 0.4;
  double max_seconds = 120;
  double stall_s = 60;
  int jobs = 0;  ///< 0 = one per core
  std::int64_t limit = 0;
  bool has_no_cache = false;
  bool redo = false;
};

/// One command on recordings.
struct MediaCommand {
  std::string name;  ///< "extract" | "predict" | "explain" | "run" | "answer-recordings"
  MediaOptions media;
  std::string out;               ///< `extract`, `run`: a folder
  std::string model;             ///< `predict`, `explain`
  std::string available;         ///< `predict`: modalities to use
  std::string utterance;         ///< `explain`: its id; empty = the first
  int similar = 5;               ///< `explain`: number of similar training utterances
  std::string check;             ///< `extract --check`: a folder of hardy's features
  std::string against;           ///< folder to compare it with
  std::string log;               ///< `extract`: "json" = progress as JSON lines
  int control = -1;              ///< `answer-recordings`: descriptor of a socket to the service
  std::int64_t cpu_seconds = 0;  ///< `answer-recordings`: limit of each process
  bool is_confined = false;      ///< `answer-recordings`: gives up rights
  bool is_json = false;
  bool is_webvtt = false;
  bool is_dry_run = false;
  bool is_strict = false;
  bool is_quiet = false;
  std::vector<std::string> command_line;  ///< argv of this process
};

/// The program that works on recordings; the one with libtorch if networks may be TorchScript.
const char* extractor_program(const MediaOptions& options);

/// The build option of that program.
const char* extractor_option(const MediaOptions& options);

/// Adds the options of decoding and segmenting to a command, without its inputs. `has_jobs`: the
/// command has its own option --jobs.
void add_media_options(CLI::App& command, MediaOptions& options, bool has_jobs = false);

/// The frozen networks and their pooling, --audio, --text, --video, --like, --manet-order.
void add_network_options(CLI::App& command, MediaOptions& options);

/// The helper of a service, which starts it with its own arguments; hidden from users.
void add_answer_recordings_command(CLI::App& app);

void add_extract_command(CLI::App& app, const std::vector<std::string>& command_line);

/// Number of bytes in "4G", "512M", "100000". Throws ConfigError.
std::int64_t parse_bytes(const std::string& text);

/// Carries the command out. Two implementations: exec_extractor.cc replaces this process by
/// hardy-extractor and does not return; extractor.cc does the work.
void carry_out(const MediaCommand& command);

}  // namespace hardy
