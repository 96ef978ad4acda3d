from typing import Any

import numpy as np
import numpy.typing as npt

__version__: str

_Result = tuple[
    npt.NDArray[np.int64],
    npt.NDArray[np.float32],
    npt.NDArray[np.float32],
    npt.NDArray[np.float32],
    npt.NDArray[np.float32],
    npt.NDArray[np.bool_],
    npt.NDArray[np.bool_],
    npt.NDArray[np.int64],
    npt.NDArray[np.bool_] | None,
]

class Model:
    def __init__(self, file: str | bytes) -> None: ...
    def predict(
        self,
        features: dict[str, Any],
        offsets: npt.NDArray[np.int64],
        speakers: npt.NDArray[np.int64] | None = ...,
        available: list[str] | None = ...,
        set_aside: float = ...,
    ) -> _Result: ...
    def thresholds(self, coverage: float) -> npt.NDArray[np.float64]: ...
    @property
    def modalities(self) -> list[tuple[str, int]]: ...
    @property
    def classes(self) -> list[str]: ...
    @property
    def targets(self) -> list[str]: ...
    @property
    def task(self) -> str: ...
    @property
    def calibration(self) -> list[dict[str, Any]]: ...
    @property
    def scores(self) -> list[dict[str, Any]]: ...
    @property
    def method(self) -> str: ...
    @property
    def track(self) -> str: ...
    @property
    def fold(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def data_name(self) -> str: ...
    @property
    def is_synthetic(self) -> bool: ...
    @property
    def config_toml(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...

class Stream:
    def __init__(self, model: Model) -> None: ...
    def add(
        self,
        features: dict[str, Any],
        speaker: int = ...,
        available: list[str] | None = ...,
        set_aside: float = ...,
    ) -> _Result: ...
    def __len__(self) -> int: ...

def verify_listed_file(folder: str | bytes, name: str) -> None: ...

class Explainer:
    def __init__(self, model: Model) -> None: ...
    def explain(
        self,
        features: dict[str, Any],
        utterance: int,
        speakers: npt.NDArray[np.int64] | None = ...,
        similar: int = ...,
    ) -> dict[str, Any]: ...
