"""Trained models as torch.nn.Module, and corpora as batches for a DataLoader.

    module = hardy.torch_module("model.safetensors")
    loader = DataLoader(hardy.torch.Dialogues(corpus, "train"), batch_size=8,
                        collate_fn=hardy.torch.collate)
    for batch in loader:
        logits = module(batch)                  # [B, T, C]
"""

from __future__ import annotations

import json
import math
import os
import struct
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

import numpy as np

from .errors import ArtifactError, ConfigError, DataError
from .model import Model
from .tables import codes, offsets, rows_of, table_of

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:  # pragma: no cover
    raise ImportError(f"hardy.torch needs PyTorch ({error}); Debian's package is python3-torch") from None

if TYPE_CHECKING:
    from .corpus import Corpus

_REACH = 8  # larger distances between utterances share a learned bias (src/inference/network.h)


@dataclass
class Batch:
    """Some dialogues side by side: B dialogues, T utterances of the longest."""

    features: dict[str, Tensor]
    """Modality -> [B, T, width] float32, not scaled; zeros where it is absent."""
    present: dict[str, Tensor]
    """Modality -> [B, T] bool."""
    speakers: Tensor
    """[B, T] int64 numbers of the speakers; -1 = unknown."""
    mask: Tensor
    """[B, T] bool: False for the padding of shorter dialogues."""
    labels: Tensor | None = None
    """[B, T] class numbers (int64, -100 = none) or values (float32, NaN = none); several labels or
    values [B, T, number of targets]."""

    def to(self, *args: Any, **kwargs: Any) -> "Batch":
        """Moved to a device, as Tensor.to."""
        moved: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, dict):
                moved[field.name] = {m: x.to(*args, **kwargs) for m, x in value.items()}
            else:
                moved[field.name] = None if value is None else value.to(*args, **kwargs)
        return Batch(**moved)

    def pin_memory(self) -> "Batch":
        """For DataLoader(pin_memory=True)."""
        return Batch({m: x.pin_memory() for m, x in self.features.items()},
                     {m: x.pin_memory() for m, x in self.present.items()},
                     self.speakers.pin_memory(), self.mask.pin_memory(),
                     None if self.labels is None else self.labels.pin_memory())


class Dialogues(torch.utils.data.Dataset):
    """The dialogues of a corpus; item i is the Batch of one of them. Use `collate` to join them."""

    def __init__(self, corpus: "Corpus", split: str | None = None) -> None:
        """`split`: only the dialogues of "train", "validation" or "test"."""
        columns = corpus._corpus.columns()
        bounds = offsets(columns["dialogue"], len(corpus))
        self._bounds = [(int(a), int(b)) for a, b in zip(bounds[:-1], bounds[1:])
                        if split is None or columns["split"][a] == split]
        if not self._bounds:
            raise DataError(f"{corpus.name} has no dialogue of the part {split!r}",
                            "give train, validation or test, or no part at all")
        self._features = {m.name: torch.tensor(corpus.features(m.name)) for m in corpus.modalities}
        self._present = {m.name: torch.tensor(corpus.present(m.name)) for m in corpus.modalities}
        self._speakers = torch.tensor(codes(columns["speaker"]))
        several = corpus._corpus.targets()
        labels = torch.tensor(np.asarray(columns["label"], dtype=np.float32))
        self._labels = labels if several is None else torch.tensor(several)
        if corpus.classes:
            self._labels = torch.where(labels.isnan(), torch.tensor(-100.0), labels).long()

    def __len__(self) -> int:
        return len(self._bounds)

    def __getitem__(self, index: int) -> Batch:
        a, b = self._bounds[index]
        return Batch({m: x[None, a:b] for m, x in self._features.items()},
                     {m: x[None, a:b] for m, x in self._present.items()},
                     self._speakers[None, a:b], torch.ones(1, b - a, dtype=torch.bool),
                     self._labels[None, a:b])


def _padded(parts: Sequence[Tensor], value: float) -> Tensor:
    return nn.utils.rnn.pad_sequence([p[0] for p in parts], batch_first=True, padding_value=value)


def collate(batches: Sequence[Batch]) -> Batch:
    """Joins dialogues to one Batch, padded to the longest: the DataLoader's collate_fn."""
    first = batches[0]
    labels = None
    if first.labels is not None:
        none = float("nan") if first.labels.is_floating_point() else -100
        labels = _padded([b.labels for b in batches], none)
    return Batch({m: _padded([b.features[m] for b in batches], 0.0) for m in first.features},
                 {m: _padded([b.present[m] for b in batches], False) for m in first.present},
                 _padded([b.speakers for b in batches], -1),
                 _padded([b.mask for b in batches], False), labels)


