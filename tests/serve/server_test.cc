// The service over real sockets: keep-alive, limits, slow and broken clients, stop.
#include "serve/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A plain TCP client.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    is_open_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }

  ~Client() { ::close(socket_); }

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] bool is_open() const { return is_open_; }

  bool send(const std::string& text) const {
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  /// Reads one response, or what came until the other side closed.
  std::string read() {
    std::string text;
    char block[4096];
    while (!is_complete(text)) {
      const auto count = ::recv(socket_, block, sizeof block, 0);
      if (count <= 0) break;
      text.append(block, static_cast<std::size_t>(count));
    }
    return text;
  }

  /// Everything until the other side closes, or is silent for a while.
  std::string read_all() {
    const timeval patience{0, 300'000};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string text;
    char block[4096];
    while (true) {
      const auto count = ::recv(socket_, block, sizeof block, 0);
      if (count <= 0) return text;
      text.append(block, static_cast<std::size_t>(count));
    }
  }

  std::string ask(const std::string& text) {
    send(text);
    return read();
  }

 private:
  static bool is_complete(const std::string& text) {
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const auto length = text.find("Content-Length: ");
    const std::size_t body =
        length < end ? static_cast<std::size_t>(std::stoul(text.substr(length + 16))) : 0;
    return text.size() >= end + 4 + body;
  }

  int socket_;
  bool is_open_ = false;
};

std::string post(const std::string& body, const std::string& more = "") {
  return fmt::format(
      "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\n{}\r\n{}",
      body.size(), more, body);
}

const std::string kBody = R"({"features":{"m0":[1,2,3]}})";

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    options_.model = dir_.path() / "model";
    options_.port = 0;
    options_.request_timeout_s = 1;
    options_.idle_timeout_s = 2;
    options_.max_body_bytes = 2000;
    options_.max_connections = 40;
    EncoderConfig encoder;
    encoder.hidden = 8;
    encoder.decoder_width = 8;
    save_tensor_file(options_.model, test::random_bundle(test::bundle_info({3, 2}, 2, encoder)));
  }

  ~ServerTest() override {
    if (thread_.joinable()) stop();
  }

  std::uint16_t start() {
    service_ = std::make_unique<Service>(options_);
    server_ = std::make_unique<Server>(options_, *service_);
    thread_ = std::thread([this] { server_->run([](const std::string&) {}); });
    return server_->port();
  }

  void stop() {
    server_->stop();
    thread_.join();
  }

  test::TempDir dir_;
  ServeOptions options_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

TEST_F(ServerTest, ASignalBetweenItsAnnouncementAndItsRunIsObeyed) {
  Service service(options_);
  Server server(options_, service);
  server.take_signals();
  ::raise(SIGTERM);  // would end the process
  std::vector<std::string> lines;
  server.run([&](const std::string& line) { lines.push_back(line); });
  EXPECT_THAT(lines, testing::ElementsAre("stopping"));
}

