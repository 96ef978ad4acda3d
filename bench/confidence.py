#!/usr/bin/env python3
"""What prediction sets and confidence are worth on people that a model never heard.

Usage: bench/confidence.py HARDY RUN DATA FOLDER [TEXT]. RUN is a finished `hardy run --track unified` on DATA, a corpus in plain form (utterances.csv, one MODALITY.npy each); FOLDER takes temporary files.
Two tables (of a method without hardness only the first), of the test parts of all folds, under every pattern of two modalities; with TEXT a third,
the second again for the utterances whose id contains it ("impro": the improvised ones of IEMOCAP):

1. prediction sets: how many utterances a set of .8 or .9 really holds, its size, and the same for
   sets that count utterances instead of dialogues;
2. hardness of new utterances: the area under the risk-coverage curve (smaller is better) when
   answers are ordered by it instead of by the largest probability; the difference has a 95 %
   interval from 1000 resamples of dialogues. Combinations are logistic regressions that were fitted
   on the validation part of each fold.
"""
import csv
import json
import pathlib
import subprocess
import sys

import numpy as np

LEVELS = (0.8, 0.9)
NEIGHBOURS = 10


def rows_of(file):
    with open(file, newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


class Bench:
    def __init__(self, program, run, data):
        self.program, self.data = program, pathlib.Path(data)
        run = pathlib.Path(run)
        self.utterances = rows_of(self.data / "utterances.csv")
        self.row = {u["id"]: i for i, u in enumerate(self.utterances)}
        self.dialogue = np.unique([u["dialogue"] for u in self.utterances], return_inverse=True)[1]
        self.models = sorted((run / "models").glob("unified-*.safetensors"))
        self.about = [self.json(["bundle", "info", str(m)]) for m in self.models]
        self.names = [m["name"] for m in self.about[0]["modalities"]]
        self.classes = self.about[0]["classes"]
        self.truth = np.array([self.classes.index(u["label"]) for u in self.utterances])
        self.features = {m: np.load(self.data / f"{m}.npy") for m in self.names}
        self.patterns = [(self.names[0],), (self.names[1],), tuple(self.names)]
        self.test, self.train = {}, {}
        for line in rows_of(run / "predictions.csv"):
            self.test.setdefault(int(line["fold"]), set()).add(self.row[line["utterance"]])
        self.hardness = {}
        for line in rows_of(run / "hardness.csv") if (run / "hardness.csv").exists() else []:
            fold, row = int(line["fold"]), self.row[line["utterance"]]
            self.train.setdefault(fold, set()).add(row)
            self.hardness[fold, line["pattern"], row] = float(line["score"])

    def text(self, words):
        return subprocess.run([self.program, *words], check=True, capture_output=True, text=True).stdout

    def json(self, words):
        return json.loads(self.text(words))

    def predict(self, model, pattern, more=(), source=None):
        words = ["predict", str(model), *(source or [str(self.data)]), "--json"]
        words += ["--available", ",".join(pattern), *more]
        answers = {}
        for line in self.text(words).splitlines():
            answer = json.loads(line)
            answers[answer["id"]] = answer
        return [answers[u["id"]] for u in self.utterances]

    def parts(self, fold):
        """Rows of the test, validation and training part."""
        test, train = self.test[fold], self.train.get(fold, set())
        rest = set(range(len(self.utterances))) - test - train
        return tuple(np.array(sorted(part)) for part in (test, rest, train))


def areas(hardness, wrong, weights=None):
    """Area under the risk-coverage curve; equal hardness keeps its order, which is rare here."""
    order = np.argsort(hardness, kind="stable")
    weight = np.ones(len(wrong)) if weights is None else weights
    kept = np.cumsum(weight[order])
    errors = np.cumsum((weight * wrong)[order])
    mask = weight[order] > 0
    return float(np.sum((errors / np.maximum(kept, 1e-12) * weight[order])[mask]) / kept[-1])


# --- prediction sets ---------------------------------------------------------------------------


def pooled_sets(probabilities, truth, validation, level):
    """Sets of split conformal prediction that counts utterances, dialogues disregarded."""
    scores = np.sort(1 - probabilities[validation, truth[validation]])
    place = int(np.ceil(level * (len(scores) + 1))) - 1
    largest = scores[place] if place < len(scores) else np.inf
    sets = 1 - probabilities <= largest
    sets[np.arange(len(sets)), probabilities.argmax(1)] = True
    return sets


def measure_sets(bench):
    print("prediction sets on the test parts: share of utterances held (smallest and largest fold),"
          "\nmean over dialogues, classes in a set, sets of one class and the share of these that "
          "hold the truth;\nthen the first and the size with utterances counted instead of dialogues")
    for pattern in bench.patterns:
        for level in LEVELS:
            held, folds, by_dialogue, sizes, pooled, pooled_sizes = [], [], [], [], [], []
            for about, model in zip(bench.about, bench.models):
                test, validation, _ = bench.parts(about["fold"])
                lines = bench.predict(model, pattern, ["--coverage", str(level)])
                probabilities = np.array([[a["raw_probabilities"][c] for c in bench.classes]
                                          for a in lines])
                hit = np.array([bench.utterances[i]["label"] in lines[i]["set"] for i in test])
                held += list(hit)
                folds.append(hit.mean())
                sizes += [len(lines[i]["set"]) for i in test]
                by_dialogue += [hit[bench.dialogue[test] == d].mean()
                                for d in np.unique(bench.dialogue[test])]
                if not bench.hardness:  # which part validated is not in the run's tables
                    continue
                others = pooled_sets(probabilities, bench.truth, validation, level)[test]
                pooled += list(others[np.arange(len(test)), bench.truth[test]])
                pooled_sizes += list(others.sum(1))
            alone = np.array(sizes) == 1
            counted = f"{np.mean(pooled):.3f}  {np.mean(pooled_sizes):.2f}" if pooled else "-"
            print(f"{','.join(pattern):20} {level}  {np.mean(held):.3f} ({min(folds):.3f} to "
                  f"{max(folds):.3f})  {np.mean(by_dialogue):.3f}  {np.mean(sizes):.2f}  "
                  f"{alone.mean():.3f} {np.array(held)[alone].mean():.3f}  |  {counted}")


# --- hardness of new utterances ------------------------------------------------------------------


def standardised(bench, train):
    scaled = {}
    for name in bench.names:
        values = bench.features[name].astype(np.float64)
        scaled[name] = (values - values[train].mean(0)) / np.maximum(values[train].std(0), 1e-6)
    return scaled


def neighbours(scaled, pattern, rows, train, k):
    """Mean Euclidean distances over the modalities, and the k nearest training rows."""
    total = np.zeros((len(rows), len(train)))
    for name in pattern:
        x, y = scaled[name][rows], scaled[name][train]
        squares = (x**2).sum(1)[:, None] + (y**2).sum(1)[None] - 2 * x @ y.T
        total += np.sqrt(np.maximum(squares, 0)) / len(pattern)
    nearest = np.argpartition(total, k, axis=1)[:, :k]
    return np.take_along_axis(total, nearest, 1), train[nearest]


def reconstructions(bench, model, given, scaled, train, folder):
    """Squared error per number of the other modality estimated from `given`, and of `given` itself
    estimated from that estimate, both standardised."""
    other = next(name for name in bench.names if name != given)
    lines = bench.predict(model, (given,), ["--reconstruct"])
    estimate = np.array([a["reconstruction"][other] for a in lines], dtype=np.float32)

    def error(name, values):
        columns = bench.features[name][train].astype(np.float64)
        back = (values - columns.mean(0)) / np.maximum(columns.std(0), 1e-6)
        return ((back - scaled[name])**2).mean(1)

    for name in bench.names:
        (folder / f"{name}.npy").unlink(missing_ok=True)
    np.save(folder / f"{other}.npy", estimate)
    (folder / "utterances.csv").write_bytes((bench.data / "utterances.csv").read_bytes())
    lines = bench.predict(model, (other,), ["--reconstruct"], [str(folder)])
    again = np.array([a["reconstruction"][given] for a in lines], dtype=np.float32)
    return error(other, estimate), error(given, again)


def logistic(x, y, steps=200):
    """Newton's steps with a small penalty; returns the weights, the constant last."""
    x = np.column_stack([x, np.ones(len(x))])
    w = np.zeros(x.shape[1])
    penalty = 1e-3 * np.eye(len(w))
    for _ in range(steps):
        p = 1 / (1 + np.exp(-x @ w))
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + penalty,
                               x.T @ (y - p) - penalty @ w)
        w += step
        if np.abs(step).max() < 1e-9:
            break
    return w


