#!/usr/bin/env python3
"""The training steps of hardy_bench the usual way: PyTorch modules, dialogues padded to the longest,
masks, torch.optim.Adam, one thread. Prints one JSON object: benchmark name -> CPU seconds (median).

Usage: reference.py [--steps N] [--lengths L,L,...]   (needs Debian's python3-torch)
"""
import argparse
import json
import math
import statistics
import time

import torch
from torch import nn

WIDTHS = [512, 1024, 1024]
HIDDEN, DEPTH, HEADS, CLASSES, DECODER = 256, 4, 2, 4, 1024


class Unit(nn.Module):
    """Attention over the utterances of a dialogue and an MLP, each added to the input."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(HIDDEN, HIDDEN) for _ in range(3))
        self.mlp = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.GELU(), nn.Dropout(0.5),
                                 nn.Linear(HIDDEN, HIDDEN), nn.Dropout(0.5))

    def forward(self, x, is_padding):
        batch, length, _ = x.shape
        split = lambda y: y.view(batch, length, HEADS, -1).transpose(1, 2)
        q, k, v = split(self.q(x)), split(self.k(x)), split(self.v(x))
        scores = q @ k.transpose(-2, -1) / math.sqrt(HIDDEN // HEADS)
        scores = scores.masked_fill(is_padding[:, None, None, :], float("-inf"))
        z = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, HIDDEN)
        return x + z + self.mlp(z)


class Cross(nn.Module):
    """Attention of one modality to another, with projection and MLP."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.proj = (nn.Linear(HIDDEN, HIDDEN) for _ in range(4))
        self.drop = nn.Dropout(0.5)
        self.mlp = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.GELU(), nn.Dropout(0.5),
                                 nn.Linear(HIDDEN, HIDDEN), nn.Dropout(0.5))

    def forward(self, x, y, is_padding):
        batch, length, _ = x.shape
        split = lambda t: t.view(batch, length, HEADS, -1).transpose(1, 2)
        q, k, v = split(self.q(x)), split(self.k(y)), split(self.v(y))
        scores = q @ k.transpose(-2, -1) / math.sqrt(HIDDEN // HEADS)
        scores = scores.masked_fill(is_padding[:, None, None, :], float("-inf"))
        z = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, HIDDEN)
        x1 = self.drop(self.proj(z))
        return x1 + self.mlp(x1)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        stacked = HIDDEN * len(WIDTHS)
        self.embed = nn.ModuleList(nn.Linear(d, HIDDEN) for d in WIDTHS)
        self.drop = nn.Dropout(0.5)
        self.experts = nn.ModuleList(nn.ModuleList(Unit() for _ in range(DEPTH)) for _ in WIDTHS)
        self.heads = nn.ModuleList(nn.Linear(HIDDEN, CLASSES) for _ in WIDTHS)
        self.joint = nn.Linear(stacked, stacked)
        self.classifier = nn.Linear(stacked, CLASSES)
        self.decoder = nn.Sequential(nn.Linear(stacked, DECODER), nn.ReLU(),
                                     nn.Linear(DECODER, sum(WIDTHS)))
        self.cross = nn.ModuleList(Cross() for _ in range(6))

    def encode(self, inputs, is_padding, available):
        encoded = []
        for m, x in enumerate(inputs):
            x = self.drop(self.embed[m](x * available[m]))
            for unit in self.experts[m]:
                x = unit(x, is_padding)
            encoded.append(x * available[m])
        return encoded

    def forward(self, inputs, is_padding, available):
        stacked = torch.cat(self.encode(inputs, is_padding, available), -1)
        joint = stacked + self.drop(torch.relu(self.joint(stacked)))
        return self.classifier(joint), self.decoder(joint)


def entropy(features):
    share = features.softmax(-1).clamp(1e-6, 1)
    return -(share * (share + 1e-7).log()).sum(-1)


def median_time(work, repeats):
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def make_data(lengths, length):
    batch = len(lengths)
    is_padding = torch.arange(length)[None, :] >= torch.tensor(lengths)[:, None]
    inputs = [torch.randn(batch, length, d) * ~is_padding[:, :, None] for d in WIDTHS]
    labels = torch.randint(CLASSES, (batch, length))
    return inputs, is_padding, labels


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--lengths", default="")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    lengths = [int(l) for l in options.lengths.split(",") if l] or [37] * 15 + [53]
    inputs, is_padding, labels = make_data(lengths, max(lengths))
    valid = (~is_padding).float()
    model = Model()
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-5)
    result = {}

    def masked_loss(logits):
        each = nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        return (each * valid.flatten()).sum() / valid.sum()

    def step(available):
        adam.zero_grad()
        logits, rebuilt = model(inputs, is_padding, available)
        loss = masked_loss(logits)
        for part, truth in zip(rebuilt.split(WIDTHS, -1), inputs):
            loss = loss + ((part - truth).square().mean(-1) * valid).sum() / valid.sum()
        loss.backward()
        adam.step()

    def hardness_step():
        adam.zero_grad()
        encoded = model.encode(inputs, is_padding, (1, 1, 1))
        loss = sum(masked_loss(head(z)) for head, z in zip(model.heads, encoded))
        for i, (x, y) in enumerate([(0, 1), (0, 2), (1, 2)]):
            joint = (model.cross[2 * i](encoded[x], encoded[y], is_padding) +
                     model.cross[2 * i + 1](encoded[y], encoded[x], is_padding))
            shared = entropy(encoded[x]) + entropy(encoded[y]) - entropy(joint)
            loss = loss - 0.001 / 3 * (shared * valid).sum() / valid.sum()
        loss.backward()
        adam.step()

    model.train()
    for bits in (7, 3, 1):
        available = [bits >> m & 1 for m in range(3)]
        result[f"training_step/{bits}"] = median_time(lambda: step(available), options.steps)
    result["hardness_step"] = median_time(hardness_step, options.steps)
    model.eval()
    with torch.no_grad():
        for length in (1, 35):
            one, padding, _ = make_data([length], length)

            def predict():
                joint = torch.cat(model.encode(one, padding, (1, 1, 1)), -1)
                joint = joint + torch.relu(model.joint(joint))
                return model.classifier(joint)

            result[f"predict_trained/{length}"] = median_time(predict, 40 * options.steps)
        a, b = torch.randn(1120, 1024), torch.randn(1024, 1024)
        result["sgemm_torch/1120/1024/1024"] = median_time(lambda: a @ b, 4 * options.steps)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
