from typing import Any, Callable

from ._data import Corpus

class Job:
    def __init__(self) -> None: ...
    def stop(self) -> None: ...

class Place:
    def __init__(
        self,
        folder: str | bytes,
        cache: str | bytes = ...,
        overwrite: bool = ...,
        only_validation: bool = ...,
    ) -> None: ...

def run(
    job: Job,
    corpus: Corpus,
    preset: str,
    assignments: list[str],
    place: Place,
    progress: Callable[[str, float, float, str], None] | None,
) -> tuple[bytes, str]: ...
def compare(
    job: Job,
    corpus: Corpus,
    preset: str,
    assignments: list[str],
    methods: list[str],
    budget: int,
    patience: int,
    place: Place,
    progress: Callable[[str, float, float, str], None] | None,
) -> tuple[bytes, str, str, list[str]]: ...
def add_method(name: str, title: str, method: Any) -> None: ...
def forget_models() -> None: ...
