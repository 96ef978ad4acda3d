"""Emotion and sentiment recognition that keeps working when modalities are missing.

    model = hardy.load("model.safetensors")
    model.predict({"acoustic": x, "textual": None})

Training (`hardy.run`, `hardy.compare`, `hardy.HardyClassifier`) loads libtorch on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._inference import __version__
from .errors import (
    ArtifactError,
    ConfigError,
    DataError,
    DivergenceError,
    Error,
    InternalError,
    IoError,
    ShapeError,
    TrainingUnavailable,
)
from .model import Model, Stream, load
from .results import Calibration, Explanation, Modality, Outcome, Prediction, Predictions, Similar

# Name -> module that defines it, imported on first use so that `import hardy` stays quick.
_LAZY = {
    "Corpus": "corpus",
    "Finding": "corpus",
    "Client": "client",
    "Method": "methods",
    "Run": "runs",
    "Comparison": "runs",
    "run": "training",
    "compare": "training",
    "sweep": "training",
    "audit": "training",
    "reproduce": "training",
    "evaluate": "training",
    "stress": "training",
    "shift": "training",
    "settings": "settings",
    "extract": "media",
    "torch": "torch",
    "HardyClassifier": "sklearn",
    "HardyRegressor": "sklearn",
    "torch_module": "torch",
}

if TYPE_CHECKING:
    from .client import Client
    from .corpus import Corpus, Finding
    from .media import extract
    from .methods import Method
    from .runs import Comparison, Run
    from .sklearn import HardyClassifier, HardyRegressor
    from .torch import torch_module
    from .training import audit, compare, evaluate, reproduce, run, shift, stress, sweep


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'hardy' has no attribute {name!r}")
    module = importlib.import_module(f".{_LAZY[name]}", __name__)
    value = module if name == _LAZY[name] else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])


__all__ = [
    "ArtifactError",
    "Calibration",
    "Client",
    "Comparison",
    "ConfigError",
    "Corpus",
    "DataError",
    "DivergenceError",
    "Error",
    "Explanation",
    "Finding",
    "HardyClassifier",
    "HardyRegressor",
    "InternalError",
    "IoError",
    "Method",
    "Modality",
    "Model",
    "Outcome",
    "Prediction",
    "Predictions",
    "Run",
    "ShapeError",
    "Similar",
    "Stream",
    "TrainingUnavailable",
    "__version__",
    "audit",
    "compare",
    "evaluate",
    "extract",
    "load",
    "reproduce",
    "run",
    "settings",
    "shift",
    "stress",
    "sweep",
    "torch_module",
]