def batch_of(
    features: Any,
    dialogue: Sequence[Any] | None = None,
    speaker: Sequence[Any] | None = None,
    modalities: Iterable[str] = (),
) -> Batch:
    """Rows as hardy.Model.predict takes them, as a Batch; `modalities` are those of the model."""
    names = list(modalities)
    table = table_of(features, names)
    rows = rows_of(table.features)
    given = {m: np.atleast_2d(np.asarray(x, dtype=np.float32))
             for m, x in table.features.items() if x is not None}
    bounds = offsets(dialogue if dialogue is not None else table.dialogue, rows or 1)
    who = codes(speaker if speaker is not None else table.speaker)
    numbers = np.full(rows or 1, -1, dtype=np.int64) if who is None else who
    parts = []
    for a, b in zip(bounds[:-1], bounds[1:]):
        there = {m: ~np.isnan(x[a:b]).all(axis=1) for m, x in given.items()}
        parts.append(Batch(
            {m: torch.tensor(np.nan_to_num(x[a:b], nan=0.0))[None] for m, x in given.items()},
            {m: torch.tensor(x)[None] for m, x in there.items()},
            torch.tensor(numbers[a:b])[None], torch.ones(1, int(b - a), dtype=torch.bool)))
    return collate(parts)


def _arrays(file: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Arrays and metadata of a model file (docs/bundle.md)."""
    with open(file, "rb") as stream:
        (size,) = struct.unpack("<Q", stream.read(8))
        header = json.loads(stream.read(size))
        payload = stream.read()
    metadata = header.pop("__metadata__", {})
    kinds = {"F32": np.float32, "I64": np.int64}
    arrays = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        values = np.frombuffer(payload[first:end], dtype=kinds[entry["dtype"]])
        arrays[name] = torch.tensor(values.reshape(entry["shape"]))
    return arrays, metadata


class Scaling(nn.Module):
    """Standardises a modality and clips it to the model's range. Shapes: [..., d] -> [..., d]."""

    def __init__(self, arrays: Mapping[str, Tensor], modality: str) -> None:
        super().__init__()
        name = f"scaling.{modality}."
        for part in ("mean", "deviation", "lowest", "highest"):
            self.register_buffer(part, arrays.get(name + part))

    def forward(self, x: Tensor) -> Tensor:
        y = (x - self.mean) / self.deviation
        if self.lowest is not None:
            y = torch.maximum(torch.minimum(y, self.highest), self.lowest)
        return y


def _linear(arrays: Mapping[str, Tensor], name: str, bias: bool = True) -> nn.Linear:
    weight = arrays[name + ".weight"]
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias)
    layer.weight = nn.Parameter(weight.clone())
    if bias:
        layer.bias = nn.Parameter(arrays[name + ".bias"].clone())
    return layer


def _norm(weight: Tensor, bias: Tensor) -> nn.LayerNorm:
    layer = nn.LayerNorm(weight.shape[0])
    layer.weight, layer.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())
    return layer


class Unit(nn.Module):
    """Attention inside a dialogue with a learned bias, and two layers. Shapes: [B, T, D] -> same."""

    def __init__(self, arrays: Mapping[str, Tensor], name: str, encoder: Mapping[str, Any]) -> None:
        super().__init__()
        self.heads = int(encoder["heads"])
        self.qkv = _linear(arrays, name + ".qkv")
        self.fc1, self.fc2 = _linear(arrays, name + ".fc1"), _linear(arrays, name + ".fc2")
        has_norm = name + ".norm1.weight" in arrays
        for norm in ("norm1", "norm2"):
            there = f"{name}.{norm}."
            setattr(self, norm, _norm(arrays[there + "weight"], arrays[there + "bias"])
                    if has_norm else None)
        relation = arrays.get(name + ".relation")
        self.relation = None if relation is None else nn.Parameter(relation.clone())

    def forward(self, x: Tensor, keys: Tensor, entries: Tensor) -> Tensor:
        b, t, width = x.shape
        source = x if self.norm1 is None else self.norm1(x)
        q, k, v = self.qkv(source).view(b, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) / math.sqrt(width // self.heads)
        if self.relation is not None:
            scores = scores + self.relation[:, entries].transpose(0, 1)
        scores = scores.masked_fill(~keys[:, None, None, :], -1e9)
        z = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, width)
        x = x + z
        source = z if self.norm2 is None else self.norm2(x)
        return x + self.fc2(nn.functional.gelu(self.fc1(source)))


