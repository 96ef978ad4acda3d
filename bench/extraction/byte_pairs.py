"""Byte pairs for English text: pieces, and the merging of each by rank."""
import json
import re

PATTERN = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?[^\s\w]+|\s+(?!\S)|\s+")


def byte_symbols():
    """A printable character for each byte, in the order of the bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


SYMBOLS = byte_symbols()


def pieces_of(text):
    return ["".join(SYMBOLS[byte] for byte in piece.encode()) for piece in PATTERN.findall(text)]


class BytePairs:
    def __init__(self, folder):
        self.ids = json.loads((folder / "vocab.json").read_text())
        lines = (folder / "merges.txt").read_text().split("\n")[1:-1]
        self.ranks = {tuple(line.split(" ")): rank for rank, line in enumerate(lines)}

    def merged(self, piece):
        parts = list(piece)
        while len(parts) > 1:
            pairs = list(zip(parts, parts[1:]))
            best = min(pairs, key=lambda pair: self.ranks.get(pair, len(self.ranks)))
            if best not in self.ranks:
                break
            joined, i = [], 0
            while i < len(parts):
                is_pair = tuple(parts[i:i + 2]) == best
                joined.append("".join(parts[i:i + 2]) if is_pair else parts[i])
                i += 2 if is_pair else 1
            parts = joined
        return parts

    def encode(self, text):
        tokens = [part for piece in pieces_of(text) for part in self.merged(piece)]
        return [self.ids["[CLS]"], *(self.ids[token] for token in tokens), self.ids["[SEP]"]]