def estimates(bench, about, model, folder):
    """By pattern: outcomes, and hardness by name, for every utterance of the corpus."""
    test, validation, train = bench.parts(about["fold"])
    scaled = standardised(bench, train)
    everyone = np.arange(len(bench.utterances))
    outputs = {}
    for pattern in bench.patterns:
        lines = bench.predict(model, pattern)
        outputs[pattern] = np.array([[a["raw_probabilities"][c] for c in bench.classes]
                                     for a in lines])
    errors = {m: reconstructions(bench, model, m, scaled, train, folder) for m in bench.names}
    found = {}
    for pattern, p in outputs.items():
        label = p.argmax(1)
        ordered = np.sort(p, 1)
        distance, rows = neighbours(scaled, pattern, everyone, train, NEIGHBOURS)
        name = ",".join(pattern)
        known = np.vectorize(lambda row: bench.hardness.get((about["fold"], name, row), np.nan))(rows)
        weight = 1 / np.maximum(distance, 1e-6)
        hardness = {
            "largest probability": 1 - ordered[:, -1],
            "margin of the first two": ordered[:, -2] - ordered[:, -1],
            "entropy": -(p * np.log(np.maximum(p, 1e-12))).sum(1),
            "distance of neighbours": distance.mean(1),
            "neighbours of another class": (bench.truth[rows] != label[:, None]).mean(1),
            "hardness of neighbours": np.nansum(known * weight, 1) / np.nansum(
                np.where(np.isnan(known), 0, weight), 1),
        }
        if len(pattern) == 1:
            hardness["reconstruction there and back"] = errors[pattern[0]][1]
        else:
            hardness["reconstruction of each other"] = sum(errors[m][0] for m in bench.names)
            hardness["reconstruction there and back"] = sum(errors[m][1] for m in bench.names)
            hardness["disagreement of patterns"] = 1 - np.mean(
                [outputs[(m,)][everyone, label] for m in bench.names], 0)
        found[pattern] = (label != bench.truth, hardness, test, validation)
    return found