class _Network(nn.Module):
    """What every module has: names, the temperature of a calibration, predict."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        super().__init__()
        self.modalities: tuple[str, ...] = tuple(m["name"] for m in info["modalities"])
        self.classes: tuple[str, ...] = tuple(info.get("classes") or ())

    @torch.no_grad()
    def predict(self, features: Any, dialogue: Sequence[Any] | None = None,
                speaker: Sequence[Any] | None = None) -> Tensor:
        """[n, C] outputs of rows as hardy.Model.predict takes them: its `logits`."""
        batch = batch_of(features, dialogue, speaker, self.modalities)
        was_training = self.training
        self.eval()
        try:
            return self(batch)[batch.mask]
        finally:
            self.train(was_training)

    def _inputs(self, batch: Batch, modality: str) -> tuple[Tensor, Tensor]:
        """Scaled features [B, T, d], zeros where absent, and [B, T] whether they are there."""
        scaling = self.scaling[modality]
        if modality not in batch.features:
            b, t = batch.mask.shape
            empty = torch.zeros(b, t, dtype=torch.bool, device=batch.mask.device)
            return scaling.mean.new_zeros(b, t, scaling.mean.shape[0]), empty
        there = batch.present[modality] & batch.mask
        return scaling(batch.features[modality]) * there[..., None], there


class Recogniser(_Network):
    """The recogniser of hardymer, hardymer_published and modality_dropout (docs/method.md)."""

    def __init__(self, arrays: Mapping[str, Tensor], info: Mapping[str, Any]) -> None:
        super().__init__(info)
        encoder = info["encoder"]
        self.by_speaker = encoder["speaker"] == "relation"
        self.reach = _REACH if encoder["position"] == "relative" else 0
        weights = {n.removeprefix("model."): x for n, x in arrays.items()}
        names = self.modalities
        self.scaling = nn.ModuleDict({m: Scaling(arrays, m) for m in names})
        self.tuning = nn.ModuleDict({
            m: nn.Sequential(_linear(arrays, f"tuning.{m}.adapter1"), nn.ReLU(),
                             _linear(arrays, f"tuning.{m}.adapter2"))
            for m in names if info.get("input") == "tuned"})
        self.embed = nn.ModuleDict({m: _linear(weights, f"embed.{m}") for m in names})
        self.experts = nn.ModuleDict({
            m: nn.ModuleList([Unit(weights, f"expert.{m}.{i}", encoder)
                              for i in range(int(encoder["depth"]))]) for m in names})
        has_norm = f"expert.{names[0]}.norm.weight" in weights
        self.norm = nn.ModuleDict({
            m: _norm(weights[f"expert.{m}.norm.weight"], weights[f"expert.{m}.norm.bias"])
            for m in names if has_norm})
        blocks = torch.cat([weights[f"joint.{m}.weight"] for m in names], dim=1)
        self.joint = _linear({"j.weight": blocks, "j.bias": weights["joint.bias"]}, "j")
        self.classifier = _linear(weights, "classifier")

    def _entries(self, batch: Batch) -> Tensor:
        """[B, T, T] place of each pair of query and key in the tables of bias."""
        place = torch.arange(batch.mask.shape[1], device=batch.mask.device)
        entry = (place[None, :] - place[:, None]).clamp(-self.reach, self.reach) + self.reach
        entry = entry[None].expand(batch.mask.shape[0], -1, -1)
        if not self.by_speaker:
            return entry
        same = batch.speakers[:, :, None] == batch.speakers[:, None, :]
        return entry + same.long() * (2 * self.reach + 1)

    def forward(self, batch: Batch) -> Tensor:
        """Outputs before calibration, of padding too. Shapes: -> [B, T, C]."""
        entries = self._entries(batch)
        encoded = []
        for m in self.modalities:
            x, there = self._inputs(batch, m)
            if len(self.tuning):
                x = self.tuning[m](x)
            x = self.embed[m](x)
            for unit in self.experts[m]:
                x = unit(x, there, entries)
            if len(self.norm):
                x = self.norm[m](x)
            encoded.append(x * there[..., None])
        stacked = torch.cat(encoded, dim=-1)
        return self.classifier(stacked + torch.relu(self.joint(stacked)))


class Context(_Network):
    """The context network: a bidirectional LSTM over the dialogue (docs/methods/context.md)."""

    def __init__(self, arrays: Mapping[str, Tensor], info: Mapping[str, Any],
                 prefix: str = "model.") -> None:
        super().__init__(info)
        weights = {n.removeprefix(prefix): x for n, x in arrays.items() if n.startswith(prefix)}
        self.scaling = nn.ModuleDict({m: Scaling(arrays, m) for m in self.modalities})
        parts = {m: f"modality{i}" for i, m in enumerate(self.modalities)}
        self.embed = nn.ModuleDict({m: _linear(weights, p + ".embed") for m, p in parts.items()})
        self.norm = nn.ModuleDict({
            m: _norm(weights[p + ".norm.gain"], weights[p + ".norm.offset"]) for m, p in parts.items()})
        self.absent = nn.ParameterDict({
            m: nn.Parameter(weights[p + ".absent"].clone()) for m, p in parts.items()})
        self.roles = nn.Parameter(weights["roles"].clone())
        width, hidden = weights["forward.state"].shape[1], weights["roles"].shape[1]
        self.lstm = nn.LSTM(hidden, width, bidirectional=True, batch_first=True)
        for way, ending in (("forward", ""), ("backward", "_reverse")):
            for ours, theirs in (("input", "weight_ih"), ("state", "weight_hh"), ("bias", "bias_ih")):
                setattr(self.lstm, f"{theirs}_l0{ending}",
                        nn.Parameter(weights[f"{way}.{ours}"].clone()))
            setattr(self.lstm, f"bias_hh_l0{ending}", nn.Parameter(torch.zeros(4 * width)))
        self.joint_norm = _norm(weights["joint_norm.gain"], weights["joint_norm.offset"])
        self.output = _linear(weights, "output", "output.bias" in weights)

    def _role_numbers(self, batch: Batch) -> Tensor:
        """[B, T] row of `roles`: order of a speaker's appearance from 1; 0 = unknown."""
        numbers = torch.zeros_like(batch.speakers)
        for b, row in enumerate(batch.speakers.tolist()):
            seen: dict[int, int] = {}
            for t, speaker in enumerate(row):
                if speaker >= 0:
                    number = seen.setdefault(speaker, len(seen) + 1)
                    numbers[b, t] = min(number, self.roles.shape[0] - 1)
        return numbers

    def forward(self, batch: Batch) -> Tensor:
        """Outputs before calibration, of padding too. Shapes: -> [B, T, C]."""
        total: Any = 0
        for m in self.modalities:
            x, there = self._inputs(batch, m)
            shown = nn.functional.gelu(self.norm[m](self.embed[m](x)))
            total = total + torch.where(there[..., None], shown, self.absent[m])
        spoken = total + self.roles[self._role_numbers(batch)]
        lengths = batch.mask.sum(1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(spoken, lengths, batch_first=True,
                                                   enforce_sorted=False)
        states, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True,
                                                     total_length=batch.mask.shape[1])
        return self.output(self.joint_norm(torch.cat([total, states], dim=-1)))


