// GCNet: recurrent layers and graphs over the whole dialogue.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "inference/bundle_settings.h"
#include "inference/method_network.h"
#include "inference/recurrent.h"

namespace hardy::predict {
namespace {

void check_gcnet(bool fits, const char* what) {
  if (!fits) throw ArtifactError(fmt::format("{}: its layers do not fit the description", what));
}

/// One direction of a recurrent layer in libtorch's form with two biases.
LstmDirection make_direction(const TensorFileView& file, const std::string& name) {
  const auto& shape = file.shape(name + ".input_bias");
  check_gcnet(shape.size() == 1, "recurrent layer");
  const auto first = checked_array(file, name + ".input_bias", shape);
  const auto second = checked_array(file, name + ".state_bias", shape);
  std::vector<float> bias(first.begin(), first.end());
  add(second.data(), shape[0], bias.data());
  return {file, name, bias};
}

/// Two bidirectional layers.
class Recurrent {
 public:
  Recurrent(const TensorFileView& file, const std::string& name) {
    for (int layer = 0; layer < 2; ++layer) {
      const auto prefix = fmt::format("{}.{}", name, layer);
      directions_.push_back(make_direction(file, prefix + ".forward"));
      directions_.push_back(make_direction(file, prefix + ".backward"));
    }
    check_gcnet(directions_[2].in() == out() && directions_[3].in() == out(), "recurrent layer");
  }

  [[nodiscard]] std::int64_t in() const { return directions_.front().in(); }

  [[nodiscard]] std::int64_t out() const { return 2 * directions_.front().width(); }

  [[nodiscard]] Matrix run(Matrix x, std::span<const std::int64_t> offsets) const {
    const std::int64_t n = offsets.back();
    for (std::size_t layer = 0; layer < 2; ++layer) {
      Matrix y(n, out());
      for (std::size_t side = 0; side < 2; ++side) {
        const auto& direction = directions_[2 * layer + side];
        const Rows target = {y.values.data() + static_cast<std::int64_t>(side) * direction.width(),
                             y.width};
        direction.run(x, offsets, side == 1, target);
      }
      x = std::move(y);
    }
    return x;
  }

 private:
  std::vector<LstmDirection> directions_;
};

/// A message from row `source` to row `target`.
struct Edge {
  std::int64_t source = 0;
  std::int64_t target = 0;
  std::size_t relation = 0;
};

/// A relational convolution, then a plain one (src/methods/gcnet/graph.h).
class Graph {
 public:
  Graph(const TensorFileView& file, const std::string& name, std::size_t relations)
      : root_(file, name + ".root"), neighbours_(file, name + ".neighbours") {
    for (std::size_t r = 0; r < relations; ++r) {
      const auto values =
          checked_array(file, fmt::format("{}.relation{}", name, r), {root_.out(), root_.in()});
      relations_.emplace_back(ConstRows{values.data(), root_.in()}, root_.in(), root_.out(),
                              std::span<const float>());
    }
    self_ = Dense(file, name + ".self");
    check_gcnet(neighbours_.in() == root_.out() && self_.in() == root_.out(), "graph");
  }

  [[nodiscard]] std::int64_t in() const { return root_.in(); }

  [[nodiscard]] std::int64_t out() const { return root_.out(); }

  [[nodiscard]] Matrix run(const Matrix& x, std::int64_t n, const std::vector<Edge>& edges) const {
    Matrix first(n, out());
    root_.run(x.constant(), n, first.all());
    for (std::size_t r = 0; r < relations_.size(); ++r) {
      Matrix mean(n, in());
      std::vector<float> counts(static_cast<std::size_t>(n), 0.0F);
      for (const auto& edge : edges) {
        if (edge.relation != r) continue;
        add(x.constant().row(edge.source), in(), mean.all().row(edge.target));
        ++counts[static_cast<std::size_t>(edge.target)];
      }
      for (std::int64_t i = 0; i < n; ++i) {
        const float count = std::max(counts[static_cast<std::size_t>(i)], 1.0F);
        for (std::int64_t j = 0; j < in(); ++j) mean.all().row(i)[j] /= count;
      }
      relations_[r].run(mean.constant(), n, first.all(), true);
    }
    Matrix sums(n, out());
    for (const auto& edge : edges) {
      add(first.constant().row(edge.source), out(), sums.all().row(edge.target));
    }
    Matrix second(n, neighbours_.out());
    neighbours_.run(sums.constant(), n, second.all());
    self_.run(first.constant(), n, second.all(), true);
    return second;
  }

