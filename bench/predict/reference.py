#!/usr/bin/env python3
"""The recogniser as a plain PyTorch module, without gradients, one thread, at IEMOCAP widths. Prints
one JSON object: benchmark name -> CPU seconds (median). Needs Debian's python3-torch."""
import json
import math
import statistics
import time

import torch
from torch import nn

WIDTHS, HIDDEN, DEPTH, HEADS, CLASSES = [512, 1024, 1024], 256, 4, 2, 4


class Unit(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(HIDDEN, 3 * HIDDEN)
        self.mlp = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, HIDDEN))

    def forward(self, x):
        batch, length, _ = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) / math.sqrt(HIDDEN // HEADS)).softmax(-1)
        z = (weights @ v).transpose(1, 2).reshape(batch, length, HIDDEN)
        return x + z + self.mlp(z)


class Recogniser(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.ModuleList(nn.Linear(width, HIDDEN) for width in WIDTHS)
        self.experts = nn.ModuleList(nn.Sequential(*(Unit() for _ in range(DEPTH))) for _ in WIDTHS)
        self.joint = nn.Linear(3 * HIDDEN, 3 * HIDDEN)
        self.classifier = nn.Linear(3 * HIDDEN, CLASSES)

    def forward(self, features):
        z = torch.cat([expert(embed(x)) for expert, embed, x
                       in zip(self.experts, self.embed, features)], -1)
        return self.classifier(z + torch.relu(self.joint(z))).softmax(-1)


def median_cpu(work, repeats):
    times = []
    for _ in range(repeats):
        start = time.process_time_ns()
        work()
        times.append(time.process_time_ns() - start)
    return statistics.median(times) * 1e-9


torch.set_num_threads(1)
torch.manual_seed(1)
model = Recogniser().eval()
results = {}
with torch.inference_mode():
    for name, turns, repeats in [("utterance/7", 1, 200), ("dialogue/5", 5, 100),
                                 ("dialogue/35", 35, 60)]:
        features = [torch.randn(1, turns, width) for width in WIDTHS]
        for _ in range(10):
            model(features)
        results[name] = median_cpu(lambda: model(features), repeats)
print(json.dumps(results))
