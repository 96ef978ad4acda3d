// The service over real sockets: keep-alive, limits, slow and broken clients, stop.
#include "serve/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
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
      "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
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
    thread_ = std::thread([this] { server_->run(false, [](const std::string&) {}); });
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

TEST_F(ServerTest, AnswersSeveralRequestsOnOneConnectionEvenPipelinedOnes) {
  Client client(start());
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(client.ask(post(kBody)), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  client.send(post(kBody) + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto first = client.read();
  EXPECT_THAT(first, HasSubstr("\"label\""));
  const auto second = first.find("alive") == std::string::npos ? client.read() : first;
  EXPECT_THAT(second, HasSubstr("alive"));
  EXPECT_THAT(client.ask("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, RefusesWhatIsTooLargeOrNoHttp) {
  const auto port = start();
  EXPECT_THAT(Client(port).ask(post(std::string(3000, ' '))), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Client(port).ask("POST /v1/predict HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Client(port).ask("GET / HTTP/1.1\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(Client(port).ask("rubbish\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Client(port).ask("GET / HTTP/9.9\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Client(port).ask("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Client(port).ask(post(kBody)), StartsWith("HTTP/1.1 200"));
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
      "POST /v1/dialogues HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n" + token + "\r\n";
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

// Without limits of their own: where the server waits for a slow client, these fail by the client's
// patience or never end.
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
    Client(port).send(post(kBody));  // gone before the answer
  }
  Client client(port);
  EXPECT_THAT(client.ask(post(kBody)), StartsWith("HTTP/1.1 200"));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_THAT(client.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
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
  Client client(start());
  const auto request = post(kBody, "Expect: 100-continue\r\n");
  client.send(request.substr(0, request.size() - kBody.size()));
  EXPECT_THAT(client.read(), StartsWith("HTTP/1.1 100"));
  EXPECT_THAT(client.ask(kBody), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, SaysWhenThePortIsTakenOrTheAddressIsNone) {
  options_.port = start();
  EXPECT_THROW(Server(options_, *service_), IoError);
  options_.address = "localhost";
  EXPECT_THROW(Server(options_, *service_), ConfigError);
}

}  // namespace
}  // namespace hardy