def with_combinations(wrong, hardness, validation):
    """Adds each estimate to the largest probability, and all at once."""
    sure = np.log(np.maximum(hardness["largest probability"], 1e-6))
    names = [n for n in hardness if n != "largest probability"]
    groups = [[n] for n in names[2:]] + [names]
    combined = dict(hardness)
    for group in groups:
        x = np.column_stack([sure] + [hardness[n] for n in group])
        x = (x - x[validation].mean(0)) / np.maximum(x[validation].std(0), 1e-9)
        w = logistic(x[validation], wrong[validation].astype(float))
        title = "  + " + group[0] if len(group) == 1 else "  + all of them"
        combined[title] = np.column_stack([x, np.ones(len(x))]) @ w
    return combined


def measure_hardness(bench, folds, text):
    print(f"\nhardness of utterances {'of ' + text if text else ''}")
    is_meant = np.array([text in u["id"] for u in bench.utterances])
    random = np.random.default_rng(1)
    for pattern in bench.patterns:
        parts = []
        for fold in folds:
            wrong, hardness, test, validation = fold[pattern]
            combined = with_combinations(wrong, hardness, validation)
            test = test[is_meant[test]]
            parts.append((wrong[test].astype(float), {n: h[test] for n, h in combined.items()},
                          bench.dialogue[test]))
        draws = [[np.bincount(random.integers(0, len(np.unique(d)), len(np.unique(d))),
                              minlength=len(np.unique(d)))[np.unique(d, return_inverse=True)[1]]
                  for _, _, d in parts] for _ in range(1000)]
        base = "largest probability"
        drawn = {}
        print(f"\n{','.join(pattern)}: share of errors {np.mean([w.mean() for w, _, _ in parts]):.4f}, "
              f"least area possible {np.mean([areas(w, w) for w, _, _ in parts]):.4f}")
        for name in parts[0][1]:
            mean = np.mean([areas(h[name], w) for w, h, _ in parts])
            drawn[name] = np.array([np.mean([areas(h[name], w, weights.astype(float))
                                             for (w, h, _), weights in zip(parts, draw)])
                                    for draw in draws])
            low, high = np.quantile(drawn[name] - drawn[base], [0.025, 0.975])
            change = mean - np.mean([areas(h[base], w) for w, h, _ in parts])
            print(f"  {name:36} {mean:.4f}  {change:+.4f} ({low:+.4f} to {high:+.4f})")


def main():
    bench = Bench(*sys.argv[1:4])
    folder = pathlib.Path(sys.argv[4])
    folder.mkdir(exist_ok=True)
    measure_sets(bench)
    if not bench.hardness:
        return
    folds = [estimates(bench, about, model, folder) for about, model in zip(bench.about, bench.models)]
    for text in ["", *sys.argv[5:]]:
        measure_hardness(bench, folds, text)


if __name__ == "__main__":
    main()
