#include "cli/data_convert.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/output.h"
#include "corpus/written_forms.h"

namespace hardy {

void add_target_options(CLI::App& command, ConvertTarget& target) {
  command
      .add_option("--to", target.form,
                  "plain; table: labels.csv and files of features; mmsa: a pickle; tree: that of "
                  "GCNet and MoMKE")
      ->check(CLI::IsMember(std::vector<std::string>(kWrittenForms.begin(), kWrittenForms.end())))
      ->type_name("FORM");
  command.add_flag("--lossy", target.may_lose,
                   "leave out what the form has no place for, such as speakers");
}

void convert_corpus(const Corpus& corpus, const ConvertTarget& target,
                    const std::string& destination, bool is_json) {
  write_form(corpus, target.form, destination, target.may_lose);
  using Written = nlohmann::ordered_json;
  Written notes = Written::array();
  Written lost = Written::array();
  for (const auto& gap : form_gaps(corpus, target.form)) {
    (gap.kind == FormGap::Kind::kNote ? notes : lost).push_back(gap.text);
  }
  if (is_json) {
    const Written written = {{"format", 1},
                             {"written", destination},
                             {"form", target.form},
                             {"utterances", corpus.size()},
                             {"checksum", corpus.checksum},
                             {"lost", lost},
                             {"notes", notes}};
    print(written.dump(2, ' ', false, Written::error_handler_t::replace) + "\n");
    return;
  }
  print(fmt::format("{}: {} utterances of {} written in the form '{}'\n", destination,
                    corpus.size(), printable(corpus.name), target.form));
  for (const auto& text : lost) {
    print_notice("hardy: note: left out: " + printable(text.get<std::string>()));
  }
  for (const auto& text : notes) {
    print_notice("hardy: note: " + printable(text.get<std::string>()));
  }
}

}  // namespace hardy
