#include "methods/cpm_net/cpm_net.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "hardy/errors.h"
#include "kernels/panels.h"
#include "kernels/training_loops.h"
#include "nn/adam.h"
#include "nn/fast_path.h"

namespace hardy {
namespace {

/// Rows that have modality m, as row numbers and corpus indices.
struct ShownRows {
  std::vector<std::int64_t> places;
  std::vector<std::int64_t> utterances;
};

ShownRows shown_rows(const FeatureTable& table, const std::vector<std::int64_t>& utterances,
                     const std::vector<Pattern>& observed, int m) {
  ShownRows rows;
  for (std::size_t i = 0; i < utterances.size(); ++i) {
    const auto there = observed[i] & table.present[static_cast<std::size_t>(utterances[i])];
    if (!there.has(m)) continue;
    rows.places.push_back(static_cast<std::int64_t>(i));
    rows.utterances.push_back(utterances[i]);
  }
  return rows;
}

/// Rows of a descent at a time: with their moments they fit the second-level cache.
constexpr std::int64_t kDescentRows = 64;

/// Adam from zero along 2 (G h - c) for rows with the same modalities. Shapes: gram [L, L],
/// symmetric; c [n, L] -> [n, L].
at::Tensor descend(const at::Tensor& gram, const at::Tensor& c, const CpmNetSettings& settings) {
  const std::int64_t latent = c.size(1);
  auto h = at::zeros_like(c);
  std::vector<float> place(static_cast<std::size_t>(predict::packed_size(latent, latent)));
  const auto panels = predict::pack({floats(gram), latent}, latent, latent, 1.0F, place.data());
  std::vector<float> gradient(static_cast<std::size_t>(kDescentRows * latent));
  std::vector<float> mean;
  std::vector<float> square;
  const AdamOptions adam;
  const std::int64_t steps = settings.inference_epochs * settings.steps;
  for (std::int64_t first = 0; first < c.size(0); first += kDescentRows) {
    const std::int64_t rows = std::min(kDescentRows, c.size(0) - first);
    const std::int64_t count = rows * latent;
    const float* target = floats(c) + first * latent;
    float* state = floats(h) + first * latent;
    mean.assign(static_cast<std::size_t>(count), 0.0F);
    square.assign(static_cast<std::size_t>(count), 0.0F);
    kernels::AdamStep step;
    step.gradient_scale = 2;
    step.learning_rate = static_cast<float>(settings.inference_learning_rate);
    for (std::int64_t t = 1; t <= steps; ++t) {
      std::transform(target, target + count, gradient.begin(), std::negate<>());
      predict::multiply({state, latent}, rows, panels, nullptr, {gradient.data(), latent}, true);
      const auto times = static_cast<double>(t);
      step.correction1 = static_cast<float>(1 - std::pow(adam.beta1, times));
      step.correction2_root = static_cast<float>(std::sqrt(1 - std::pow(adam.beta2, times)));
      kernels::adam(step, state, gradient.data(), mean.data(), square.data(), count);
    }
  }
  return h;
}

}  // namespace

CpmDecoders::CpmDecoders(const FoldData& data, std::int64_t latent, Generator* initial)
    : data_(data), parameters_(data.table.features.front().device()) {
  if (initial == nullptr) parameters_.skip_drawing();
  Generator unused;
  for (const auto& modality : data.corpus->modalities) {
    const auto name = "decoder." + modality.name;
    // Xavier: U(-sqrt(6 / (in + out)), ...).
    const double bound = std::sqrt(6.0 / static_cast<double>(latent + modality.width));
    layers_.push_back({parameters_.add_uniform(name + ".weight", {modality.width, latent}, bound,
                                               initial == nullptr ? unused : *initial),
                       parameters_.add_constant(name + ".bias", {modality.width}, 0.0)});
  }
}

at::Tensor CpmDecoders::reconstruction_loss(const at::Tensor& h,
                                            const std::vector<std::int64_t>& utterances,
                                            const std::vector<Pattern>& observed) const {
  auto loss = at::zeros({}, h.options());
  for (std::size_t m = 0; m < layers_.size(); ++m) {
    const auto rows = shown_rows(data_.table, utterances, observed, static_cast<int>(m));
    if (rows.places.empty()) continue;
    const auto rebuilt = linear(h.index_select(0, index_tensor(rows.places, h.device())),
                                layers_[m].weight, layers_[m].bias);
    const auto truth =
        data_.table.features[m].index_select(0, index_tensor(rows.utterances, h.device()));
    loss = loss + (rebuilt - truth).square().sum();
  }
  return loss;
}

at::Tensor CpmDecoders::infer(const std::vector<std::int64_t>& utterances,
                              const std::vector<Pattern>& observed,
                              const CpmNetSettings& settings) const {
  at::NoGradGuard no_gradient;
  const auto n = static_cast<std::int64_t>(utterances.size());
  const auto options = layers_.front().weight.options().requires_grad(false);
  auto c = at::zeros({n, settings.latent}, options);
  std::vector<at::Tensor> grams;
  for (std::size_t m = 0; m < layers_.size(); ++m) {
    const auto& w = layers_[m].weight;
    const auto rows = shown_rows(data_.table, utterances, observed, static_cast<int>(m));
    const auto truth =
        data_.table.features[m].index_select(0, index_tensor(rows.utterances, options.device()));
    c.index_add_(0, index_tensor(rows.places, options.device()),
                 at::matmul(truth - layers_[m].bias, w));
    grams.push_back(at::matmul(w.t(), w));
  }
  std::map<std::uint32_t, std::vector<std::int64_t>> places;  // by available modalities
  for (std::int64_t i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(i);
    const auto present = data_.table.present[static_cast<std::size_t>(utterances[row])];
    places[(observed[row] & present).bits()].push_back(i);
  }
  auto h = at::zeros_like(c);
  for (const auto& [bits, rows] : places) {
    auto gram = at::zeros({settings.latent, settings.latent}, options);
    for (std::size_t m = 0; m < grams.size(); ++m) {
      if (Pattern(bits).has(static_cast<int>(m))) gram.add_(grams[m]);
    }
    const auto index = index_tensor(rows, options.device());
    h.index_copy_(0, index, descend(gram, c.index_select(0, index), settings));
  }
  return h;
}

at::Tensor cpm_class_loss(const at::Tensor& h, const at::Tensor& labels, std::int64_t classes) {
  const auto rows = (labels >= 0).nonzero().squeeze(1);
  const auto own = h.index_select(0, rows);
  const auto y = labels.index_select(0, rows);
  const auto members = at::one_hot(y, classes).to(h.scalar_type());  // [n, C]
  const auto sums = at::matmul(members.t(), own);                    // [C, L]
  // A row is not a neighbour of itself.
  const auto totals = at::matmul(own, sums.t()) - members * own.square().sum(1, true);
  const auto counts = (members.sum(0, true) - members).clamp_min(1);
  const auto similarity = totals / counts;
  const auto [best, argmax] = similarity.max(1);
  const auto true_similarity = similarity.gather(1, y.unsqueeze(1)).squeeze(1);
  const auto is_wrong = (argmax != y).to(h.scalar_type());
  return at::relu(best - true_similarity + is_wrong).sum();
}

namespace {

/// Classes of utterances, -1 for none; for real values the class is the sign.
at::Tensor classes_of(const FoldData& data, const std::vector<std::int64_t>& utterances) {
  const auto targets = data.objective->targets(index_tensor(utterances, at::kCPU));
  if (data.objective->is_classification()) return targets;
  const auto has_none = at::logical_or(targets == 0, at::isnan(targets));
  return at::where(has_none, at::full_like(targets, -1.0), (targets > 0).to(at::kFloat))
      .to(at::kLong);
}

std::int64_t class_count(const FoldData& data) {
  return data.objective->is_classification() ? data.objective->outputs() : 2;
}

/// Mean latent and mean label of every class, which prediction reads.
struct CpmClasses {
  at::Tensor means;   ///< [C, L]
  at::Tensor values;  ///< [C] mean label; read for real values only
};

CpmClasses classes_from(const FoldData& data, const at::Tensor& h) {
  const auto labels = classes_of(data, data.train);
  const auto rows = (labels >= 0).nonzero().squeeze(1);
  const auto members = at::one_hot(labels.index_select(0, rows), class_count(data)).to(at::kFloat);
  const auto counts = members.sum(0).clamp_min(1).unsqueeze(1);
  const auto targets = data.objective->targets(index_tensor(data.train, at::kCPU))
                           .index_select(0, rows)
                           .to(at::kFloat);
  return {at::matmul(members.t(), h.index_select(0, rows)) / counts,
          at::matmul(members.t(), targets.unsqueeze(1)).squeeze(1) / counts.squeeze(1)};
}

/// Similarities as logits, or for real values the class means weighted by their softmax.
at::Tensor answers(const FoldData& data, const at::Tensor& h, const CpmClasses& classes) {
  const auto logits = at::matmul(h, classes.means.t());
  if (data.objective->is_classification()) return logits;
  return at::matmul(at::softmax(logits, 1), classes.values.unsqueeze(1));
}

/// State of a model in training.
struct CpmState {
  CpmDecoders decoders;
  ParameterSet latents;
  at::Tensor h;  ///< [n, L], of the training part
};

/// Best epoch by validation loss; the last one without a validation part.
struct BestEpoch {
  TensorFile model;
  double loss = std::numeric_limits<double>::infinity();
  std::int64_t epoch = 0;
};

class CpmNetFold final : public PlainFold {
 public:
  explicit CpmNetFold(const FoldRequest& request)
      : PlainFold(request, kStageVersion),
        settings_(request.config.methods.of<CpmNetSettings>("cpm_net")) {}

