// Writes the run folders of the browser test's report: `hardy_report_fixture DIR`.
#include "base/files.h"
#include "tests/report/report_runs.h"

namespace {

/// Three methods under one track and metric; HARDY-MER is significantly worse than the first.
constexpr const char* kComparison = R"({
 "format": 1, "folds": ["1/2", "2/2"], "seeds": [1, 2], "level": 0.95,
 "terms": "budget: at most 3 epochs", "left_out": [{"method": "gcnet", "reason": "no <b>speakers"}],
 "tables": [{"track": "unified", "metric": "wa", "columns": ["a", "t", "average", "a,t"],
  "rows": [
   {"method": "momke", "title": "MoMKE", "is_control": false, "paper": 0.7113, "cells": [
     {"mean": 0.7, "low": 0.6, "high": 0.8}, {"mean": 0.8, "low": 0.7, "high": 0.9},
     {"mean": 0.75, "low": 0.65, "high": 0.85}, {"mean": 0.9, "low": 0.8, "high": 0.95}],
    "difference": {"value": -0.05, "p": 0.001, "corrected_p": 0.002, "beyond_chance": true}},
   {"method": "hardymer", "title": "HARDY-MER", "is_control": false, "paper": 0.7556, "cells": [
     {"mean": 0.65, "low": 0.6, "high": 0.7}, {"mean": 0.75, "low": 0.7, "high": 0.8},
     {"mean": 0.7, "low": 0.65, "high": 0.75}, {"mean": 0.8, "low": null, "high": null}]},
   {"method": "majority", "title": "Majority", "is_control": true, "paper": null, "cells": [
     {"mean": 0.5, "low": 0.4, "high": 0.6}, {"mean": 0.5, "low": 0.4, "high": 0.6},
     {"mean": 0.5, "low": 0.4, "high": 0.6}, {"mean": 0.5, "low": 0.4, "high": 0.6}],
    "difference": {"value": 0.2, "p": 0.2, "corrected_p": 0.2, "beyond_chance": false}}],
  "gain_over_methods": [{"value": -0.05, "over": "momke"}, {"value": -0.05, "over": "momke"},
    {"value": -0.05, "over": "momke"}, {"value": -0.1, "over": "momke"}],
  "gain_over_all": []}],
 "costs": [{"method": "momke", "track": "unified", "parameters": 28000000, "training_cpu_s": 12.34,
   "prediction_ms": 0.5}]
})";

constexpr const char* kExplanation = R"({
 "id": "d00u1", "dialogue": "d00", "prediction": {"label": "calm", "confidence": 0.75},
 "contributions": {"acoustic": -0.125, "textual": 0.5}, "baseline": 0.375,
 "patterns": [{"modalities": ["acoustic"], "label": "angry", "confidence": 0.5}],
 "hardness": null,
 "similar": [{"id": "d01u0", "label": "calm", "distance": 1.5, "transcript": "<b>no</b>"}]
})";

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = std::filesystem::path(argv[1]) / "study";
  hardy::test::make_report_run(folder / "with <b>hardness", 5);
  hardy::test::make_report_run(folder / "without", 3, 1);
  const auto put = [&](const char* name, std::string_view text) {
    hardy::write_file_atomically(folder / name, text);
  };
  put("study.json", "{\"kind\": \"study\", \"title\": \"made\"}");
  put("ablation.csv", "variant,wa\nfull,0.8\nnone,0.7\n");
  // Two queries and a neighbour of each in either map; the text of u4 must not be read as markup.
  std::string points = "modality,features,x,y,utterance,label,role,query,text\n";
  for (int i = 0; i < 80; ++i) {
    const int u = i / 2;
    const char* role = u < 2 ? "query" : u < 4 ? "neighbour" : "other";
    points += fmt::format("acoustic,{},{},{},u{},{},{},{},{}\n", i % 2 == 0 ? "plain" : "tuned", u,
                          u * u % 17, u, u % 3 == 0 ? "calm" : "angry", role,
                          u < 4 ? fmt::format("u{}", u % 2) : "", u == 0 ? "<b>why me</b>" : "");
  }
  put("tsne.csv", points);
  put("compare.json", kComparison);
  put("../audit/study.json", "{\"kind\": \"audit-leak\", \"title\": \"made leak\"}");
  put("../audit/leak.csv", "fold,share\n1,0.123456789\n");
  put("../why.json", kExplanation);
  return 0;
}
