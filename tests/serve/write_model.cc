// Writes a small model with random weights, which proxy_test.py serves.
#include "tests/support/random_bundle.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  hardy::EncoderConfig encoder;
  encoder.hidden = 8;
  encoder.decoder_width = 8;
  const auto info = hardy::test::bundle_info({3, 2}, 2, encoder);
  hardy::save_tensor_file(argv[1], hardy::test::random_bundle(info));
  return 0;
}
