// The service without sockets: every route, every refusal, sessions, reload.
#include "serve/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/files.h"
#include "formats/npy.h"
#include "hardy/errors.h"
#include "hardy/version.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

/// A service for a small model, with requests for it.
class ServiceTest : public testing::Test {
 protected:
  ServiceTest() : info_(test::bundle_info({3, 2}, 2, encoder())) {
    options_.model = dir_.path() / "model";
    options_.max_utterances = 8;
    options_.max_sessions = 2;
    save_tensor_file(options_.model, test::random_bundle(info_));
  }

  static EncoderConfig encoder() {
    EncoderConfig encoder;
    encoder.hidden = 8;
    encoder.depth = 2;
    encoder.decoder_width = 8;
    return encoder;
  }

  Service& service() {
    if (service_ == nullptr) service_ = std::make_unique<Service>(options_);
    return *service_;
  }

  HttpReply ask(const std::string& method, const std::string& target, const std::string& body = "",
                const std::string& authorization = "") {
    return service().handle({method, target, body, "application/json", authorization});
  }

  HttpReply post(const std::string& target, const std::string& body) {
    return ask("POST", target, body);
  }

  /// A refusal's status, field and reason.
  void expect_refusal(const HttpReply& reply, int status, const std::string& field,
                      const std::string& reason) {
    EXPECT_EQ(reply.status, status) << reply.body;
    const auto error = Json::parse(reply.body).at("error");
    EXPECT_EQ(error.at("status"), status);
    EXPECT_EQ(error.value("field", ""), field);
    EXPECT_THAT(error.at("reason").get<std::string>(), HasSubstr(reason));
  }

  /// A corpus of one dialogue that fits the model.
  static void save_demo(const std::filesystem::path& folder) {
    write_file_atomically(folder / "utterances.csv", "id,dialogue,label\nu0,d,0\nu1,d,1\n");
    save_npy(folder / "m0.npy", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
    save_npy(folder / "m1.npy", {2, 2}, std::vector<float>{1, 2, 3, 4});
  }

  test::TempDir dir_;
  BundleInfo info_;
  ServeOptions options_;
  std::unique_ptr<Service> service_;
};

const std::string kUtterance = R"({"features":{"m0":[1,2,3],"m1":[0.5,-1]}})";

TEST_F(ServiceTest, PredictsOneUtteranceAsTheLibraryDoes) {
  const auto reply = post("/v1/predict", kUtterance);
  ASSERT_EQ(reply.status, 200) << reply.body;
  const auto answer = Json::parse(reply.body);
  const auto recogniser = Recogniser::load(options_.model);
  DialogueInput input(recogniser.info());
  const std::vector<float> m0 = {1, 2, 3};
  const std::vector<float> m1 = {0.5F, -1};
  input.add({{"m0", m0}, {"m1", m1}});
  Workspace workspace;
  const auto expected = recogniser.predict(input.utterances(), workspace);
  EXPECT_NEAR(answer["probabilities"]["class0"].get<double>(), expected.row(0)[0], 1e-6);
  EXPECT_EQ(answer["used"], Json({"m0", "m1"}));
  EXPECT_FALSE(answer["calibrated"].get<bool>());
}

TEST_F(ServiceTest, SaysWhichFeaturesLieOutsideOfTheModelsLimits) {
  info_.limits_features = true;
  save_tensor_file(options_.model, test::random_bundle(info_));
  const auto answers =
      Json::parse(post("/v1/predict", R"({"utterances":[{"features":{"m0":[0,0,0]}},)"
                                      R"({"features":{"m0":[1e9,0,-1e9],"m1":[-1e9,0]}}]})")
                      .body)
          .at("predictions");
  EXPECT_GE(answers[1].at("limited").at("m0"), 2);
  EXPECT_GE(answers[1].at("limited").at("m1"), 1);
  EXPECT_EQ(Json::parse(post("/v1/predict", R"({"features":{"m1":[1e9,1e9]}})").body).at("limited"),
            Json({{"m1", 2}}));
}

TEST_F(ServiceTest, PredictsListsByDialogueAndHonoursOptions) {
  const std::string list = R"({"utterances":[{"id":"a","dialogue":"d","features":{"m0":[1,2,3]}},)"
                           R"({"id":"b","dialogue":"d","features":{"m0":[3,2,1],"m1":[1,1]}},)"
                           R"({"id":"c","features":{"m0":[1,2,3]}}]%})";
  const auto body = [&](const std::string& more) {
    std::string text = list;
    return text.replace(text.find('%'), 1, more);
  };
  const auto answers = Json::parse(post("/v1/predict", body("")).body).at("predictions");
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[1]["id"], "b");
  // The same features, once with a dialogue as context.
  EXPECT_NE(answers[0]["probabilities"], answers[2]["probabilities"]);
  const auto limited =
      Json::parse(post("/v1/predict", body(R"(,"available":["m0"],"reconstruct":true)")).body)
          .at("predictions");
  EXPECT_EQ(limited[1]["used"], Json({"m0"}));
  EXPECT_EQ(limited[1]["reconstruction"]["m1"].size(), 2U);
  expect_refusal(post("/v1/predict", body(R"(,"available":["m1"])")), 422, "available",
                 "leaves nothing of utterance 0");
}

