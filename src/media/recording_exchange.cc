#include "media/recording_exchange.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <nlohmann/json.hpp>

#include "hardy/errors.h"

namespace hardy {
namespace {

using Message = nlohmann::json;

std::string cbor(const Message& message) {
  const auto bytes = Message::to_cbor(message);
  return {bytes.begin(), bytes.end()};
}

Message binary(const void* data, std::size_t size) {
  const auto* first = static_cast<const std::uint8_t*>(data);
  return Message::binary(std::vector<std::uint8_t>(first, first + size));
}

std::string text_of(const Message& value) {
  const auto& bytes = value.get_binary();
  return {bytes.begin(), bytes.end()};
}

/// The library would convert a real number, also one beyond the range.
std::int64_t count_of(const Message& value) {
  if (!value.is_number_integer()) throw DataError("a count of an extractor is no integer");
  return value.get<std::int64_t>();
}

/// Names and texts come from strangers' files: as bytes, they need not be UTF-8.
Message bytes_of(const std::string& text) { return binary(text.data(), text.size()); }

/// Refuses deeper nesting than messages have: parsing and freeing a value recurse.
class DepthCheck final : public nlohmann::json_sax<Message> {
 public:
  bool null() override { return true; }

  bool boolean(bool) override { return true; }

  bool number_integer(number_integer_t) override { return true; }

  bool number_unsigned(number_unsigned_t) override { return true; }

  bool number_float(number_float_t, const string_t&) override { return true; }

  bool string(string_t&) override { return true; }

  bool binary(binary_t&) override { return true; }

  bool start_object(std::size_t) override { return ++depth_ <= kDeepest; }

  bool key(string_t&) override { return true; }

  bool end_object() override { return --depth_ >= 0; }

  bool start_array(std::size_t) override { return ++depth_ <= kDeepest; }

  bool end_array() override { return --depth_ >= 0; }

  bool parse_error(std::size_t, const std::string&, const Message::exception&) override {
    return false;
  }