  [[nodiscard]] double fit_cost() const override {
    return 1 + static_cast<double>(settings_.epochs);
  }

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    const StageName name = {"cpm_net.fit",
                            {bits_text(patterns), settings_text("cpm_net")},
                            "fit " + bits_text(patterns)};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      return train(data, patterns, services);
    });
  }

 private:
  static constexpr int kStageVersion = 2;

  [[nodiscard]] TensorFile train(const FoldData& data, const std::vector<Pattern>& patterns,
                                 const StageServices& services) const {
    auto initial = services.seeds.stream("cpm_net.init");
    CpmState state{CpmDecoders(data, settings_.latent, &initial), ParameterSet(), {}};
    const auto n = static_cast<std::int64_t>(data.train.size());
    const double bound = std::sqrt(6.0 / static_cast<double>(n + settings_.latent));
    state.h = state.latents.add_uniform("h", {n, settings_.latent}, bound, initial);
    auto draws = services.seeds.stream("cpm_net.patterns");
    std::vector<Pattern> observed;
    for (std::int64_t i = 0; i < n; ++i) {
      const auto drawn = draw_index(draws, static_cast<std::int64_t>(patterns.size()));
      observed.push_back(patterns[static_cast<std::size_t>(drawn)]);
    }
    Adam decoder_steps(state.decoders.parameters(),
                       {.learning_rate = settings_.decoder_learning_rate});
    Adam latent_steps(state.latents, {.learning_rate = settings_.latent_learning_rate});
    const bool has_validation = !data.fold.validation.empty();
    BestEpoch best;
    std::vector<CurvePoint> curve;
    for (std::int64_t epoch = 1; epoch <= settings_.epochs; ++epoch) {
      if (services.throw_if_stopping) services.throw_if_stopping();
      const double loss = run_epoch(data, state, observed, decoder_steps, latent_steps);
      curve.push_back({"cpm_net", epoch, "train_loss", loss});
      const bool is_last = epoch == settings_.epochs;
      bool has_lost_patience = false;
      if (has_validation && (epoch % settings_.validate_every == 0 || is_last)) {
        const double validation = validation_loss(data, state, patterns);
        curve.push_back({"cpm_net", epoch, "validation_loss", validation});
        if (validation < best.loss) best = {file_of(data, state), validation, epoch};
        has_lost_patience =
            settings_.patience > 0 && best.epoch > 0 && epoch - best.epoch >= settings_.patience;
      }
      if (is_last && best.epoch == 0) best = {file_of(data, state), 0, epoch};
      if (services.report) {
        services.report(static_cast<double>(epoch), static_cast<double>(settings_.epochs));
      }
      if (has_lost_patience) break;
    }
    add_curve(best.model, curve);
    return best.model;
  }

  /// Decoder steps, then latent steps; returns the last loss per training utterance.
  [[nodiscard]] double run_epoch(const FoldData& data, CpmState& state,
                                 const std::vector<Pattern>& observed, Adam& decoder_steps,
                                 Adam& latent_steps) const {
    const auto labels = classes_of(data, data.train);
    at::Tensor loss;
    for (std::int64_t step = 0; step < settings_.steps; ++step) {
      state.decoders.parameters().clear_gradients();
      state.decoders.reconstruction_loss(state.h.detach(), data.train, observed).backward();
      decoder_steps.step();
    }
    for (std::int64_t step = 0; step < settings_.steps; ++step) {
      state.latents.clear_gradients();
      loss = state.decoders.reconstruction_loss(state.h, data.train, observed) +
             settings_.class_weight * cpm_class_loss(state.h, labels, class_count(data));
      loss.backward();
      latent_steps.step();
    }
    const double value = loss.item<double>() / static_cast<double>(data.train.size());
    if (!std::isfinite(value)) {
      throw DivergenceError("cpm_net: the loss became infinite; lower its learning rates");
    }
    return value;
  }

  /// Mean label loss over the validation part and the patterns.
  [[nodiscard]] double validation_loss(const FoldData& data, const CpmState& state,
                                       const std::vector<Pattern>& patterns) const {
    at::NoGradGuard no_gradient;
    const auto utterances = utterances_of(*data.corpus, data.fold.validation);
    const auto classes = classes_from(data, state.h.detach());
    const auto targets = data.objective->targets(index_tensor(utterances, at::kCPU));
    double total = 0;
    for (const auto pattern : patterns) {
      const auto h = state.decoders.infer(
          utterances, std::vector<Pattern>(utterances.size(), pattern), settings_);
      total += data.objective->loss(answers(data, h, classes), targets, {}).item<double>();
    }
    return total / static_cast<double>(patterns.size());
  }

  [[nodiscard]] TensorFile file_of(const FoldData& data, const CpmState& state) const {
    TensorFile file;
    state.decoders.parameters().save(file, "model.");
    const auto classes = classes_from(data, state.h.detach());
    file.add("model.class.means", classes.means.sizes().vec(), to_floats(classes.means));
    file.add("model.class.values", classes.values.sizes().vec(), to_floats(classes.values));
    return file;
  }

  const CpmNetSettings& settings_;
};

