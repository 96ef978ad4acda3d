// What `hardy data convert` writes, and what it says about it.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "hardy/corpus.h"

namespace hardy {

/// The form to write and whether what it has no place for may be left out.
struct ConvertTarget {
  std::string form = "plain";
  bool may_lose = false;
};

/// Adds --to and --lossy.
void add_target_options(CLI::App& command, ConvertTarget& target);

/// Writes a corpus and prints what was written, left out, and needed to read it back. Throws what
/// write_form throws.
void convert_corpus(const Corpus& corpus, const ConvertTarget& target,
                    const std::string& destination, bool is_json);

}  // namespace hardy
