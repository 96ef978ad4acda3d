// Writes the run folders that the browser test reports on: `hardy_report_fixture DIR`.
#include "hardy/core/files.h"
#include "tests/report/report_runs.h"

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
  std::string points = "modality,features,x,y,utterance,label,role\n";
  for (int i = 0; i < 40; ++i) {
    points += fmt::format("acoustic,{},{},{},u{},{},{}\n", i % 2 == 0 ? "plain" : "tuned", i,
                          i * i % 17, i, i % 3 == 0 ? "calm" : "angry", i < 2 ? "query" : "other");
  }
  put("tsne.csv", points);
  return 0;
}
