// Host names, origins, targets, and serialised reloads.
#include "serve/http_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <map>
#include <thread>

#include "base/files.h"
#include "fuzz/http_entry_point.h"
#include "hardy/errors.h"
#include "serve/reload_gate.h"
#include "serve/work_budget.h"
#include "tests/support/places.h"

namespace hardy {
namespace {

HttpRequest from(const std::string& host, const std::string& origin = "") {
  HttpRequest request;
  request.host = host;
  request.origin = origin;
  return request;
}

int status(const HostRules& rules, const std::string& host, const std::string& origin = "") {
  const auto refusal = rules.refusal(from(host, origin));
  return refusal ? refusal->status : 200;
}

TEST(HostRules, OnLoopbackOnlyLoopbackNamesAreTaken) {
  const HostRules rules("127.0.0.1", "machine", {});
  for (const char* host : {"", "127.0.0.1", "127.0.0.1:8080", "localhost", "LocalHost:1",
                           "localhost.", "[::1]", "[::1]:8080", "127.9.9.9"}) {
    EXPECT_EQ(status(rules, host), 200) << host;
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "machine", "10.0.0.1",
                           "127.0.0.1.evil.example", "[fe80::1]", "0.0.0.0"}) {
    EXPECT_EQ(status(rules, host), 403) << host;
  }
  for (const char* host :
       {"a b", ":80", "localhost:99999999", "localhost:8x", "[::1", "[::1]x", "localhost:65536",
        "localhost:+80", "[::1%lo]", "user@localhost", "a/b", "localhost,localhost"}) {
    EXPECT_EQ(status(rules, host), 400) << host;
  }
}

TEST(HostRules, ElsewhereTheAddressTheMachineAndGivenNamesAreTaken) {
  const HostRules one("192.0.2.7", "Machine", {"hardy.example.org"});
  EXPECT_EQ(status(one, "192.0.2.7:80"), 200);
  EXPECT_EQ(status(one, "machine"), 200);
  EXPECT_EQ(status(one, "HARDY.example.org"), 200);
  EXPECT_EQ(status(one, "192.0.2.8"), 403);
  EXPECT_EQ(status(one, "localhost"), 403);
  const HostRules all("0.0.0.0", "machine", {});
  EXPECT_EQ(status(all, "192.0.2.8"), 200);
  EXPECT_EQ(status(all, "[2001:db8::1]:80"), 200);
  EXPECT_EQ(status(all, "localhost"), 200);
  EXPECT_EQ(status(all, "evil.example"), 403);
  EXPECT_THROW(HostRules("127.0.0.1", "", {"a b"}), ConfigError);
  EXPECT_THROW(HostRules("127.0.0.1", "", {"name:80"}), ConfigError);
}

TEST(HostRules, AnOriginMustBeTheServiceItself) {
  const HostRules rules("127.0.0.1", "machine", {"hardy.example.org"});
  EXPECT_EQ(status(rules, "localhost:8080", "http://localhost:8080"), 200);
  EXPECT_EQ(status(rules, "localhost", "http://localhost:80"), 200);
  EXPECT_EQ(status(rules, "hardy.example.org", "https://hardy.example.org"), 200);
  EXPECT_EQ(status(rules, "127.0.0.1:8080", "https://hardy.example.org"),
            200);  // request through a proxy
  for (const char* origin : {"http://localhost:3000", "http://evil.example", "null", "x", "file://",
                             "http://localhost:8080/page", "http://127.0.0.1:8080"}) {
    EXPECT_EQ(status(rules, "localhost:8080", origin), 403) << origin;
  }
}

TEST(HttpRules, TakesTargetsApart) {
  EXPECT_EQ(parse_target("/a?b")->path, "/a?b");
  EXPECT_EQ(parse_target("http://Host:1/a?b")->authority, "Host:1");
  EXPECT_EQ(parse_target("HTTPS://h/a")->path, "/a");
  EXPECT_EQ(parse_target("http://h")->path, "/");
  EXPECT_EQ(parse_target("http://h?x")->path, "/?x");
  for (const char* target : {"", "*", "a", "http:///a", "ftp://h/a", "h:443"}) {
    EXPECT_FALSE(parse_target(target).has_value()) << target;
  }
}

TEST(HttpRules, ReadsSchemesWhateverTheirCase) {
  EXPECT_EQ(bearer_token("Bearer x"), "x");
  EXPECT_EQ(bearer_token("bEARER  x "), "x");
  for (const char* text : {"", "Bearer", "Bearer ", "Bearerx", "Basic x", "x"}) {
    EXPECT_EQ(bearer_token(text), "") << text;
  }
}

TEST(HttpRules, KeptFuzzInputsAreAnsweredOrRefused) {
  std::map<int, int> statuses;
  for (const auto& file : std::filesystem::directory_iterator(test::fuzz_corpus_dir() / "http")) {
    SCOPED_TRACE(file.path().string());
    EXPECT_NO_THROW(++statuses[fuzz::answer_http(read_text_file(file.path()))]);
  }
  for (const int status : {200, 201, 400, 404, 415}) EXPECT_GT(statuses[status], 0) << status;
}

TEST(ReloadGate, OneGoesOneWaitsAndTheNewestWins) {
  using Turn = ReloadGate::Turn;
  ReloadGate gate;
  ASSERT_EQ(gate.enter(), Turn::kGo);
  auto enter = [&] { return std::async(std::launch::async, [&] { return gate.enter(); }); };
  std::vector<std::future<Turn>> waiting;
  for (int i = 0; i < 5; ++i) waiting.push_back(enter());
  // All but one are replaced while the first runs; which one remains depends on the threads.
  int replaced = 0;
  for (int tries = 0; tries < 500 && replaced < 4; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    replaced = 0;
    for (auto& each : waiting) {
      replaced += each.wait_for(std::chrono::seconds(0)) == std::future_status::ready ? 1 : 0;
    }
  }
  EXPECT_EQ(replaced, 4);
  gate.leave();
  int went = 0;
  for (auto& each : waiting) went += each.get() == Turn::kGo ? 1 : 0;
  EXPECT_EQ(went, 1);
  auto last = enter();
  gate.stop();
  EXPECT_EQ(last.get(), Turn::kStopping);
  EXPECT_EQ(gate.enter(), Turn::kStopping);
}

TEST(WorkBudget, CountsWhatIsHeldBeyondTheFreeBytes) {
  constexpr auto kFree = WorkBudget::kFree;
  WorkBudget budget(100);
  {
    WorkLease first(budget);
    EXPECT_TRUE(first.hold(kFree));
    EXPECT_EQ(budget.held(), 0);
    EXPECT_TRUE(first.hold(kFree + 60));
    WorkLease second(budget);
    EXPECT_FALSE(second.hold(kFree + 41));
    EXPECT_TRUE(second.hold(kFree + 40));
    WorkLease moved(std::move(second));
    EXPECT_EQ(budget.held(), 100);
    EXPECT_TRUE(first.hold(5));
    EXPECT_EQ(budget.held(), 40);
    EXPECT_TRUE(moved.hold(kFree + 100));
    moved.release();
    EXPECT_EQ(budget.held(), 0);
    EXPECT_TRUE(first.hold(kFree + 1));
  }
  EXPECT_EQ(budget.held(), 0);
}

}  // namespace
}  // namespace hardy