TEST_F(ServiceTest, AnswersWithPredictionSets) {
  info_.coverage = {{Pattern(0b01), {0, .1F, .2F}, {1, 1, 1}}};
  save_tensor_file(options_.model, test::random_bundle(info_));
  const auto body = [](const std::string& more) {
    return R"({"utterances":[{"features":{"m0":[1,2,3]}},{"features":{"m1":[1,1]}}])" + more + "}";
  };
  const auto answers =
      Json::parse(post("/v1/predict", body(R"(,"coverage":0.75)")).body).at("predictions");
  EXPECT_EQ(answers[0]["coverage"], .75);
  EXPECT_EQ(answers[0]["set"][0], answers[0]["label"]);
  EXPECT_TRUE(answers[1]["coverage"].is_null());
  EXPECT_EQ(answers[1]["set"].size(), 2U);
  EXPECT_THAT(answers[1]["no_coverage"].get<std::string>(), HasSubstr("no validation utterances"));
  const auto plain = Json::parse(post("/v1/predict", body("")).body).at("predictions");
  EXPECT_FALSE(plain[0].contains("set"));
  expect_refusal(post("/v1/predict", body(R"(,"coverage":0.9)")), 422, "coverage",
                 "it takes 9 validation dialogues, the model has 3");
  expect_refusal(post("/v1/predict", body(R"(,"coverage":"much")")), 400, "coverage",
                 "is not a number");
  expect_refusal(post("/v1/predict", body(R"(,"coverage":1)")), 422, "coverage",
                 "must lie between 0 and 1");
}

