#include "media/extraction_folder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <system_error>

#include <fmt/format.h>

#include "base/files.h"
#include "formats/csv.h"
#include "formats/npy.h"
#include "hardy/errors.h"
#include "hardy/version.h"
#include "media/decode.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using OrderedJson = nlohmann::ordered_json;

constexpr const char* kReport = "extract.json";

bool has_any(const ExtractedSegment& each) {
  return std::any_of(each.modalities.begin(), each.modalities.end(),
                     [](const ExtractedModality& modality) { return !modality.values.empty(); });
}

std::string time_text(double seconds) {
  return std::isfinite(seconds) ? fmt::format("{:.3f}", seconds) : "";
}

OrderedJson utterance_json(const ExtractedSegment& each, const ExtractOptions& options) {
  const Segment& segment = each.segment;
  OrderedJson json = {{"id", segment.id}, {"media", segment.media.string()}};
  if (!each.media_checksum.empty()) json["sha256"] = each.media_checksum;
  json["start"] = segment.start_s;
  if (std::isfinite(segment.end_s)) json["end"] = segment.end_s;
  json["seconds"] = each.seconds;
  if (options.wanted[2]) {
    json["pictures"] = each.pictures;
    json["faces"] = each.faces;
  }
  for (std::size_t m = 0; m < kMediaModalities.size(); ++m) {
    if (!options.wanted[m]) continue;
    const auto& modality = each.modalities[m];
    json[kMediaModalities[m]] =
        modality.values.empty() ? OrderedJson(modality.reason) : OrderedJson(true);
  }
  return json;
}

OrderedJson modality_json(const std::vector<ExtractedSegment>& extracted, std::size_t m,
                          const FeatureMaker& maker) {
  std::int64_t present = 0;
  std::map<std::string, std::int64_t> reasons;
  for (const auto& each : extracted) {
    const auto& modality = each.modalities[m];
    if (!modality.values.empty()) {
      ++present;
      continue;
    }
    // Without the recording's name, equal reasons are counted together.
    const std::string name = each.segment.media.string() + ": ";
    const bool is_named = modality.reason.starts_with(name);
    ++reasons[is_named ? modality.reason.substr(name.size()) : modality.reason];
  }
  return {{"maker", maker.name}, {"width", maker.width}, {"present", present}, {"absent", reasons}};
}

/// The written rows, dialogue by dialogue in order of time.
std::vector<const ExtractedSegment*> rows_of(const std::vector<ExtractedSegment>& extracted) {
  std::vector<const ExtractedSegment*> rows;
  std::map<std::string, std::size_t> order;  // dialogues in order of appearance
  for (const auto& each : extracted) {
    order.try_emplace(each.segment.dialogue, order.size());
    if (has_any(each)) rows.push_back(&each);
  }
  std::stable_sort(rows.begin(), rows.end(), [&](const auto* x, const auto* y) {
    const auto& a = x->segment;
    const auto& b = y->segment;
    if (a.dialogue.empty() || a.dialogue != b.dialogue) {
      return order[a.dialogue] < order[b.dialogue];
    }
    return a.media == b.media && a.start_s < b.start_s;
  });
  return rows;
}

std::string table_text(const std::vector<const ExtractedSegment*>& rows) {
  const auto any = [&](std::string Segment::*field) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const auto* row) { return !(row->segment.*field).empty(); });
  };
  std::vector<std::pair<const char*, std::string Segment::*>> texts;
  for (const auto& column : std::initializer_list<std::pair<const char*, std::string Segment::*>>{
           {"speaker", &Segment::speaker},
           {"label", &Segment::label},
           {"group", &Segment::group},
           {"split", &Segment::split},
           {"transcript", &Segment::text}}) {
    if (any(column.second)) texts.push_back(column);
  }
  std::string text = "id,dialogue,position";
  for (const auto& column : texts) text += std::string(",") + column.first;
  text += ",media,start,end\n";
  std::int64_t position = 0;
  const std::string* dialogue = nullptr;
  for (const auto* row : rows) {
    const Segment& segment = row->segment;
    const std::string& own = segment.dialogue.empty() ? segment.id : segment.dialogue;
    position = dialogue != nullptr && *dialogue == own ? position + 1 : 0;
    dialogue = &own;
    text += fmt::format("{},{},{}", csv_field(segment.id), csv_field(own), position);
    for (const auto& column : texts) text += "," + csv_field(segment.*column.second);
    text += fmt::format(",{},{},{}\n", csv_field(segment.media.string()),
                        time_text(segment.start_s), time_text(segment.end_s));
  }
  return text;
}

