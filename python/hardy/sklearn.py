"""scikit-learn estimators over hardy's protocol of training.

X is one array [n, d] whose columns are cut into modalities by `blocks`; a row whose block is all NaN
lacks that modality.
"""

from __future__ import annotations

import tempfile
from typing import Any, Mapping, Sequence

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .corpus import Corpus
from .errors import ConfigError, ShapeError
from .model import Model
from .training import run


try:  # scikit-learn 1.6 and later
    from sklearn.utils.validation import validate_data as _validate

    _NAN = {"ensure_all_finite": "allow-nan"}
except ImportError:
    _NAN = {"force_all_finite": "allow-nan"}

    def _validate(estimator: Any, *arrays: Any, **options: Any) -> Any:
        return estimator._validate_data(*arrays, **options)


# Checks of sklearn.utils.estimator_checks that do not apply, with the reason.
NOT_APPLICABLE: dict[str, str] = {
    "check_estimators_pickle": "makes single cells NaN; a modality is missing as a whole",
}


class _HardyEstimator(BaseEstimator):
    """What classifier and regressor share."""

    def __init__(
        self,
        blocks: Mapping[str, int] | Sequence[int] | None = None,
        method: str = "hardymer",
        preset: str = "quick",
        config: Mapping[str, Any] | None = None,
        validation: float = 0.15,
        random_state: int = 1,
        jobs: int = 1,
    ) -> None:
        self.blocks = blocks
        self.method = method
        self.preset = preset
        self.config = config
        self.validation = validation
        self.random_state = random_state
        self.jobs = jobs

    def _blocks_of(self, width: int) -> dict[str, int]:
        """Modality -> width. By default two halves, because a method needs two modalities."""
        blocks = self.blocks
        if blocks is None:
            blocks = [width - width // 2, width // 2] if width > 1 else [1]
        if not isinstance(blocks, Mapping):
            blocks = {f"block{i + 1}": int(w) for i, w in enumerate(blocks)}
        if sum(blocks.values()) != width:
            raise ConfigError(f"blocks sum to {sum(blocks.values())} columns; X has {width}")
        return dict(blocks)

    def _features(self, X: np.ndarray) -> dict[str, np.ndarray]:
        features, first = {}, 0
        for name, width in self._widths.items():
            features[name] = np.ascontiguousarray(X[:, first : first + width], dtype=np.float32)
            first += width
        return features

    def _train(self, X: np.ndarray, labels: np.ndarray, groups: Any, task: str) -> None:
        self._widths = self._blocks_of(X.shape[1])
        n = len(X)
        if groups is not None and len(groups) != n:
            raise ShapeError(f"groups: {len(groups)} names for {n} rows of X")
        names = [str(g) for g in groups] if groups is not None else [f"u{i}" for i in range(n)]
        seed = int(self.random_state if self.random_state is not None else 1)
        rng = np.random.default_rng(seed)
        part_of = self._split(names, labels if task == "class" else None, rng)
        features = self._features(X)
        if X.shape[1] == 1:  # a method needs two modalities: the same column twice
            features = {"block1": features["block1"], "copy": features["block1"]}
        # A fold has a test part; this one is a copy of a row on which no output is made.
        features = {m: np.concatenate([x, np.nan_to_num(x[:1])]) for m, x in features.items()}
        corpus = Corpus.from_arrays(
            features,
            np.concatenate([labels, labels[:1]]),
            dialogues=[*names, "unused"],
            split=[*(part_of[d] for d in names), "test"],
            task=task,
        )
        config = {"preset": self.preset, "protocol.tracks": "unified", "run.models": "unified",
                  "protocol.split": "official", **(self.config or {})}
        with tempfile.TemporaryDirectory(prefix="hardy-sklearn-") as folder:
            done = run(corpus, method=self.method, seeds=seed, config=config, jobs=self.jobs,
                       out=folder + "/run", only_validation=True)
            self._model_bytes = done.models[0].read_bytes()
        self._load()

    def _split(self, names: list[str], labels: np.ndarray | None, rng: Any) -> dict[str, str]:
        """Deals whole groups to train and validation; the rest of the protocol sees nothing else."""
        groups = list(dict.fromkeys(names))
        rng.shuffle(groups)
        held = max(1, int(round(self.validation * len(groups))))
        parts = {g: "validation" if i < held else "train" for i, g in enumerate(groups)}
        if labels is not None:  # every class stays in the training part
            for value in np.unique(labels):
                members = [n for n, v in zip(names, labels) if v == value]
                if all(parts[m] != "train" for m in members):
                    parts[members[0]] = "train"
        return parts

    def _load(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="hardy-sklearn-")
        path = folder.name + "/model.safetensors"
        with open(path, "wb") as file:
            file.write(self._model_bytes)
        self._model = Model(path)
        self._model_folder = folder

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        for name in ("_model", "_model_folder"):
            state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_model_bytes" in state:
            self._load()

    @property
    def model_(self) -> Model:
        """The trained model."""
        check_is_fitted(self, "n_features_in_")
        return self._model

    def _predictions(self, X: Any) -> Any:
        check_is_fitted(self, "n_features_in_")
        X = _validate(self, X, reset=False, dtype=np.float64, **_NAN)
        features = self._features(X)
        if X.shape[1] == 1:
            features = {"block1": features["block1"], "copy": features["block1"]}
        return self._model.predict(features)

    def _more_tags(self) -> dict[str, Any]:
        # Scores are those of a quick preset on data that have no modalities.
        return {"allow_nan": True, "poor_score": True, "_xfail_checks": NOT_APPLICABLE}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # scikit-learn 1.6 and later
        tags.input_tags.allow_nan = True
        return tags


class HardyClassifier(ClassifierMixin, _HardyEstimator):
    """A classifier of any of hardy's methods that can be stored.

    blocks: modality -> number of columns, in the order of X's columns (or widths only). method,
    preset, config: as in hardy.run. validation: share of the groups that decides when to stop.
    """

    def fit(self, X: Any, y: Any, groups: Any = None) -> "HardyClassifier":
        """Trains. `groups` [n]: rows of one dialogue (they see each other only in training folds)."""
        X, y = _validate(self, X, y, dtype=np.float64, ensure_min_samples=2, **_NAN)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("HardyClassifier needs at least 2 classes; y has 1 class")
        self._train(X, np.asarray([f"c{c:06d}" for c in codes]), groups, "class")
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """[n, C] calibrated probabilities, columns as classes_."""
        return self._predictions(X).probabilities.astype(np.float64)

    def predict(self, X: Any) -> np.ndarray:
        """[n] labels."""
        probabilities = self.predict_proba(X)  # refuses an estimator without fit
        return self.classes_[np.argmax(probabilities, axis=1)]


class HardyRegressor(RegressorMixin, _HardyEstimator):
    """A regressor of any of hardy's methods that can be stored. Parameters as HardyClassifier."""

    def fit(self, X: Any, y: Any, groups: Any = None) -> "HardyRegressor":
        """Trains on real values."""
        X, y = _validate(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2, **_NAN)
        self._train(X, y.astype(np.float64), groups, "value")
        return self

    def predict(self, X: Any) -> np.ndarray:
        """[n] values."""
        return self._predictions(X).probabilities[:, 0].astype(np.float64)