TEST_F(ServiceTest, RefusalsNameFieldAndReason) {
  expect_refusal(post("/v1/predict", "{"), 400, "body", "not JSON at byte");
  expect_refusal(post("/v1/predict", "[1]"), 400, "body", "not a JSON object");
  expect_refusal(post("/v1/predict", R"({"features":{"m0":[1]}})"), 422, "features.m0",
                 "has 1 values");
  expect_refusal(post("/v1/predict", R"({"features":{"m0":"x"}})"), 400, "features.m0",
                 "is string");
  expect_refusal(post("/v1/predict", R"({"utterances":[]})"), 422, "utterances", "empty");
  expect_refusal(post("/v1/predict", R"({"utterances":7})"), 400, "utterances", "not a list");
  expect_refusal(post("/v1/predict", R"({"utterances":[{}]})"), 400, "utterances[0].features",
                 "missing");
  expect_refusal(post("/v1/predict", R"({"utterances":[],"id":"x"})"), 422, "utterances", "empty");
  std::string many = R"({"utterances":[)";
  for (int i = 0; i < 9; ++i) many += (i == 0 ? "" : ",") + kUtterance;
  expect_refusal(post("/v1/predict", many + "]}"), 413, "utterances", "at most 8");
  expect_refusal(post("/v1/explain", R"({"features":{"m0":[1,2,3]},"utterance":1})"), 422,
                 "utterance", "the dialogue has 1");
  expect_refusal(post("/v1/explain", R"({"features":{"m0":[1,2,3]},"similar":-1})"), 422, "similar",
                 "0..100");
  expect_refusal(post("/v1/explain", R"({"features":{"m0":[1,2,3]},"available":["m1"]})"), 422,
                 "available", "leaves nothing");
  expect_refusal(post("/v1/explain", R"({"corpus_dialogue":"d"})"), 404, "corpus_dialogue",
                 "no corpus");
  expect_refusal(ask("GET", "/v1/predict"), 405, "", "POST");
  expect_refusal(ask("GET", "/nothing"), 404, "", "openapi");
  expect_refusal(service().handle({"POST", "/v1/predict", kUtterance, "text/plain", ""}), 415,
                 "Content-Type", "application/json");
  for (const char* type : {"application/jsonp", "text/json", "application/json; charset=latin1",
                           "application/json, application/json", "application/json;x", ""}) {
    expect_refusal(service().handle({"POST", "/v1/predict", kUtterance, type, ""}), 415,
                   "Content-Type", "application/json");
  }
  for (const char* type : {"APPLICATION/JSON", "application/json;charset=UTF-8",
                           "application/json ; charset=\"utf-8\""}) {
    EXPECT_EQ(service().handle({"POST", "/v1/predict", kUtterance, type, ""}).status, 200) << type;
  }
  HttpRequest packed{"POST", "/v1/predict", "\x1f\x8b", "application/json", ""};
  packed.content_encoding = "gzip";
  expect_refusal(service().handle(packed), 415, "Content-Encoding", "plain");
  HttpRequest plain{"POST", "/v1/predict", kUtterance, "application/json", ""};
  plain.content_encoding = "Identity";
  EXPECT_EQ(service().handle(plain).status, 200);
  expect_refusal(service().refuse_busy({"POST", "/v1/predict", "", "", ""}), 503, "", "in work");
}

TEST_F(ServiceTest, ATokenOpensEverythingButHealthAndThePage) {
  options_.token = "sixteen-letters!";
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  EXPECT_EQ(ask("GET", "/").status, 200);
  EXPECT_EQ(ask("GET", "/openapi.json").status, 200);
  for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer sixteen-letters", "sixteen-letters!",
                            "Bearer sixteen-letters!!", "Basic sixteen-letters!"}) {
    expect_refusal(ask("GET", "/v1/model", "", wrong), 401, "Authorization", "Bearer");
    expect_refusal(ask("GET", "/metrics", "", wrong), 401, "Authorization", "Bearer");
  }
  for (const char* right :
       {"Bearer sixteen-letters!", "bearer sixteen-letters!", "BEARER   sixteen-letters!"}) {
    EXPECT_EQ(ask("GET", "/v1/model", "", right).status, 200) << right;
  }
}

TEST_F(ServiceTest, PagesOfOtherSitesCannotUseIt) {
  const auto ask_as = [&](const char* host, const char* origin, const char* type) {
    HttpRequest request{"POST", "/v1/dialogues", "", type, ""};
    request.host = host;
    request.origin = origin;
    return service().handle(request);
  };
  expect_refusal(ask_as("127.0.0.1:8080", "http://evil.example", "application/json"), 403, "Origin",
                 "other sites");
  expect_refusal(ask_as("127.0.0.1:8080", "null", "application/json"), 403, "Origin", "other");
  expect_refusal(ask_as("evil.example", "", "application/json"), 403, "Host", "no name of this");
  expect_refusal(ask_as("a b", "", "application/json"), 400, "Host", "not a host name");
  // A form of another site can send these without a preflight request.
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded"}) {
    expect_refusal(ask_as("127.0.0.1:8080", "", type), 415, "Content-Type", "application/json");
    HttpRequest reload{"POST", "/v1/reload", "", type, ""};
    expect_refusal(service().handle(reload), 415, "Content-Type", "application/json");
  }
  EXPECT_EQ(ask_as("localhost:8080", "http://localhost:8080", "application/json").status, 201);
  expect_refusal(post("/v1/dialogues", R"({"id":"x"})"), 400, "body", "takes no fields");
  expect_refusal(post("/v1/reload", R"({"id":"x"})"), 400, "body", "takes no fields");
  EXPECT_EQ(post("/v1/reload", " { } ").status, 200);
}