 private:
  Dense root_;
  Dense neighbours_;
  Dense self_;
  std::vector<Dense> relations_;
};

class GcnetForward final : public MethodNetwork {
 public:
  GcnetForward(const TensorFileView& file, const BundleInfo& info)
      : scalings_(file, info),
        past_(stored_integer(info, "gcnet", "past")),
        future_(stored_integer(info, "gcnet", "future")),
        speakers_(stored_integer(info, "gcnet", "speakers")),
        context_(file, "model.context"),
        classifier_(file, "model.classifier") {
    constexpr std::size_t kTemporalRelations = 3;
    check_gcnet(speakers_ >= 1 && speakers_ <= 64 && past_ >= 0 && future_ >= 0, "settings");
    check_gcnet(context_.in() == scalings_.all_widths(), "context");
    temporal_.emplace(file, "model.temporal", kTemporalRelations, context_.out());
    speaker_.emplace(file, "model.speaker", static_cast<std::size_t>(speakers_ * speakers_),
                     context_.out());
    check_gcnet(classifier_.in() == temporal_->out.out() && classifier_.out() == info.outputs(),
                "classifier");
  }

  [[nodiscard]] bool reads_context() const override { return true; }

  void run(const DialogueRows& rows, Buffers& buffers) const override {
    const auto n = rows.count();
    const Matrix x = context_.run(scalings_.side_by_side(rows, buffers), rows.offsets);
    std::vector<Edge> by_time;
    std::vector<Edge> by_speaker;
    list_edges(rows, by_time, by_speaker);
    Matrix sum = temporal_->run(x, rows.offsets, by_time);
    const Matrix other = speaker_->run(x, rows.offsets, by_speaker);
    add(other.values.data(), n * sum.width, sum.values.data());
    classifier_.run(sum.constant(), n,
                    {room(buffers.logits, n * classifier_.out()), classifier_.out()});
  }

 private:
  struct Branch {
    Branch(const TensorFileView& file, const std::string& name, std::size_t relations,
           std::int64_t width)
        : graph(file, name + ".graph", relations),
          context(file, name + ".context"),
          out(file, name + ".out") {
      check_gcnet(
          graph.in() == width && context.in() == width + graph.out() && out.in() == context.out(),
          "branch");
    }

    [[nodiscard]] Matrix run(const Matrix& x, std::span<const std::int64_t> offsets,
                             const std::vector<Edge>& edges) const {
      const std::int64_t n = offsets.back();
      const Matrix messages = graph.run(x, n, edges);
      Matrix joined(n, x.width + messages.width);
      for (std::int64_t i = 0; i < n; ++i) {
        std::copy_n(x.constant().row(i), x.width, joined.all().row(i));
        std::copy_n(messages.constant().row(i), messages.width, joined.all().row(i) + x.width);
      }
      const Matrix walked = context.run(std::move(joined), offsets);
      Matrix y(n, out.out());
      out.run(walked.constant(), n, y.all());
      relu(y.values.data(), n * y.width);
      return y;
    }

    Graph graph;
    Recurrent context;
    Dense out;
  };

  /// Edges within the window; by time: 0 the target is later, 1 the same row, 2 earlier; by
  /// speaker: (target's number) * speakers + (source's number), numbers by appearance.
  void list_edges(const DialogueRows& rows, std::vector<Edge>& by_time,
                  std::vector<Edge>& by_speaker) const {
    for (std::size_t d = 0; d + 1 < rows.offsets.size(); ++d) {
      const auto first = rows.offsets[d];
      const auto last = rows.offsets[d + 1] - 1;
      std::vector<std::int64_t> seen;
      std::vector<std::size_t> numbers;
      for (auto i = first; i <= last; ++i) {
        const auto speaker = rows.utterances[static_cast<std::size_t>(i)].speaker;
        auto found = std::find(seen.begin(), seen.end(), speaker);
        if (found == seen.end()) found = seen.insert(seen.end(), speaker);
        numbers.push_back(
            static_cast<std::size_t>(std::min<std::int64_t>(found - seen.begin(), speakers_ - 1)));
      }
      for (auto source = first; source <= last; ++source) {
        const auto end = std::min(last, source + future_);
        for (auto target = std::max(first, source - past_); target <= end; ++target) {
          by_time.push_back({source, target,
                             static_cast<std::size_t>(target > source    ? 0
                                                      : target == source ? 1
                                                                         : 2)});
          by_speaker.push_back({source, target,
                                numbers[static_cast<std::size_t>(target - first)] *
                                        static_cast<std::size_t>(speakers_) +
                                    numbers[static_cast<std::size_t>(source - first)]});
        }
      }
    }
  }

  Scalings scalings_;
  std::int64_t past_;
  std::int64_t future_;
  std::int64_t speakers_;
  Recurrent context_;
  std::optional<Branch> temporal_;
  std::optional<Branch> speaker_;
  Dense classifier_;
};

}  // namespace

std::unique_ptr<const MethodNetwork> make_gcnet_network(const TensorFileView& file,
                                                        const BundleInfo& info) {
  return std::make_unique<GcnetForward>(file, info);
}

}  // namespace hardy::predict
