#!/usr/bin/env python3
"""Training CPU time of MoMKE and MMIN: a straightforward PyTorch program against hardy, one run.

Usage: bench/pytorch_baselines.py HARDY [--epochs N] [--dialogues N]

Draws a synthetic corpus at the published widths with HARDY (the program), trains both methods on it
with PyTorch and with hardy - same layers, batches, epochs, one thread each - and prints CPU seconds
and their ratio. hardy also evaluates the validation part after every epoch, PyTorch does not. The PyTorch programs do what the public ones do: dialogues padded
to the longest of the batch, missing modalities masked.
"""
import argparse
import csv
import json
import pathlib
import subprocess
import tempfile
import time

import numpy
import torch
from torch import nn
from torch.nn import functional

WIDTHS = {"acoustic": 512, "textual": 1024, "visual": 1024}


class Unit(nn.Module):
    """Attention with residual perceptron, no output projection (methods: MoMKE)."""

    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout),
                                 nn.Linear(width, width), nn.Dropout(dropout))

    def forward(self, x, mask):
        batch, steps, width = x.shape

        def split(y):
            return y.view(batch, steps, self.heads, width // self.heads).transpose(1, 2)

        q = split(self.q(x)) * (width // self.heads) ** -0.5
        scores = q @ split(self.k(x)).transpose(-1, -2)
        scores = scores.masked_fill(mask[:, None, None, :] == 0, float("-inf"))
        weights = torch.nan_to_num(scores.softmax(-1))
        z = (weights @ split(self.v(x))).transpose(1, 2).reshape(batch, steps, width)
        return x + z + self.mlp(z)


class Momke(nn.Module):
    def __init__(self, classes, hidden=256, depth=4, heads=2, dropout=0.5):
        super().__init__()
        self.embed = nn.ModuleList(nn.Sequential(nn.Linear(w, hidden), nn.Dropout(dropout))
                                   for w in WIDTHS.values())
        self.experts = nn.ModuleList(nn.ModuleList(Unit(hidden, heads, dropout)
                                                   for _ in range(depth)) for _ in WIDTHS)
        self.heads = nn.ModuleList(nn.Linear(hidden, classes) for _ in WIDTHS)
        self.routers = nn.ModuleList(
            nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.Dropout(dropout),
                          nn.Linear(hidden, len(WIDTHS)), nn.Dropout(dropout)) for _ in WIDTHS)
        width = hidden * len(WIDTHS)
        self.joint = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout))
        self.classifier = nn.Linear(width, classes)

    def run_expert(self, e, x, mask):
        for unit in self.experts[e]:
            x = unit(x, mask)
        return x

    def stage1(self, inputs, mask):
        return [self.heads[m](self.run_expert(m, self.embed[m](x), mask))
                for m, x in enumerate(inputs)]

    def forward(self, inputs, mask):
        encoded = []
        for m, x in enumerate(inputs):
            p = self.embed[m](x)
            weights = self.routers[m](p).softmax(-1)
            z = sum(weights[..., e:e + 1] * self.run_expert(e, p, mask)
                    for e in range(len(inputs)))
            encoded.append(z * mask[..., None])
        stacked = torch.cat(encoded, -1)
        return self.classifier(stacked + self.joint(stacked))


def perceptron(widths, dropout, slope=None):
    layers = []
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        layers.append(nn.Linear(a, b))
        if i + 2 < len(widths):
            layers += [nn.ReLU() if slope is None else nn.LeakyReLU(slope), nn.Dropout(dropout)]
    return nn.Sequential(*layers)


class Cascade(nn.Module):
    def __init__(self, width, blocks=5):
        super().__init__()
        down, up = [width, 256, 128, 64], [64, 128, 256, width]
        self.encoders = nn.ModuleList(perceptron(down, 0, slope=0.01) for _ in range(blocks))
        self.decoders = nn.ModuleList(perceptron(up, 0) for _ in range(blocks))
        self.transform = perceptron([width, width, width], 0)

    def forward(self, x):
        latents = []
        for encoder, decoder in zip(self.encoders, self.decoders):
            latents.append(encoder(x))
            x = x + decoder(latents[-1])
        return self.transform(x), torch.cat(latents, -1)


def encoders(dropout):
    return nn.ModuleList(perceptron([w, 128, 128, 128], dropout) for w in WIDTHS.values())


