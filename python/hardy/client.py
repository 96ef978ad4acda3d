"""A client of `hardy serve`."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Mapping, Sequence

import numpy as np

from .errors import ConfigError, DataError, Error, IoError


class Client:
    """Talks to a running service: `hardy.Client("http://127.0.0.1:8080").predict({...})`."""

    def __init__(self, url: str, token: str | None = None, timeout: float = 30) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._timeout = timeout

    def _ask(self, path: str, body: Any | None = None) -> Any:
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self.url + path, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            try:
                message = json.loads(text).get("error", text)
            except ValueError:
                message = text
            if isinstance(message, dict):
                message = ": ".join(str(message[k]) for k in ("field", "reason") if k in message)
            kind = {400: ConfigError, 422: DataError}.get(error.code, Error)
            raise kind(f"{self.url}{path}: {error.code}: {message}") from None
        except OSError as error:
            raise IoError(f"{self.url}{path}: {error}") from None

    def model(self) -> dict[str, Any]:
        """What the service runs: modalities, classes, calibration."""
        return self._ask("/v1/model")

    def health(self) -> bool:
        """Whether the service answers."""
        try:
            request = urllib.request.Request(self.url + "/healthz")
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                return answer.status == 200
        except OSError:
            return False

    def predict(
        self,
        features: Mapping[str, Any],
        speaker: str | None = None,
        available: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Recognises one utterance; None = absent."""
        body: dict[str, Any] = {"features": _lists(features)}
        if speaker is not None:
            body["speaker"] = speaker
        if available is not None:
            body["available"] = list(available)
        return self._ask("/v1/predict", body)


def _lists(features: Mapping[str, Any]) -> dict[str, list[float]]:
    return {
        name: np.asarray(value, dtype=np.float32).astype(float).tolist()
        for name, value in features.items()
        if value is not None
    }