class CpmNet final : public Method {
 public:
  [[nodiscard]] std::optional<std::string> problem_with(const Corpus& corpus,
                                                        const std::vector<Fold>& folds,
                                                        const Config& config) const override {
    if (config.run.device != "cpu") return "it computes on the CPU only; use --device cpu";
    if (corpus.target_count() > 0) {
      return "it learns one class or value per utterance, not several labels; choose another "
             "method";
    }
    if (!corpus.shares.empty()) {
      return "it learns one class per utterance, not shares of raters; choose another method, or "
             "write the classes into a column 'label'";
    }
    if (corpus.label_kind == LabelKind::kClass) return std::nullopt;
    for (const auto& fold : folds) {
      int signs = 0;
      for (const auto u : utterances_of(corpus, fold.train)) {
        const float value = corpus.utterances[static_cast<std::size_t>(u)].label;
        if (value != 0 && !std::isnan(value)) signs |= value > 0 ? 1 : 2;
      }
      if (signs != 3) {
        return "the training part of fold '" + fold.name +
               "' has values of one sign only, and classes are their signs";
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<CpmNetFold>(request);
  }

  [[nodiscard]] std::vector<float> predict(const FoldData& data, const Config& config,
                                           const TensorFile& model,
                                           const std::vector<std::int64_t>& dialogues,
                                           Pattern pattern) const override {
    at::NoGradGuard no_gradient;
    const auto& settings = config.methods.of<CpmNetSettings>("cpm_net");
    CpmDecoders decoders(data, settings.latent, nullptr);
    decoders.parameters().load(model, "model.");
    const auto tensor_of = [&](const std::string& name) {
      const auto values = model.floats(name);
      return at::tensor(std::vector<float>(values.begin(), values.end())).view(model.shape(name));
    };
    const auto utterances = utterances_of(*data.corpus, dialogues);
    const auto h =
        decoders.infer(utterances, std::vector<Pattern>(utterances.size(), pattern), settings);
    const CpmClasses classes{tensor_of("model.class.means"), tensor_of("model.class.values")};
    return to_floats(data.objective->outputs_of(answers(data, h, classes)));
  }
};

}  // namespace

std::unique_ptr<const Method> make_cpm_net() { return std::make_unique<CpmNet>(); }

}  // namespace hardy