 private:
  static constexpr int kDeepest = 8;
  int depth_ = 0;
};

/// Runs `read` on a message; what does not fit it becomes a DataError.
template <typename Read>
auto decode(std::string_view bytes, const Read& read) {
  DepthCheck depth;
  try {
    if (!Message::sax_parse(bytes.begin(), bytes.end(), &depth, Message::input_format_t::cbor)) {
      throw DataError("a message between service and extractor is damaged");
    }
    return read(Message::from_cbor(bytes.begin(), bytes.end()));
  } catch (const Message::exception&) {
    throw DataError("a message between service and extractor is damaged");
  }
}

Message modality_json(const ExtractedModality& modality) {
  return {{"values", binary(modality.values.data(), modality.values.size() * sizeof(float))},
          {"reason", bytes_of(modality.reason)}};
}

ExtractedModality modality_from(const Message& json, std::int64_t width) {
  ExtractedModality modality;
  modality.reason = text_of(json.at("reason"));
  const auto& bytes = json.at("values").get_binary();
  if (bytes.empty()) return modality;
  modality.values.resize(bytes.size() / sizeof(float));
  std::memcpy(modality.values.data(), bytes.data(), modality.values.size() * sizeof(float));
  const bool is_whole = bytes.size() == static_cast<std::size_t>(width) * sizeof(float) &&
                        std::all_of(modality.values.begin(), modality.values.end(),
                                    [](float x) { return std::isfinite(x); });
  if (!is_whole) throw DataError("an extractor sent features that are none");
  return modality;
}

Message segment_json(const ExtractedSegment& each) {
  const Segment& segment = each.segment;
  Message json = {{"id", bytes_of(segment.id)},
                  {"start", segment.start_s},
                  {"speaker", bytes_of(segment.speaker)},
                  {"text", bytes_of(segment.text)},
                  {"dialogue", bytes_of(segment.dialogue)},
                  {"seconds", each.seconds},
                  {"pictures", each.pictures},
                  {"faces", each.faces}};
  if (std::isfinite(segment.end_s)) json["end"] = segment.end_s;
  for (const auto& modality : each.modalities)
    json["modalities"].push_back(modality_json(modality));
  return json;
}

ExtractedSegment segment_from(const Message& json, const std::array<FeatureMaker, 3>& makers) {
  ExtractedSegment each;
  Segment& segment = each.segment;
  segment.id = text_of(json.at("id"));
  segment.start_s = json.at("start").get<double>();
  if (json.contains("end")) segment.end_s = json.at("end").get<double>();
  segment.speaker = text_of(json.at("speaker"));
  segment.text = text_of(json.at("text"));
  segment.dialogue = text_of(json.at("dialogue"));
  each.seconds = json.at("seconds").get<double>();
  each.pictures = count_of(json.at("pictures"));
  each.faces = count_of(json.at("faces"));
  const bool has_times =
      std::isfinite(segment.start_s) && segment.start_s >= 0 && segment.end_s > segment.start_s;
  if (!has_times || !std::isfinite(each.seconds) || each.seconds < 0 || each.faces < 0 ||
      each.faces > each.pictures) {
    throw DataError("an extractor sent times or counts that are none");
  }
  for (std::size_t m = 0; m < each.modalities.size(); ++m) {
    each.modalities[m] = modality_from(json.at("modalities").at(m), makers[m].width);
  }
  return each;
}

}  // namespace

std::string encode_question(const RecordingQuestion& question) {
  return cbor({{"name", bytes_of(question.name)},
               {"transcript_name", bytes_of(question.transcript_name)},
               {"transcript", bytes_of(question.transcript)},
               {"tier", bytes_of(question.tier)},
               {"cut", question.cut},
               {"wanted", question.wanted},
               {"max_utterances", question.max_utterances},
               {"max_recording_s", question.max_recording_s}});
}

RecordingQuestion decode_question(std::string_view bytes) {
  return decode(bytes, [](const Message& json) {
    RecordingQuestion question;
    question.name = text_of(json.at("name"));
    question.transcript_name = text_of(json.at("transcript_name"));
    question.transcript = text_of(json.at("transcript"));
    question.tier = text_of(json.at("tier"));
    json.at("cut").get_to(question.cut);
    json.at("wanted").get_to(question.wanted);
    question.max_utterances = count_of(json.at("max_utterances"));
    json.at("max_recording_s").get_to(question.max_recording_s);
    return question;
  });
}

std::string encode_answer(const RecordingAnswer& answer) {
  Message json = {{"field", answer.field},
                  {"reason", bytes_of(answer.reason)},
                  {"is_too_large", answer.is_too_large},
                  {"segments", Message::array()},
                  {"notes", Message::array()}};
  for (const auto& each : answer.segments) json["segments"].push_back(segment_json(each));
  for (const auto& note : answer.notes) json["notes"].push_back(bytes_of(note));
  return cbor(json);
}

RecordingAnswer decode_answer(std::string_view bytes, const std::array<FeatureMaker, 3>& makers) {
  return decode(bytes, [&](const Message& json) {
    RecordingAnswer answer;
    json.at("field").get_to(answer.field);
    answer.reason = text_of(json.at("reason"));
    json.at("is_too_large").get_to(answer.is_too_large);
    for (const auto& each : json.at("segments"))
      answer.segments.push_back(segment_from(each, makers));
    for (const auto& note : json.at("notes")) answer.notes.push_back(text_of(note));
    return answer;
  });
}

std::string encode_makers(const std::array<FeatureMaker, 3>& makers) {
  Message json = Message::array();
  for (const auto& maker : makers) json.push_back({{"name", maker.name}, {"width", maker.width}});
  return cbor(json);
}

std::array<FeatureMaker, 3> decode_makers(std::string_view bytes) {
  return decode(bytes, [](const Message& json) {
    std::array<FeatureMaker, 3> makers;
    for (std::size_t m = 0; m < makers.size(); ++m) {
      json.at(m).at("name").get_to(makers[m].name);
      makers[m].width = count_of(json.at(m).at("width"));
    }
    return makers;
  });
}

}  // namespace hardy
