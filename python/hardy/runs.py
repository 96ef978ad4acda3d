"""Finished runs and comparisons as DataFrames."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _inference
from .errors import ArtifactError
from .model import Model
from .texts import encoded

if TYPE_CHECKING:
    import pandas as pd


def _by_numbers(file: Path) -> list[tuple[int, str]]:
    """Sorts seed2 before seed10."""
    return [(int(part), "") if part.isdecimal() else (-1, part)
            for part in re.split(r"(\d+)", file.name)]


def _in_file_name(label: str) -> str:
    """A name of a modality as the file of a model spells it."""
    return "".join(chr(c) if chr(c).isascii() and (chr(c).isalnum() or chr(c) in "-_") else f"%{c:02X}"
                   for c in label.encode())


# Columns of names, which may look like numbers ("007") or like a missing value ("NA").
_TEXTS = frozenset(("utterance", "dialogue", "speaker", "support", "track", "trained", "condition",
                    "pattern", "stage", "name", "method", "metric"))
_LABELS = frozenset(("truth", "predicted"))


def _frame(text: str, names: frozenset[str]) -> "pd.DataFrame":
    import pandas as pd

    columns = next(csv.reader(io.StringIO(text)), [])
    return pd.read_csv(io.StringIO(text), dtype={c: str for c in columns if c in names},
                       keep_default_na=False,
                       na_values={c: ["", "nan", "-nan"] for c in columns if c not in names})


class Run:
    """A run folder: results, curves, predictions, hardness, supports and models."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(os.fsdecode(encoded(folder)))
        if not (self.folder / "manifest.json").is_file():
            raise ArtifactError(f"{self.folder} is no run folder: it has no manifest.json")

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> "Run":
        """Opens a folder that `hardy run` or hardy.run wrote."""
        return cls(folder)

    def _text(self, name: str) -> str:
        """A file as the run wrote it: compared with SHA256SUMS where that is there."""
        file = self.folder / name
        try:
            if not file.exists():
                raise ArtifactError(f"{file} is not there: this run wrote none")
            _inference.verify_listed_file(encoded(self.folder), name)
            return file.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise ArtifactError(f"{file} cannot be read: {error}") from None

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return json.loads(self._text(name))
        except ValueError as error:
            raise ArtifactError(f"{self.folder / name} cannot be read: {error}") from None

    def _table(self, name: str) -> "pd.DataFrame":
        text = self._text(name)
        has_classes = bool(self.manifest.get("data", {}).get("classes"))
        try:
            return _frame(text, _TEXTS | _LABELS if has_classes else _TEXTS)
        except ValueError as error:
            raise ArtifactError(f"{self.folder / name} cannot be read: {error}") from None

    @property
    def manifest(self) -> dict[str, Any]:
        """Settings, corpus, versions."""
        return self._json("manifest.json")

    @property
    def results(self) -> "pd.DataFrame":
        """One row per track, condition and metric: mean, deviations, interval."""
        import pandas as pd

        return pd.DataFrame(self._json("results.json")["summaries"])

    @property
    def predictions(self) -> "pd.DataFrame":
        """One row per test utterance, condition, fold and seed."""
        return self._table("predictions.csv")

    @property
    def curves(self) -> "pd.DataFrame":
        """Loss per epoch of every training stage."""
        return self._table("curves.csv")

    @property
    def hardness(self) -> "pd.DataFrame":
        """Hardness of every training utterance (HARDY-MER only)."""
        return self._table("hardness.csv")

    @property
    def supports(self) -> "pd.DataFrame":
        """Which training utterances support which (HARDY-MER only)."""
        return self._table("supports.csv")

    @property
    def models(self) -> list[Path]:
        """The stored model files, in the order of folds and seeds."""
        files = (self.folder / "models").glob("*.safetensors")
        return sorted((f for f in files if not f.name.startswith(".")), key=_by_numbers)

    def model(self, name: str | None = None) -> Model:
        """A stored model: by file name; without one as `hardy predict` takes it: the only model,
        else the unified one, or the specialist of all modalities, of the first fold and the
        smallest seed. Raises ArtifactError where there is none."""
        files = self.models
        if name is not None:
            files = [f for f in files if name in (f.name, f.stem)]
        if len(files) == 1:
            return self._model(files[0])
        modalities = self.manifest.get("data", {}).get("modalities", [])
        complete = "specialist-" + "+".join(_in_file_name(m["name"]) for m in modalities)
        for start in ("unified-fold", f"{complete}-fold"):
            for file in files:
                if file.name.startswith(start):
                    return self._model(file)
        raise ArtifactError(f"{self.folder} has no such model; stored: {[f.name for f in self.models]}")

    def _model(self, file: Path) -> Model:
        _inference.verify_listed_file(encoded(self.folder), f"models/{file.name}")
        return Model(file)

    def refit(self, out: str | os.PathLike[str] | None = None) -> "Run":
        """Trains this run's settings on all its data for use, as `hardy train --all-data`: nothing
        is left to test on, and the model keeps the scores that the run's folds had."""
        from .training import command, new_folder

        folder = new_folder("refit", out)
        command("train", "--all-data", self.folder, "--out", folder, "--quiet")
        return Run(folder)

    def _repr_html_(self) -> str:
        return f"<p>{self.folder}</p>" + self.results._repr_html_()

    def __repr__(self) -> str:
        return f"<hardy.Run {self.folder}>"


@dataclass(frozen=True)
class Comparison:
    """Methods side by side."""

    folder: Path
    csv: str
    text: str
    refusals: tuple[str, ...] = ()
    """Methods that could not serve the corpus, and why."""

    @property
    def table(self) -> "pd.DataFrame":
        """One row per track, metric and method; a column per condition."""
        return _frame(self.csv, _TEXTS)

    def run(self, method: str) -> Run:
        """The run folder of one method."""
        return Run.open(self.folder / method)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def __str__(self) -> str:
        return self.text
