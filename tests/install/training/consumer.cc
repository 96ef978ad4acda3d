// Runs the protocol with the installed library: FAISS, libtorch and the methods must be linked, and
// a registered method must be found.
#include <cstdio>
#include <filesystem>

#include "hardy/hardy.h"
#include "methods/hardymer/neighbours.h"
#include "methods/method.h"
#include "protocol/run_protocol.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const hardy::Corpus corpus = hardy::make_demo_corpus();
  hardy::ProtocolRequest request;
  request.config = hardy::make_preset("quick");
  request.config.protocol.method = "majority";
  request.folder = std::filesystem::path(argv[1]);
  request.only_fold = 0;
  hardy::NoProgress quiet;
  const auto result = hardy::run_protocol(request, corpus, quiet);
  std::printf("%zu scores\n", result.results.scores.size());
  return result.results.scores.empty() ? 1 : 0;
}