TEST_F(ServiceTest, ThePageRunsItsOwnScriptOnly) {
  const auto reply = ask("GET", "/");
  ASSERT_EQ(reply.headers.size(), 1U);
  EXPECT_EQ(reply.headers[0].first, "Content-Security-Policy");
  EXPECT_THAT(reply.headers[0].second, HasSubstr("script-src 'sha256-"));
  EXPECT_THAT(reply.headers[0].second, HasSubstr("frame-ancestors 'none'"));
}

TEST_F(ServiceTest, ExplainsTheUtteranceOfAnId) {
  const std::string list =
      R"({"utterances":[{"id":"a","features":{"m0":[1,2,3]}},)"
      R"({"id":"b","features":{"m1":[1,2]}},{"id":"b","features":{"m1":[1,2]}}],)"
      R"("utterance":%})";
  const auto explain = [&](const std::string& which) {
    std::string text = list;
    return post("/v1/explain", text.replace(text.find('%'), 1, which));
  };
  const auto answer = Json::parse(explain(R"("a")").body);
  EXPECT_EQ(answer.at("id"), "a");
  EXPECT_EQ(answer, Json::parse(explain("0").body));
  expect_refusal(explain(R"("c")"), 422, "utterance", "no utterance 'c'");
  expect_refusal(explain(R"("b")"), 422, "utterance", "2 utterances are called 'b'");
  save_demo(dir_.path() / "corpus");
  options_.corpus = (dir_.path() / "corpus").string();
  service_.reset();
  const auto kept = post("/v1/explain", R"({"corpus_dialogue":"d","utterance":"u1"})");
  EXPECT_EQ(Json::parse(kept.body).at("utterance"), 1) << kept.body;
}

TEST_F(ServiceTest, AnOfferedCorpusFitsTheModelThatIsAsked) {
  save_demo(dir_.path() / "corpus");
  options_.corpus = (dir_.path() / "corpus").string();
  const std::string question = R"({"corpus_dialogue":"d","utterance":"u1"})";
  const auto modalities = [&] {
    const auto body = Json::parse(ask("GET", "/v1/corpus/dialogues/d").body);
    return body.at("utterances")[0].at("modalities").get<std::vector<std::string>>();
  };
  EXPECT_TRUE(service().corpus_gaps().empty());
  EXPECT_EQ(modalities(), (std::vector<std::string>{"m0", "m1"}));
  EXPECT_EQ(post("/v1/explain", question).status, 200);
  // A model of other widths takes its place: the corpus holds 3 values where it reads 400.
  save_tensor_file(options_.model,
                   test::random_bundle(test::bundle_info({400, 2}, 2, encoder()), 2));
  ASSERT_EQ(post("/v1/reload", "").status, 200);
  EXPECT_THAT(service().corpus_gaps(), testing::ElementsAre("m0 is 3 wide, the model reads 400"));
  EXPECT_EQ(modalities(), (std::vector<std::string>{"m1"}));
  EXPECT_EQ(post("/v1/explain", question).status, 200);
  save_tensor_file(options_.model,
                   test::random_bundle(test::bundle_info({400, 7}, 2, encoder()), 2));
  ASSERT_EQ(post("/v1/reload", "").status, 200);
  expect_refusal(post("/v1/explain", question), 422, "available", "leaves nothing");
  service_.reset();
  EXPECT_THROW(service(), DataError);
}

TEST_F(ServiceTest, ATurnMayOnlyEndTheDialogue) {
  const auto id = Json::parse(post("/v1/dialogues", "{}").body).at("dialogue").get<std::string>();
  const auto turns = fmt::format("/v1/dialogues/{}/turns", id);
  EXPECT_EQ(post(turns, kUtterance).status, 200);
  const auto closed = Json::parse(post(turns, R"({"dialogue":"d1","end":true})").body);
  EXPECT_EQ(closed.at("closed"), true);
  EXPECT_EQ(closed.at("turns"), 1);
  expect_refusal(post(turns, kUtterance), 404, "", "no such dialogue");
}

TEST_F(ServiceTest, AModelThatIsTooLargeIsRefusedUnread) {
  service();
  // A sparse file of 64 GiB: reading it would take minutes and exhaust memory.
  std::filesystem::resize_file(options_.model, std::uintmax_t{64} << 30);
  expect_refusal(post("/v1/reload", ""), 500, "", "more than the 1073741824");
  options_.max_model_bytes = std::int64_t{1} << 40;
  std::filesystem::remove(options_.model);
  save_tensor_file(options_.model, test::random_bundle(info_));
  service_.reset();
  service();
  std::filesystem::resize_file(options_.model, std::uintmax_t{64} << 30);
  expect_refusal(post("/v1/reload", ""), 500, "", "not a usable tensor file");
}

