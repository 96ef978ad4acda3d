"""A client of `hardy serve`."""

from __future__ import annotations

import base64
import json
import os
import secrets
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

import numpy as np

from .errors import ArtifactError, ConfigError, DataError, Error, IoError
from .results import Modality, Prediction, Predictions, label_of
from .tables import codes, offsets, rows_of, table_of

# Utterances of one request: well below the service's limit of a body.
_AT_ONCE = 200


class Client:
    """Talks to a running service: `hardy.Client("http://127.0.0.1:8080").predict({...})`.

    Takes and returns what hardy.Model does. Not for several threads at once: make one per thread.
    """

    def __init__(self, url: str, token: str | None = None, timeout: float = 30) -> None:
        """`token`: as in the service's --token-file. `timeout`: seconds per request."""
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"{url!r} is no address of a service", "write http://HOST:PORT")
        self.url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._described: dict[str, Any] | None = None

    def _ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        return self._send(path, data, "application/json", method)

    def _send(self, path: str, data: bytes | None, kind: str, method: str | None = None) -> Any:
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = kind
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise _failure(f"{self.url}{path}", error.code, error.read()) from None
        except OSError as error:
            raise IoError(f"{self.url}{path}: {error}", "is the service running?") from None
        return json.loads(text) if text.strip() else None

    def model(self) -> dict[str, Any]:
        """What the service runs: modalities, classes, calibration."""
        return self._ask("/v1/model")

    def _model(self) -> dict[str, Any]:
        if self._described is None:
            self._described = self.model()
        return self._described

    @property
    def classes(self) -> tuple[str, ...]:
        """[C] names of the classes; empty for a model of several labels or values."""
        return tuple(self._model().get("classes") or ())

    @property
    def targets(self) -> tuple[str, ...]:
        """[T] names of several labels or values, else empty."""
        return tuple(self._model().get("targets") or ())

    @property
    def task(self) -> str:
        """What the model predicts: "class", "value", "labels" or "values"."""
        return str(self._model().get("task", "class"))

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """[M] names and widths."""
        return tuple(Modality(m["name"], m["width"]) for m in self._model()["modalities"])

    def health(self) -> bool:
        """Whether the service answers."""
        try:
            request = urllib.request.Request(self.url + "/healthz")
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                return answer.status == 200
        except OSError:
            return False

    def reload(self) -> None:
        """Makes the service load its model file again."""
        self._ask("/v1/reload", {})
        self._described = None

    def predict(
        self,
        features: Any,
        dialogue: Sequence[Any] | np.ndarray | str | None = None,
        speaker: Sequence[Any] | np.ndarray | str | None = None,
        available: Iterable[str] | str | None = None,
        coverage: float | None = None,
    ) -> Any:
        """Recognises one utterance or n, as hardy.Model.predict. `logits` are NaN: the service
        does not send them."""
        names = [m.name for m in self.modalities]
        table = table_of(features, names)
        dialogue = table.dialogue if dialogue is None else dialogue
        speaker = table.speaker if speaker is None else speaker
        rows = rows_of(table.features)
        body: dict[str, Any] = {}
        if available is not None:
            body["available"] = [available] if isinstance(available, str) else list(available)
        if coverage is not None:
            body["coverage"] = coverage
        if rows is None:
            utterance = {"features": _sent(table.features, None)}
            if speaker is not None:
                utterance["speaker"] = str(speaker)
            answer = self._ask("/v1/predict", {"utterances": [utterance], **body})
            return self._one(answer["predictions"][0])
        speakers = codes([speaker] * rows if isinstance(speaker, str) else speaker)
        bounds = offsets(dialogue, rows)
        answers: list[dict[str, Any]] = []
        first = 0
        for d, end in enumerate(bounds[1:]):  # a dialogue is never divided between requests
            last = d + 2 == len(bounds)
            if not last and bounds[d + 2] - first <= _AT_ONCE:
                continue
            sent = [_utterance(table.features, i, speakers, bounds) for i in range(first, end)]
            answers += self._ask("/v1/predict", {"utterances": sent, **body})["predictions"]
            first = int(end)
        return self._many([self._one(a) for a in answers], answers, table.index)

    def _one(self, answer: Mapping[str, Any]) -> Prediction:
        classes, targets = self.classes, self.targets
        if classes:
            given = answer["probabilities"]
            before = answer.get("raw_probabilities", given)
            values, raw = [given[c] for c in classes], [before[c] for c in classes]
        else:
            each = answer["values" if self.task == "values" else "probabilities"] if targets else {}
            values = raw = [each[t] for t in targets] if targets else [answer["value"]]
        label = answer["label"] if classes else label_of(self.task, np.asarray(values), targets)
        return Prediction(
            label=label,
            confidence=float(answer.get("confidence", answer.get("expected_error", 0.0))),
            probabilities=np.asarray(values, dtype=np.float32),
            raw_probabilities=np.asarray(raw, dtype=np.float32),
            logits=np.full(len(values), np.nan, dtype=np.float32),
            calibrated=answer["calibrated"],
            used=tuple(answer["used"]),
            classes=classes,
            targets=targets,
            **_set_of(answer),
        )

    def _many(
        self, found: list[Prediction], answers: list[dict[str, Any]], index: Any
    ) -> Predictions:
        names = tuple(m.name for m in self.modalities)
        width = max(len(self.classes), len(self.targets), 1)
        probabilities = np.asarray([p.probabilities for p in found], dtype=np.float32)
        raw = np.asarray([p.raw_probabilities for p in found], dtype=np.float32)
        probabilities = probabilities.reshape(len(found), width)
        if self.classes:
            labels = np.asarray([p.label for p in found])
        elif self.task == "labels":
            labels = probabilities > 0.5
        else:
            labels = probabilities if self.targets else probabilities[:, 0]
        return Predictions(
            labels=labels,
            confidence=np.asarray([p.confidence for p in found], dtype=np.float32),
            probabilities=probabilities,
            raw_probabilities=raw.reshape(len(found), width),
            logits=np.full((len(found), width), np.nan, dtype=np.float32),
            calibrated=np.asarray([p.calibrated for p in found], dtype=bool),
            used=np.asarray([[m in p.used for m in names] for p in found], dtype=bool),
            limited=np.asarray([[a.get("limited", {}).get(m, 0) for m in names] for a in answers],
                               dtype=np.int64),
            classes=self.classes,
            modalities=names,
            index=index,
            targets=self.targets,
            task=self.task,
            **self._sets(found),
        )

    def _sets(self, found: list[Prediction]) -> dict[str, np.ndarray]:
        """Sets or intervals of Predictions; nothing without a coverage."""
        if not found or found[0].promised is None:
            return {}
        promised = np.asarray([p.promised for p in found], dtype=bool)
        if self.classes:
            sets = [[c in (p.set or ()) for c in self.classes] for p in found]
            return {"promised": promised, "sets": np.asarray(sets, dtype=bool)}
        return {"promised": promised,
                "intervals": np.asarray([p.interval for p in found], dtype=np.float64)}

    def explain(self, features: Any, utterance: int = 0, similar: int = 5) -> dict[str, Any]:
        """Explains one utterance of a dialogue given whole; the service's answer as it is."""
        table = table_of(features, [m.name for m in self.modalities])
        rows = rows_of(table.features) or 1
        together = np.asarray([0, rows], dtype=np.int64)
        arrays = {m: None if x is None else np.atleast_2d(x) for m, x in table.features.items()}
        sent = [_utterance(arrays, i, None, together) for i in range(rows)]
        return self._ask("/v1/explain",
                         {"utterances": sent, "utterance": utterance, "similar": similar})

    def media(
        self,
        recording: str | os.PathLike[str],
        transcript: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Recognises the utterances of a recording, by a service with `--media`. Options are
        `available`, `cut`, `tier` and `features`. Returns `predictions` and `notes`, as the service
        sends them (docs/serving.md)."""
        parts = {"recording": recording, "transcript": transcript}
        files = {k: Path(f) for k, f in parts.items() if f is not None}
        boundary = secrets.token_hex(16)
        body = b""
        for field, file in files.items():
            name = file.name.replace('"', "%22")
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"'
            try:
                body += f"{head}\r\n\r\n".encode() + file.read_bytes() + b"\r\n"
            except OSError as error:
                raise IoError(f"{file}: {error.strerror}") from None
        if options:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="options"'
            body += f"{head}\r\n\r\n{json.dumps(options)}\r\n".encode()
        body += f"--{boundary}--\r\n".encode()
        return self._send("/v1/media", body, f"multipart/form-data; boundary={boundary}")

    def stream(self) -> "RemoteStream":
        """Opens a dialogue that grows turn by turn."""
        return RemoteStream(self)


class RemoteStream:
    """A dialogue kept by the service; close it, or use it in a `with` statement."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._id: str = client._ask("/v1/dialogues", {})["dialogue"]
        self._turns = 0

    def add(self, features: Any, speaker: str | None = None) -> Prediction:
        """Appends a turn and recognises it."""
        table = table_of(features, [m.name for m in self._client.modalities])
        body: dict[str, Any] = {"features": _sent(table.features, None)}
        if speaker is not None:
            body["speaker"] = str(speaker)
        answer = self._client._ask(f"/v1/dialogues/{self._id}/turns", body)
        self._turns += 1
        return self._client._one(answer)

    def close(self) -> None:
        """Forgets the dialogue."""
        self._client._ask(f"/v1/dialogues/{self._id}", method="DELETE")

    def __len__(self) -> int:
        return self._turns

    def __enter__(self) -> "RemoteStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _set_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Set or interval of a Prediction; nothing without a coverage."""
    if "coverage" not in answer:
        return {}
    found: dict[str, Any] = {"promised": answer["coverage"] is not None}
    if "set" in answer:
        found["set"] = tuple(answer["set"])
    else:
        found["interval"] = tuple(answer["interval"] or (-np.inf, np.inf))
    return found


def _failure(where: str, status: int, body: bytes) -> Error:
    """The exception for an answer that is no success."""
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text)["error"]
        reason = ": ".join(str(found[k]) for k in ("field", "reason") if k in found)
    except (ValueError, KeyError, TypeError):
        reason = text.strip()
    kind = {400: ConfigError, 404: ArtifactError, 422: DataError}.get(status, Error)
    return kind(f"{where}: {status}: {reason}")


def _sent(features: Mapping[str, Any], row: int | None) -> dict[str, Any]:
    """One utterance as the service reads it; a row of NaN is an absent modality."""
    sent: dict[str, Any] = {}
    for name, value in features.items():
        if value is None:
            continue
        try:
            values = np.asarray(value if row is None else value[row], dtype="<f4").ravel()
        except (TypeError, ValueError, IndexError):
            raise DataError(f"features of {name!r} are no array of numbers") from None
        if not np.isnan(values).all():
            sent[name] = {"base64": base64.b64encode(values.tobytes()).decode()}
    return sent


def _utterance(features: Mapping[str, Any], row: int, speakers: np.ndarray | None,
               bounds: np.ndarray) -> dict[str, Any]:
    number = int(np.searchsorted(bounds, row, side="right")) - 1
    body: dict[str, Any] = {"features": _sent(features, row), "dialogue": f"d{number}"}
    if speakers is not None and speakers[row] >= 0:
        body["speaker"] = f"s{speakers[row]}"
    return body