TEST_F(ServerTest, AnswersSeveralRequestsOnOneConnectionEvenPipelinedOnes) {
  Client client(start());
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(client.ask(post(kBody)), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  client.send(post(kBody) + "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto first = client.read();
  EXPECT_THAT(first, HasSubstr("\"label\""));
  const auto second = first.find("alive") == std::string::npos ? client.read() : first;
  EXPECT_THAT(second, HasSubstr("alive"));
  EXPECT_THAT(client.ask("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, RefusesWhatIsTooLargeOrNoHttp) {
  const auto port = start();
  EXPECT_THAT(Client(port).ask(post(std::string(3000, ' '))), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(
      Client(port).ask(
          "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"),
      StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Client(port).ask("GET / HTTP/1.1\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(Client(port).ask("rubbish\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Client(port).ask("GET / HTTP/9.9\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Client(port).ask("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Client(port).ask(post(kBody)), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, WhatAProxyCouldUnderstandDifferentlyIsRefusedAndNotReadOn) {
  const auto port = start();
  const std::string host = "Host: localhost\r\n";
  const std::string hidden = "GET /v1/model HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string length = fmt::format("Content-Length: {}\r\n", hidden.size());

  struct Case {
    std::string head;
    const char* status;
  };

  const std::string first = "POST /v1/predict HTTP/1.1\r\n";
  const Case cases[] = {
      {first + host + "Transfer-Encoding: gzip\r\n", "501"},
      {first + host + "Transfer-Encoding: identity\r\n", "501"},
      {first + host + "Transfer-Encoding: identity\r\n" + length, "400"},
      {first + host + "Transfer-Encoding: xchunked\r\n", "501"},
      {first + host + "Transfer-Encoding: gzip, chunked\r\n", "501"},
      {first + host + "Transfer-Encoding: chunked, chunked\r\n", ""},
      {first + host + "Transfer-Encoding: chunked\r\n" + length, "400"},
      {first + host + length + length, "400"},
      {first + host + "Content-Length: 1, 1\r\n", "400"},
      {first + host + "Content-Length: +1\r\n", "400"},
      {first + length, "400"},
      {first + host + host + length, "400"},
      {first + host + "Transfer-Encoding:\r\n chunked\r\n", "400"},
      {first + host + "X: a\r\n\tTransfer-Encoding: chunked\r\n" + length, "400"},
      {first + "Host:\r\n" + length, "400"},
      {first + "Host: evil.example\r\n" + length, "403"},
      {first + "Host: localhost:x\r\n" + length, "400"},
      {first + host + "Origin:\r\n" + length, "400"},
      {first + host + "Expect: something\r\n" + length, "417"},
      {"POST v1/predict HTTP/1.1\r\n" + host + length, "400"},
      {"POST ftp://localhost/v1/predict HTTP/1.1\r\n" + host + length, "400"},
      {"POST /v1/predict HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", "400"},
  };
  for (const auto& tested : cases) {
    SCOPED_TRACE(tested.head);
    Client client(port);
    client.send(tested.head + "\r\n" + hidden);
    const auto reply = client.read_all();
    EXPECT_THAT(reply.substr(0, 9), testing::AnyOf("HTTP/1.1 ", "HTTP/1.0 "));
    EXPECT_THAT(reply.substr(9), StartsWith(tested.status));
    // The hidden request is part of a body, or is ignored.
    EXPECT_EQ(reply.find("fingerprint"), std::string::npos) << reply;
  }
}

TEST_F(ServerTest, TakesWhatTheStandardAllows) {
  const auto port = start();
  const std::string rest = fmt::format(
      "Content-Type: APPLICATION/JSON\r\nContent-Length: {}\r\n\r\n{}", kBody.size(), kBody);
  for (const char* head :
       {"POST /v1/predict HTTP/1.1\r\nhost: LOCALHOST:80\r\n",
        "POST /v1/predict HTTP/1.1\r\nHost: [::1]:8080\r\n", "POST /v1/predict HTTP/1.0\r\n",
        "POST http://localhost/v1/predict HTTP/1.1\r\nHost: other\r\n",
        "POST HTTP://127.0.0.1:80/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\n"}) {
    SCOPED_TRACE(head);
    EXPECT_THAT(Client(port).ask(head + rest), HasSubstr(" 200 OK\r\n"));
  }
  EXPECT_THAT(Client(port).ask("GET http://evil.example/healthz HTTP/1.1\r\n"
                               "Host: localhost\r\n\r\n"),
              StartsWith("HTTP/1.1 403"));
  const auto chunked = fmt::format(
      "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: Chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
      kBody.size(), kBody);
  EXPECT_THAT(Client(port).ask(chunked), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, FieldsAfterTheBodyAreNoHeader) {
  const auto port = start();
  const auto ask = [&](const std::string& head, const std::string& trailer) {
    return Client(port).ask(
        fmt::format("POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n{}"
                    "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n{}\r\n",
                    head, kBody.size(), kBody, trailer));
  };
  const std::string type = "Content-Type: application/json\r\n";
  EXPECT_THAT(ask("", type), StartsWith("HTTP/1.1 415"));
  EXPECT_THAT(ask(type, "Content-Encoding: gzip\r\nHost: evil.example\r\n"),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, WhatComesBesideABodyIsBounded) {
  const auto port = start();
  const std::string head =
      "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n2";
  const std::string much(80 << 10, 'a');
  EXPECT_THAT(Client(port).ask(head + ";" + much), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(Client(port).ask(head + "\r\n{}\r\n0\r\nA: " + much), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(Client(port).ask(head + ";a=b\r\n{}\r\n0\r\nA: b\r\n\r\n"), HasSubstr("features"));
}

TEST_F(ServerTest, AHeaderMayComeInPieces) {
  const auto port = start();
  Client client(port);
  const std::string request = post(kBody);
  constexpr std::size_t kPiece = 17;
  for (std::size_t at = 0; at < request.size(); at += kPiece) {
    client.send(request.substr(at, kPiece));
  }
  EXPECT_THAT(client.read(), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, ARefusedClientStillReadsWhy) {
  const auto port = start();
  Client client(port);
  // Far more than the sockets hold: closing at once would reset the connection.
  const auto reply = client.ask(post(std::string(8 << 20, ' ')));
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 413"));
}

TEST_F(ServerTest, BodiesInWorkAreBoundedTogether) {
  options_.max_body_bytes = 1 << 20;
  options_.max_work_bytes = 1 << 20;
  options_.request_timeout_s = 5;
  const auto port = start();
  const auto large = post(std::string(900 << 10, ' '));
  Client held(port);
  held.send(large.substr(0, large.size() - 1));  // in progress until its last byte arrives
  std::string refused;
  for (int i = 0; i < 50 && refused.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto reply = Client(port).ask(large);
    if (reply.starts_with("HTTP/1.1 503")) refused = reply;
  }
  EXPECT_THAT(refused, HasSubstr("Retry-After: 1"));
  // Small requests pass meanwhile.
  EXPECT_THAT(Client(port).ask(post(kBody)), StartsWith("HTTP/1.1 200"));
  held.send(" ");
  EXPECT_THAT(held.read(), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Client(port).ask(large), StartsWith("HTTP/1.1 400"));
}

TEST_F(ServerTest, EveryReplyForbidsFramesAndSniffing) {
  const auto reply = Client(start()).ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  for (const char* header :
       {"X-Content-Type-Options: nosniff", "X-Frame-Options: DENY",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy: same-origin", "Cache-Control: no-store"}) {
    EXPECT_THAT(reply, HasSubstr(header));
  }
}

TEST_F(ServerTest, EveryRefusalIsJsonThatSaysWhy) {
  options_.token = "sixteen-letters!";
  options_.max_sessions = 1;
  const auto port = start();
  const std::string token = "Authorization: Bearer sixteen-letters!\r\n";
  const auto refusal = [&](const std::string& request, int status, const std::string& field) {
    const auto reply = Client(port).ask(request);
    EXPECT_THAT(reply, StartsWith(fmt::format("HTTP/1.1 {} ", status)));
    EXPECT_THAT(reply, HasSubstr("Content-Type: application/json"));
    EXPECT_THAT(reply, HasSubstr(fmt::format("{{\"error\":{{\"status\":{},", status)));
    if (!field.empty()) {
      EXPECT_THAT(reply, HasSubstr(fmt::format("\"field\":\"{}\"", field)));
    }
    EXPECT_THAT(reply, HasSubstr("\"reason\":\""));
  };
  refusal(post("{", token), 400, "body");
  refusal(post(R"({"features":7})", token), 400, "features");
  refusal(post(kBody), 401, "Authorization");
  refusal(post(kBody, "Authorization: Bearer other\r\n"), 401, "Authorization");
  refusal(post(std::string(3000, ' '), token), 413, "body");
  refusal(post(R"({"features":{"m0":[1,2]}})", token), 422, "features.m0");
  const std::string open =
      "POST /v1/dialogues HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Type: application/json\r\nContent-Length: 0\r\n" +
      token + "\r\n";
  EXPECT_THAT(Client(port).ask(open), StartsWith("HTTP/1.1 201"));
  refusal(open, 429, "");
}

TEST_F(ServerTest, MoreRequestsThanAreAllowedInWorkAreTurnedAway) {
  options_.max_pending = 0;
  const auto reply = Client(start()).ask(post(kBody));
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(reply, HasSubstr("Retry-After: 1"));
  EXPECT_THAT(reply, HasSubstr("\"reason\":\"0 requests are in work"));
}

/// Clients that have sent half of a header.
std::vector<std::unique_ptr<Client>> slow_clients(std::uint16_t port) {
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 30; ++i) {
    slow.push_back(std::make_unique<Client>(port));
    slow.back()->send("POST /v1/predict HTTP/1.1\r\nContent-Le");
  }
  return slow;
}

// Without their own limits: if the server waited for a slow client, these would time out or hang.
TEST_F(ServerTest, SlowClientsKeepNobodyOut) {
  options_.request_timeout_s = 3600;
  const auto port = start();
  const auto slow = slow_clients(port);
  EXPECT_THAT(Client(port).ask(post(kBody)), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, SlowClientsAreCutOffHoweverTheyDrip) {
  const auto port = start();
  const auto slow = slow_clients(port);
  while (slow[0]->send("n")) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(slow[1]->read(), "");
}

TEST_F(ServerTest, BrokenClientsLeaveNothingBehind) {
  const auto port = start();
  for (int i = 0; i < 50; ++i) {
    Client(port).send(post(kBody).substr(0, static_cast<std::size_t>(20 + 2 * i)));
    Client(port).send(post(kBody));  // closed before the answer
  }
  Client client(port);
  EXPECT_THAT(client.ask(post(kBody)), StartsWith("HTTP/1.1 200"));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_THAT(client.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              HasSubstr("hardy_connections 1\n"));
}

TEST_F(ServerTest, TurnsAwayConnectionsBeyondTheLimit) {
  options_.max_connections = 3;
  const auto port = start();
  std::vector<std::unique_ptr<Client>> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(std::make_unique<Client>(port));
    EXPECT_THAT(held.back()->ask(post(kBody)), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_THAT(Client(port).read(), StartsWith("HTTP/1.1 503"));
  held.clear();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_THAT(Client(port).ask(post(kBody)), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, StopsWithIdleConnectionsAtOnceAndTakesNobodyNew) {
  options_.idle_timeout_s = 3600;
  const auto port = start();
  Client idle(port);
  EXPECT_THAT(idle.ask(post(kBody)), StartsWith("HTTP/1.1 200"));
  stop();
  EXPECT_EQ(idle.ask(post(kBody)), "");
  EXPECT_FALSE(Client(port).is_open());
}

TEST_F(ServerTest, AskingToContinueIsAnswered) {
  const auto port = start();
  Client client(port);
  const auto request = post(kBody, "Expect: 100-continue\r\n");
  client.send(request.substr(0, request.size() - kBody.size()));
  EXPECT_THAT(client.read(), StartsWith("HTTP/1.1 100"));
  EXPECT_THAT(client.ask(kBody), StartsWith("HTTP/1.1 200"));
  // HTTP/1.0 has no interim replies.
  auto old = post(kBody, "Expect: 100-continue\r\n");
  old.replace(old.find("HTTP/1.1"), 8, "HTTP/1.0");
  EXPECT_THAT(Client(port).ask(old), StartsWith("HTTP/1.0 200"));
}

TEST_F(ServerTest, SaysWhenThePortIsTakenOrTheAddressIsNone) {
  options_.port = start();
  EXPECT_THROW(Server(options_, *service_), IoError);
  options_.address = "localhost";
  EXPECT_THROW(Server(options_, *service_), ConfigError);
}

}  // namespace
}  // namespace hardy