TEST_F(ServiceTest, NothingIsReloadedOnceItStops) {
  service().stop();
  expect_refusal(post("/v1/reload", ""), 503, "", "stopping");
}

TEST_F(ServiceTest, ASessionAnswersEachTurnFromTheTurnsSoFar) {
  const auto opened = post("/v1/dialogues", "");
  ASSERT_EQ(opened.status, 201);
  const auto id = Json::parse(opened.body).at("dialogue").get<std::string>();
  const auto turns = fmt::format("/v1/dialogues/{}/turns", id);
  EXPECT_EQ(Json::parse(post(turns, kUtterance).body).at("turn"), 1);
  const auto second = Json::parse(post(turns, R"({"features":{"m1":[2,2]}})").body);
  const auto batch =
      Json::parse(post("/v1/predict",
                       R"({"utterances":[{"dialogue":"d","features":{"m0":[1,2,3],"m1":[0.5,-1]}},)"
                       R"({"dialogue":"d","features":{"m1":[2,2]}}]})")
                      .body);
  EXPECT_NEAR(second["probabilities"]["class0"].get<double>(),
              batch["predictions"][1]["probabilities"]["class0"].get<double>(), 1e-5);
  EXPECT_EQ(Json::parse(ask("GET", "/v1/dialogues/" + id).body).at("turns"), 2);
  // A refused turn is not appended.
  EXPECT_EQ(post(turns, R"({"features":{"m1":[2]}})").status, 422);
  EXPECT_EQ(Json::parse(ask("GET", "/v1/dialogues/" + id).body).at("turns"), 2);
  EXPECT_EQ(post("/v1/dialogues", "").status, 201);
  expect_refusal(post("/v1/dialogues", ""), 429, "", "too many dialogues");
  EXPECT_EQ(ask("DELETE", "/v1/dialogues/" + id).status, 204);
  expect_refusal(ask("DELETE", "/v1/dialogues/" + id), 404, "", "no such dialogue");
  expect_refusal(post(turns, kUtterance), 404, "", "no such dialogue");
  EXPECT_EQ(post("/v1/dialogues", "").status, 201);
  expect_refusal(ask("GET", "/v1/dialoguesx"), 404, "", "no such resource");
}

TEST_F(ServiceTest, ADialogueHasALimitedNumberOfTurns) {
  const auto id = Json::parse(post("/v1/dialogues", "").body).at("dialogue").get<std::string>();
  const auto turns = fmt::format("/v1/dialogues/{}/turns", id);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(post(turns, kUtterance).status, 200);
  expect_refusal(post(turns, kUtterance), 413, "dialogue", "8 turns already");
}

TEST_F(ServiceTest, ReloadSwapsTheModelAndAFailedOneKeepsIt) {
  const auto before = Json::parse(ask("GET", "/v1/model").body);
  const auto old_answer = post("/v1/predict", kUtterance).body;
  const auto id = Json::parse(post("/v1/dialogues", "").body).at("dialogue").get<std::string>();
  save_tensor_file(options_.model, test::random_bundle(info_, 2));
  EXPECT_EQ(post("/v1/predict", kUtterance).body, old_answer);
  EXPECT_EQ(post("/v1/reload", "").status, 200);
  const auto after = Json::parse(ask("GET", "/v1/model").body);
  EXPECT_NE(before.at("fingerprint"), after.at("fingerprint"));
  EXPECT_NE(post("/v1/predict", kUtterance).body, old_answer);
  // A dialogue keeps the model it began with.
  EXPECT_EQ(Json::parse(ask("GET", "/v1/dialogues/" + id).body).at("fingerprint"),
            before.at("fingerprint"));
  write_file_atomically(options_.model, "rubbish");
  expect_refusal(post("/v1/reload", ""), 500, "", "the old model goes on");
  EXPECT_EQ(Json::parse(ask("GET", "/v1/model").body).at("fingerprint"), after.at("fingerprint"));
  EXPECT_THAT(ask("GET", "/metrics").body, HasSubstr("hardy_failed_reloads_total 1\n"));
}

