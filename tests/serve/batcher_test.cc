// Requests that share a pass: each gets its own answer.
#include "serve/batcher.h"

#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using std::chrono::milliseconds;

class BatcherTest : public testing::Test {
 protected:
  BatcherTest() : info_(test::bundle_info({3, 2}, 4, encoder())) {
    recogniser_.emplace(test::random_recogniser(info_, dir_.path() / "model"));
    other_.emplace(other_recogniser());
  }

  static EncoderConfig encoder() {
    EncoderConfig encoder;
    encoder.hidden = 8;
    encoder.depth = 1;
    encoder.decoder_width = 8;
    return encoder;
  }

  Recogniser other_recogniser() {
    save_tensor_file(dir_.path() / "other", test::random_bundle(info_, 2));
    return Recogniser::load(dir_.path() / "other");
  }

  /// Movable only: the views point into the features.
  struct Request {
    test::RandomUtterances utterances;
    PredictOptions options;
    const Recogniser* recogniser;
  };

  /// A request of utterances without context, each its own dialogue.
  Request request(std::size_t count, std::uint64_t seed, PredictOptions options = {}) {
    return {test::RandomUtterances(info_, count, seed, Pattern::complete(2)), options,
            &*recogniser_};
  }

  static std::vector<std::int64_t> offsets_of(const Request& request) {
    std::vector<std::int64_t> offsets = {0};
    for (std::size_t i = 1; i <= request.utterances.views.size(); ++i) {
      offsets.push_back(static_cast<std::int64_t>(i));
    }
    return offsets;
  }

  /// Sends all requests at once through one worker, and compares each answer with the library's
  /// answer to the request alone.
  void expect_own_answers(const std::vector<Request>& requests, milliseconds wait) {
    Batcher batcher({.workers = 1, .max_utterances = 64, .wait = wait},
                    [this](std::int64_t count, std::int64_t utterances) {
                      const std::lock_guard lock(mutex_);
                      passes_.emplace_back(count, utterances);
                    });
    batcher.set_expected(static_cast<std::int64_t>(requests.size()));
    std::vector<OwnedPredictions> answers(requests.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      threads.emplace_back([&, i] {
        const Request& own = requests[i];
        answers[i] =
            batcher.run({*own.recogniser, own.utterances.views, offsets_of(own), own.options});
      });
    }
    for (auto& thread : threads) thread.join();
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const Request& own = requests[i];
      Workspace workspace;
      const auto alone =
          own.recogniser->predict(own.utterances.views, offsets_of(own), workspace, own.options);
      ASSERT_EQ(answers[i].probabilities.size(), alone.probabilities.size()) << i;
      for (std::size_t j = 0; j < alone.probabilities.size(); ++j) {
        EXPECT_NEAR(answers[i].probabilities[j], alone.probabilities[j], 1e-5) << i << " " << j;
      }
      const auto count = own.utterances.views.size();
      ASSERT_EQ(answers[i].labels.size(), count);
      for (std::size_t u = 0; u < count; ++u) {
        EXPECT_EQ(answers[i].labels[u], alone.labels[u]);
        EXPECT_EQ(answers[i].used[u], alone.used[u]);
        EXPECT_NEAR(answers[i].confidence[u], alone.confidence[u], 1e-5);
      }
      for (std::size_t m = 0; m < answers[i].reconstruction.size(); ++m) {
        ASSERT_EQ(answers[i].reconstruction[m].size(), alone.reconstruction[m].size()) << i;
        for (std::size_t j = 0; j < alone.reconstruction[m].size(); ++j) {
          EXPECT_NEAR(answers[i].reconstruction[m][j], alone.reconstruction[m][j], 1e-4);
        }
      }
    }
  }

  test::TempDir dir_;
  BundleInfo info_;
  std::optional<Recogniser> recogniser_;
  std::optional<Recogniser> other_;
  std::mutex mutex_;
  std::vector<std::pair<std::int64_t, std::int64_t>> passes_;  ///< requests, utterances
};

TEST_F(BatcherTest, FourDifferentRequestsShareAPassAndEachGetsItsOwnAnswer) {
  std::vector<Request> requests;
  for (std::uint64_t i = 0; i < 4; ++i) requests.push_back(request(i + 1, i));
  expect_own_answers(requests, std::chrono::seconds(60));  // ends when all four have arrived
  ASSERT_EQ(passes_.size(), 1U);
  EXPECT_EQ(passes_[0], (std::pair<std::int64_t, std::int64_t>(4, 10)));
}

TEST_F(BatcherTest, RequestsThatShowOtherModalitiesAreAnsweredApart) {
  std::vector<Request> requests;
  std::uint64_t seed = 0;
  for (const std::uint32_t available : {1U, 2U, 3U, 1U}) {
    PredictOptions options;
    options.available = Pattern(available);
    requests.push_back(request(2, ++seed, options));
  }
  expect_own_answers(requests, milliseconds(300));
  EXPECT_GE(passes_.size(), 3U);
}

TEST_F(BatcherTest, RequestsThatWantReconstructionsAreAnsweredApart) {
  PredictOptions rebuilds;
  rebuilds.available = Pattern(1);
  rebuilds.reconstructs = true;
  PredictOptions plain = rebuilds;
  plain.reconstructs = false;
  std::vector<Request> requests;
  requests.push_back(request(2, 1, plain));
  requests.push_back(request(3, 2, rebuilds));
  requests.push_back(request(1, 3, plain));
  expect_own_answers(requests, milliseconds(300));
  EXPECT_GE(passes_.size(), 2U);
}

TEST_F(BatcherTest, RequestsOfTwoModelsAreAnsweredApart) {
  std::vector<Request> requests;
  for (std::uint64_t seed = 1; seed < 4; ++seed) requests.push_back(request(2, seed));
  requests[1].recogniser = &*other_;
  expect_own_answers(requests, milliseconds(300));
  EXPECT_GE(passes_.size(), 2U);
}

TEST_F(BatcherTest, AnInvalidRequestFailsAloneAndTheOthersAreAnswered) {
  Batcher batcher({.workers = 1, .max_utterances = 64, .wait = std::chrono::seconds(60)},
                  [](std::int64_t, std::int64_t) {});
  batcher.set_expected(2);
  const Request good = request(2, 1);
  const Request bad = request(1, 2);
  std::vector<std::int64_t> decreasing = {0, 2, 1};
  bool has_failed = false;
  std::thread other([&] {
    try {
      batcher.run({*bad.recogniser, bad.utterances.views, decreasing, {}});
    } catch (const std::exception&) {
      has_failed = true;
    }
  });
  const auto answer = batcher.run({*good.recogniser, good.utterances.views, offsets_of(good), {}});
  other.join();
  EXPECT_TRUE(has_failed);
  EXPECT_EQ(answer.labels.size(), 2U);
}

}  // namespace
}  // namespace hardy
