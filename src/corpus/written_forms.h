// A corpus in the forms that other programs read: what each can hold, and its writer.
//
//   plain   utterances.csv, NAME.npy, corpus.toml: holds everything
//   table   labels.csv and features/NAME/UTTERANCE.npy, as MERBench's users have them
//   mmsa    one pickle of train, valid and test, as MMSA and MultiBench read them
//   tree    the tree of GCNet, MoMKE and HARDY-MER, for IEMOCAP's classes and values in [-3, 3]
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hardy/corpus.h"

namespace hardy {

inline constexpr std::array kWrittenForms = {"plain", "table", "mmsa", "tree"};

/// Something of a corpus that a form does not hold.
struct FormGap {
  enum class Kind : std::uint8_t {
    kNote,    ///< is there, but reading it needs an option, or gives another order of classes
    kLoss,    ///< is left out when the caller allows it
    kRefusal  ///< without it the file would be another corpus
  };
  Kind kind = Kind::kNote;
  std::string text;
};

/// What a form does not hold of this corpus; empty = reading it back gives everything that results
/// depend on. Throws ConfigError for an unknown form.
std::vector<FormGap> form_gaps(const Corpus& corpus, const std::string& form);

/// Writes a corpus as the form says: a folder, for "mmsa" a file. Appears whole or not at all.
/// `may_lose`: leave out what the gaps call losses. Throws ConfigError when the form cannot hold
/// the corpus or the destination exists (an empty folder may), IoError when the system refuses.
void write_form(const Corpus& corpus, const std::string& form,
                const std::filesystem::path& destination, bool may_lose);

}  // namespace hardy