TEST_F(ServiceTest, SurvivesAModelFileThatIsOverwrittenInPlace) {
  const auto before = post("/v1/predict", kUtterance).body;
  std::filesystem::resize_file(options_.model, 0);
  EXPECT_EQ(post("/v1/predict", kUtterance).body, before);
  EXPECT_EQ(post("/v1/reload", "").status, 500);
  EXPECT_EQ(post("/v1/predict", kUtterance).body, before);
}

TEST_F(ServiceTest, MetricsDescriptionAndPageAreThere) {
  post("/v1/predict", kUtterance);
  post("/v1/predict", "{");
  service().stop();
  expect_refusal(ask("GET", "/readyz"), 503, "", "stopping");
  const auto metrics = ask("GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("hardy_requests_total{route=\"/v1/predict\",status=\"200\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("hardy_requests_total{route=\"/v1/predict\",status=\"400\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("hardy_request_seconds_count{route=\"/v1/predict\"} 2\n"));
  EXPECT_THAT(metrics, HasSubstr("process_resident_memory_bytes "));
  const auto description = Json::parse(ask("GET", "/openapi.json").body);
  EXPECT_EQ(description.at("paths").size(), 15U);
  EXPECT_THAT(ask("GET", "/").body, HasSubstr("<title>hardy playground</title>"));
}

TEST_F(ServiceTest, TheDescriptionIsWhatTheServiceDoes) {
  save_demo(dir_.path() / "corpus");
  options_.corpus = (dir_.path() / "corpus").string();
  const auto description = Json::parse(ask("GET", "/openapi.json").body);
  const auto id = Json::parse(post("/v1/dialogues", "").body).at("dialogue").get<std::string>();
  const std::map<std::string, std::string> names = {
      {"/v1/dialogues/{id}", "/v1/dialogues/" + id},
      {"/v1/dialogues/{id}/turns", "/v1/dialogues/" + id + "/turns"},
      {"/v1/corpus/dialogues/{id}", "/v1/corpus/dialogues/d"}};
  // Deletes last, so that the dialogue exists for the other calls.
  for (const std::string method : {"get", "post", "delete"}) {
    for (const auto& [path, operations] : description.at("paths").items()) {
      const auto target = names.contains(path) ? names.at(path) : path;
      const std::string name = method == "get" ? "GET" : method == "post" ? "POST" : "DELETE";
      const bool has_body =
          operations.contains(method) && operations[method].contains("requestBody");
      const auto reply = ask(name, target, has_body ? kUtterance : "");
      if (!operations.contains(method)) {
        EXPECT_EQ(reply.status, 405) << name << ' ' << path;
        continue;
      }
      EXPECT_TRUE(operations[method].at("responses").contains(std::to_string(reply.status)))
          << name << ' ' << path << ": " << reply.status << ' ' << reply.body;
      const bool is_off = path == "/v1/media";  // recordings need an option and a helper
      EXPECT_TRUE(is_off ? reply.status == 501 : reply.status < 300) << name << ' ' << path;
    }
  }
  EXPECT_EQ(description.at("info").at("version"), program_version());
  const auto& schemas = description.at("components").at("schemas");
  const auto explanation = Json::parse(post("/v1/explain", kUtterance).body);
  for (const auto& [field, value] : explanation.items()) {
    EXPECT_TRUE(schemas.at("Explanation").at("properties").contains(field)) << field;
  }
  const auto answer = Json::parse(post("/v1/predict", kUtterance).body);
  EXPECT_GE(answer.size(), 5U);
  for (const auto& [field, value] : answer.items()) {
    EXPECT_TRUE(schemas.at("Prediction").at("properties").contains(field)) << field;
  }
}

TEST_F(ServiceTest, TheDescriptionNamesEveryRefusal) {
  const auto description = Json::parse(ask("GET", "/openapi.json").body);
  const auto& statuses = description.at("paths").at("/v1/predict").at("post").at("responses");
  const auto named = [&](const HttpReply& reply) {
    EXPECT_GE(reply.status, 400) << reply.body;
    EXPECT_TRUE(statuses.contains(std::to_string(reply.status))) << reply.status;
    const auto error = Json::parse(reply.body).at("error");
    EXPECT_FALSE(error.at("reason").get<std::string>().empty());
  };
  named(post("/v1/predict", "{"));
  named(post("/v1/predict", R"({"features":{"m0":[1]}})"));
  named(service().handle({"POST", "/v1/predict", kUtterance, "text/plain", ""}));
  named(service().refuse_busy({"POST", "/v1/predict", "", "", ""}));
  // Every reference resolves.
  const auto text = ask("GET", "/openapi.json").body;
  const std::string mark = "\"$ref\": \"#";
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const auto first = at + mark.size();
    const Json::json_pointer target(text.substr(first, text.find('"', first) - first));
    EXPECT_TRUE(description.contains(target)) << target.to_string();
  }
}

TEST_F(ServiceTest, LogsRouteStatusAndSizesButNoPayload) {
  std::vector<Service::Access> lines;
  service().on_access([&](const Service::Access& access) { lines.push_back(access); });
  ask("GET", "/v1/dialogues/secret-identifier");
  ask("GET", "/v1/what?token=secret");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].route, "/v1/dialogues/{id}");
  EXPECT_EQ(lines[1].route, "other");
  EXPECT_EQ(lines[1].status, 404);
}