class Mmin(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.encoders = encoders(0.5)
        self.forth, self.back = Cascade(384), Cascade(384)
        self.classifier = perceptron([320, 128, 128, classes], 0.5)

    def forward(self, inputs):
        given = torch.cat([e(x) for e, x in zip(self.encoders, inputs)], -1)
        imagined, latents = self.forth(given)
        return self.classifier(latents), given, imagined, self.back(imagined)[0]


def load_corpus(folder):
    """Features by modality, labels, and the rows of every dialogue."""
    with open(folder / "utterances.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["label"] for row in rows})
    labels = torch.tensor([names.index(row["label"]) for row in rows])
    dialogues = {}
    for i, row in enumerate(rows):
        dialogues.setdefault(row["dialogue"], []).append(i)
    features = [torch.from_numpy(numpy.load(folder / f"{m}.npy")) for m in WIDTHS]
    return features, labels, list(dialogues.values()), len(names)


def padded(features, labels, dialogues):
    steps = max(map(len, dialogues))
    mask = torch.zeros(len(dialogues), steps)
    targets = torch.zeros(len(dialogues), steps, dtype=torch.long)
    inputs = [torch.zeros(len(dialogues), steps, f.shape[1]) for f in features]
    for b, rows in enumerate(dialogues):
        mask[b, :len(rows)] = 1
        targets[b, :len(rows)] = labels[rows]
        for x, f in zip(inputs, features):
            x[b, :len(rows)] = f[rows]
    return inputs, mask, targets


def masked_loss(logits, targets, mask):
    each = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return (each * mask.flatten()).sum() / mask.sum()


def train_momke(corpus, dialogues, epochs):
    features, labels, _, classes = corpus
    model = Momke(classes)
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-5)
    for epoch in range(2 * epochs):
        order = torch.randperm(len(dialogues)).tolist()
        for first in range(0, len(order), 16):
            inputs, mask, targets = padded(features, labels,
                                           [dialogues[d] for d in order[first:first + 16]])
            adam.zero_grad()
            if epoch < epochs:
                loss = sum(masked_loss(o, targets, mask) for o in model.stage1(inputs, mask))
            else:
                loss = masked_loss(model(inputs, mask), targets, mask)
            loss.backward()
            adam.step()


def train_mmin(corpus, dialogues, epochs):
    features, labels, _, classes = corpus
    rows = torch.tensor([u for dialogue in dialogues for u in dialogue])
    fusion = nn.ModuleDict({"encoders": encoders(0.3),
                            "classifier": perceptron([384, 128, 128, classes], 0.3)})
    adam = torch.optim.Adam(fusion.parameters(), lr=1e-3)
    for _ in range(epochs):
        for batch in rows[torch.randperm(len(rows))].split(256):
            adam.zero_grad()
            encoded = [e(f[batch]) for e, f in zip(fusion["encoders"], features)]
            functional.cross_entropy(fusion["classifier"](torch.cat(encoded, -1)),
                                     labels[batch]).backward()
            nn.utils.clip_grad_norm_(fusion.parameters(), 5)
            adam.step()
    fusion.eval()
    model = Mmin(classes)
    model.encoders.load_state_dict(fusion["encoders"].state_dict())
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999))
    shown = torch.tensor([[p >> m & 1 for m in range(3)] for p in range(1, 8)]).float()
    for _ in range(epochs):
        for batch in rows[torch.randperm(len(rows))].split(256):
            pattern = shown[torch.randint(7, (len(batch),))]
            full = [f[batch] for f in features]
            adam.zero_grad()
            logits, given, imagined, back = model(
                [x * pattern[:, m:m + 1] for m, x in enumerate(full)])
            with torch.no_grad():
                target = torch.cat([e(x * (1 - pattern[:, m:m + 1]))
                                    for m, (e, x) in enumerate(zip(fusion["encoders"], full))], -1)
            loss = (functional.cross_entropy(logits, labels[batch])
                    + 4 * functional.mse_loss(imagined, target)
                    + 2 * functional.mse_loss(back, given.detach()))
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5)
            adam.step()


def hardy_seconds(hardy, folder, work, method, track, settings):
    """CPU seconds of training alone, as hardy itself measures them."""
    out = work / f"run-{method}"
    command = [hardy, "train", str(folder), "--method", method, "--track", track, "--conditions",
               "acoustic,textual,visual", "--jobs", "1", "--no-cache", "--quiet", "--out", str(out),
               "--set", "run.models=none"]
    for setting in settings:
        command += ["--set", setting]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with open(out / "timings.json") as file:
        seconds = json.load(file)["training_cpu_s"]
    return sum(seconds.values())


def cpu_s(work):
    before = time.process_time()
    work()
    return time.process_time() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("hardy")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--dialogues", type=int, default=24, help="of each of the 5 sessions")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    epochs = options.epochs
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        folder = work / "corpus"
        subprocess.run([options.hardy, "data", "synth", str(folder), "--dialogues",
                        str(options.dialogues), "--widths",
                        ",".join(f"{m}={w}" for m, w in WIDTHS.items())], check=True,
                       stdout=subprocess.DEVNULL)
        corpus = load_corpus(folder)
        # Of five sessions one is tested, one validates, three train.
        dialogues = corpus[2][2 * options.dialogues:]
        count = sum(map(len, dialogues))
        print(f"{len(dialogues)} training dialogues, {count} utterances, {epochs} epochs per stage")
        for method, track, train, settings in (
                ("momke", "specialist", train_momke,
                 [f"momke.complete_epochs={epochs}", f"momke.pattern_epochs={epochs}"]),
                ("mmin", "unified", train_mmin,
                 [f"mmin.{stage}.{part}_epochs={value}" for stage in ("pretraining", "training")
                  for part, value in (("constant", epochs), ("decay", 0))])):
            ours = hardy_seconds(options.hardy, folder, work, method, track, settings)
            theirs = cpu_s(lambda: train(corpus, dialogues, epochs))
            print(f"{method}: PyTorch {theirs:.1f} s, hardy {ours:.1f} s, ratio {theirs / ours:.2f}")


if __name__ == "__main__":
    main()