class Crossfit(_Network):
    """Cross-fitted context networks: the mean of their outputs (docs/methods/crossfit.md)."""

    def __init__(self, arrays: Mapping[str, Tensor], info: Mapping[str, Any]) -> None:
        super().__init__(info)
        members = 0
        while f"model.member{members}.roles" in arrays:
            members += 1
        self.members = nn.ModuleList(
            Context(arrays, info, f"model.member{k}.") for k in range(members))

    def forward(self, batch: Batch) -> Tensor:
        """Outputs before calibration, of padding too. Shapes: -> [B, T, C]."""
        return torch.stack([member(batch) for member in self.members]).mean(0)


_MODULES: dict[str, type[Recogniser] | type[Context] | type[Crossfit]] = {
    "hardymer": Recogniser,
    "hardymer_published": Recogniser,
    "modality_dropout": Recogniser,
    "context": Context,
    "crossfit": Crossfit,
}


def torch_module(model: Model | str | os.PathLike[str]) -> "Recogniser | Context | Crossfit":
    """A trained model as a torch.nn.Module with its weights, ready to be trained further.

    Call it with a Batch, or `.predict` it with arrays; its outputs are hardy's `logits` to 1e-5.
    Raises ConfigError for a method whose network has no module, ArtifactError for a damaged file.
    """
    loaded = model if isinstance(model, Model) else Model(model)
    if isinstance(model, Model) and Model(model.file).fingerprint != model.fingerprint:
        raise ArtifactError(f"{model.file}: was replaced since it was loaded", "load it again")
    arrays, metadata = _arrays(loaded.file)
    info = json.loads(metadata["hardy.model"])
    if loaded.method not in _MODULES:
        raise ConfigError(f"a model of {loaded.method!r} has no torch module",
                          f"methods that have one: {', '.join(sorted(_MODULES))}")
    return _MODULES[loaded.method](arrays, info)


__all__ = ["Batch", "Context", "Crossfit", "Dialogues", "Recogniser", "batch_of", "collate", "torch_module"]
