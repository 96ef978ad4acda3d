#!/usr/bin/env python3
"""Writes the three networks at full size, with generated weights, in the form of the published files.

Usage: make_networks.py FOLDER TABLE   (needs Debian's python3-torch)

FOLDER gets deberta/, wav2vec.pt and manet.pth. TABLE is the CSV of utterances whose `text` fills the
vocabulary: like the published one it has each common word as one token.
"""
import argparse
import collections
import csv
import json
import pathlib
import sys

import numpy
import torch

from networks import DEBERTA, WAV2VEC_ARGUMENTS, Deberta, Manet, Wav2vec
from byte_pairs import byte_symbols, pieces_of

MASK = 2 ** 64 - 1


def drawn(key, shape, salt):
    """Values of a weight as a function of its name: splitmix64 from the name's FNV-1a hash."""
    seed = 0xCBF29CE484222325
    for byte in key.encode():
        seed = (seed ^ byte) * 0x100000001B3 & MASK
    count = int(numpy.prod(shape, dtype=numpy.int64))
    step = numpy.uint64(0x9E3779B97F4A7C15)
    z = numpy.uint64(seed ^ salt) + (numpy.arange(count, dtype=numpy.uint64) + numpy.uint64(1)) * step
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    z = z ^ (z >> numpy.uint64(31))
    share = (z >> numpy.uint64(40)).astype(numpy.float64) / 2 ** 24
    low, high = limits(key, shape)
    return torch.from_numpy((low + (high - low) * share).astype(numpy.float32).reshape(shape))


def limits(key, shape):
    last = key.rsplit(".", 1)[-1]
    if last == "running_var":
        return 0.5, 1.5
    if last == "running_mean":
        return -0.3, 0.3
    if len(shape) == 1:
        return (0.5, 1.5) if last == "weight" else (-0.2, 0.2)
    if "embeddings" in key:
        return -1, 1
    reach = (3 / numpy.prod(shape[1:], dtype=numpy.float64)) ** 0.5
    return -reach, reach


def weights_of(network, prefix, salt):
    return {prefix + key: drawn(prefix + key, tuple(value.shape), salt)
            for key, value in network.state_dict().items() if value.is_floating_point()}


def write_vocabulary(folder, table):
    words = collections.Counter()
    for row in csv.DictReader(open(table, encoding="utf-8")):
        words.update(pieces_of(row["text"]))
    tokens = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", *byte_symbols()]
    merges = []
    for word in words:
        for end in range(2, len(word) + 1):
            if word[:end] not in tokens:
                tokens.append(word[:end])
                merges.append(f"{word[:end - 1]} {word[end - 1]}")
    vocabulary = {token: i for i, token in enumerate(tokens)}
    vocabulary["[MASK]"] = DEBERTA["vocab_size"] - 1
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("table", type=pathlib.Path)
    options = parser.parse_args()
    text = options.folder / "deberta"
    text.mkdir(parents=True, exist_ok=True)
    (text / "config.json").write_text(json.dumps(DEBERTA))
    write_vocabulary(text, options.table)
    torch.save(weights_of(Deberta(), "deberta.", 41), text / "pytorch_model.bin")
    torch.save({"args": argparse.Namespace(**WAV2VEC_ARGUMENTS),
                "model": weights_of(Wav2vec(), "", 14)}, options.folder / "wav2vec.pt")
    torch.save({"state_dict": weights_of(Manet(), "module.", 33)}, options.folder / "manet.pth")


if __name__ == "__main__":
    sys.exit(main())