/// Removes an earlier extraction; refuses any other contents.
void make_room(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error) || fs::is_empty(folder, error)) return;
  if (!fs::is_regular_file(folder / kReport, error)) {
    throw ConfigError(fmt::format(
        "--out {}: exists and holds no extraction; name an empty or new folder", folder.string()));
  }
}

void write_arrays(const std::vector<const ExtractedSegment*>& rows, const ExtractOptions& options,
                  const fs::path& folder, OrderedJson& names, OrderedJson& makers) {
  const auto known = feature_makers(options);
  for (std::size_t m = 0; m < kMediaModalities.size(); ++m) {
    const auto width = static_cast<std::size_t>(known[m].width);
    std::vector<float> values(rows.size() * width, std::numeric_limits<float>::quiet_NaN());
    bool has_any_row = false;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto& own = rows[i]->modalities[m].values;
      if (own.empty()) continue;
      check(own.size() == width, "a vector of another width than its maker's");
      has_any_row = true;
      std::copy(own.begin(), own.end(), values.begin() + static_cast<std::ptrdiff_t>(i * width));
    }
    if (!has_any_row) continue;
    save_npy(folder / fmt::format("{}.npy", kMediaModalities[m]),
             {static_cast<std::int64_t>(rows.size()), known[m].width}, values);
    names.push_back(kMediaModalities[m]);
    makers[kMediaModalities[m]] = known[m].name;
  }
}

}  // namespace

OrderedJson extraction_json(const std::vector<ExtractedSegment>& extracted,
                            const ExtractOptions& options, const std::vector<std::string>& notes) {
  OrderedJson json = {
      {"format", 1}, {"program", "hardy " + program_version()}, {"decoders", decoder_versions()}};
  json["settings"] = {{"picture_step", options.picture_step_s},
                      {"max_seconds", options.max_seconds},
                      {"cascade", options.cascade.string()}};
  json["utterances"] = extracted.size();
  json["without_any_modality"] =
      std::count_if(extracted.begin(), extracted.end(), [](const auto& x) { return !has_any(x); });
  std::int64_t pictures = 0;
  std::int64_t faces = 0;
  for (const auto& each : extracted) {
    pictures += each.pictures;
    faces += each.faces;
  }
  if (pictures > 0) {
    json["face_rate"] = static_cast<double>(faces) / static_cast<double>(pictures);
  }
  const auto makers = feature_makers(options);
  for (std::size_t m = 0; m < kMediaModalities.size(); ++m) {
    if (!options.wanted[m]) continue;
    json["modalities"][kMediaModalities[m]] = modality_json(extracted, m, makers[m]);
  }
  json["notes"] = notes;
  json["list"] = OrderedJson::array();
  for (const auto& each : extracted) json["list"].push_back(utterance_json(each, options));
  return json;
}

void write_extraction(const std::vector<ExtractedSegment>& extracted, const ExtractOptions& options,
                      const std::vector<std::string>& notes, const fs::path& folder) {
  const auto rows = rows_of(extracted);
  if (rows.empty()) {
    const auto& first = extracted.front();
    const auto media = first.segment.media.string();
    const auto& reason = first.modalities[0].reason;
    throw DataError(fmt::format("no utterance has any modality; {}",
                                reason.starts_with(media) ? reason : media + ": " + reason));
  }
  make_room(folder);
  const fs::path fresh = folder.string() + ".new";
  std::error_code error;
  fs::remove_all(fresh, error);
  write_folder_atomically(fresh, [&](const fs::path& inside) {
    OrderedJson names = OrderedJson::array();
    OrderedJson makers = OrderedJson::object();
    write_arrays(rows, options, inside, names, makers);
    write_file_atomically(inside / "utterances.csv", table_text(rows));
    const auto name = fs::weakly_canonical(folder).filename().string();
    std::string toml = fmt::format("name = {}\nmodalities = {}\n\n[makers]\n",
                                   OrderedJson(name).dump(), names.dump());
    for (const auto& [modality, maker] : makers.items()) {
      toml += fmt::format("{} = {}\n", modality, maker.dump());
    }
    write_file_atomically(inside / "corpus.toml", toml);
    write_file_atomically(inside / kReport,
                          extraction_json(extracted, options, notes)
                                  .dump(2, ' ', false, OrderedJson::error_handler_t::replace) +
                              "\n");
  });
  fs::remove_all(folder, error);
  fs::rename(fresh, folder, error);
  if (error) throw IoError(fmt::format("{}: {}", folder.string(), error.message()));
}

}  // namespace hardy