TEST_F(ServiceTest, ManyThreadsGetTheSameAnswersWhileTheModelIsReloaded) {
  options_.workers = 2;
  const auto expected = Json::parse(post("/v1/predict", kUtterance).body);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        const auto reply = post("/v1/predict", kUtterance);
        const auto answer = Json::parse(reply.body);
        const double difference = reply.status != 200
                                      ? 1
                                      : std::abs(answer["probabilities"]["class0"].get<double>() -
                                                 expected["probabilities"]["class0"].get<double>());
        if (difference > 1e-5) ++wrong;
      }
    });
  }
  for (int i = 0; i < 20; ++i) EXPECT_EQ(post("/v1/reload", "").status, 200);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ServiceTest, OnlyTheRequestWithImpossibleFeaturesIsRefused) {
  save_tensor_file(options_.model, test::overflowing_bundle(info_));
  options_.workers = 1;
  options_.batch_wait_us = 20'000;  // so that passes hold both kinds
  const std::string huge = R"({"features":{"m0":[3e38,-3e38,3e38]}})";
  service();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, is_bad = t % 2 == 0] {
      for (int i = 0; i < 5; ++i) {
        const auto reply = post("/v1/predict", is_bad ? huge : kUtterance);
        EXPECT_EQ(reply.status, is_bad ? 422 : 200) << reply.body;
        EXPECT_THAT(reply.body, HasSubstr(is_bad ? "too large" : "probabilities"));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(SessionsTest, ExpireAndCountMemory) {
  const test::TempDir dir;
  EncoderConfig encoder;
  encoder.hidden = 8;
  encoder.decoder_width = 8;
  const auto recogniser =
      test::random_recogniser(test::bundle_info({3}, 2, encoder), dir.path() / "model");
  Sessions sessions({10, 1000, std::chrono::seconds(60)});
  const auto start = Sessions::Clock::now();
  const auto id = sessions.open(recogniser, start);
  EXPECT_EQ(id.size(), 32U);
  EXPECT_NE(sessions.open(recogniser, start), id);
  EXPECT_TRUE(sessions.set_bytes(id, 600));
  EXPECT_FALSE(sessions.set_bytes(id, 1001));
  EXPECT_EQ(sessions.open(recogniser, start), "");
  EXPECT_EQ(sessions.usage().bytes, 1001);
  EXPECT_NE(sessions.find(id, start + std::chrono::seconds(50)), nullptr);
  EXPECT_NE(sessions.find(id, start + std::chrono::seconds(100)), nullptr);
  EXPECT_EQ(sessions.usage().sessions, 1);  // the other one was not used
  EXPECT_EQ(sessions.find(id, start + std::chrono::seconds(161)), nullptr);
  EXPECT_EQ(sessions.usage().bytes, 0);
  EXPECT_EQ(sessions.take_freed(), 1001);
  EXPECT_EQ(sessions.take_freed(), 0) << "counted once";
}

}  // namespace
}  // namespace hardy
