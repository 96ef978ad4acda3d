"""Training: `run`, `compare`, and the studies of the command-line program."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Sequence

from .corpus import Corpus
from .errors import ConfigError, Error, TrainingUnavailable
from .methods import Method, register
from .runs import Comparison, Run
from .settings import assignments_of

Progress = Callable[[str, float, float, str], None]
"""Called with (phase, done, total, current) at most ten times a second."""


def _training() -> Any:
    try:
        from . import _training as module
    except ImportError as error:
        raise TrainingUnavailable(
            f"this installation cannot train: its extension hardy._training does not load ({error})",
            "install libtorch-dev, libfaiss-dev and libdnnl-dev and build the package again "
            "(docs/python.md); hardy.load predicts without them",
        ) from None
    return module


def _bar(phase: str, done: float, total: float, current: str) -> None:
    if phase == "note":
        print(f"hardy: {current}", file=sys.stderr)
    elif total > 0:
        end = "\n" if done >= total else ""
        print(f"\r{phase} {100 * done / total:3.0f} % {current[:60]:60}", end=end, file=sys.stderr)


def _reporter(progress: bool | Progress | None) -> Progress | None:
    if progress is True:
        return _bar
    return None if not progress else progress


def _interruptible(module: Any, work: Callable[[Any], Any]) -> Any:
    """Runs `work(job)` in a thread, so that Ctrl-C reaches the training: it stops soon, keeps what
    is finished, and the same call resumes."""
    job = module.Job()
    result: list[Any] = []
    failure: list[BaseException] = []
    done = threading.Event()

    def target() -> None:
        try:
            result.append(work(job))
        except BaseException as error:  # handed to the caller's thread
            failure.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=target, name="hardy-training")
    thread.start()
    # Not Thread.join: interrupted by Ctrl-C, it may take a running thread for a finished one.
    while not done.is_set():
        try:
            done.wait(timeout=0.1)
        except KeyboardInterrupt:
            job.stop()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


def _corpus(corpus: Corpus | str | os.PathLike[str]) -> Corpus:
    return corpus if isinstance(corpus, Corpus) else Corpus.load(corpus)


def _with_seeds(assignments: list[str], seeds: Iterable[int] | int, jobs: int) -> list[str]:
    numbers = [seeds] if isinstance(seeds, int) else list(seeds)
    if not numbers:
        raise ConfigError("seeds: give at least one")
    return [*assignments, f"run.seeds={json.dumps([int(s) for s in numbers])}", f"run.jobs={jobs}"]


def run(
    corpus: Corpus | str | os.PathLike[str],
    method: str | Method = "hardymer",
    seeds: Iterable[int] | int = 1,
    config: Any = None,
    out: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    jobs: int = 0,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
    only_validation: bool = False,
) -> Run:
    """Runs the protocol: folds x seeds x conditions, and returns the finished run folder.

    `config`: hardy.settings.Settings or a mapping ({"preset": "quick", "hardymer.retrieval.k": 3}).
    `out`: the run folder; a temporary one by default. Ctrl-C raises KeyboardInterrupt and leaves a
    folder that the same call resumes. `jobs`: parallel workers, 0 = one per core; it changes no number.
    `only_validation` makes no output on the test part.
    """
    module = _training()
    corpus = _corpus(corpus)
    preset, assignments = assignments_of(config)
    assignments = _with_seeds(assignments, seeds, jobs)
    if isinstance(method, Method):
        assignments += register(method, module)
        method = method.name
    assignments.append(f"protocol.method={method}")
    folder = os.fspath(out) if out is not None else tempfile.mkdtemp(prefix="hardy-run-") + "/run"
    place = module.Place(folder, "" if cache is None else os.fspath(cache), overwrite, only_validation)
    try:
        _interruptible(
            module,
            lambda job: module.run(
                job, corpus._corpus, preset, assignments, place, _reporter(progress)
            ),
        )
    finally:
        module.forget_models()
    return Run.open(folder)


def compare(
    corpus: Corpus | str | os.PathLike[str],
    methods: Sequence[str | Method] | None = None,
    seeds: Iterable[int] | int = 1,
    config: Any = None,
    budget: int = 0,
    patience: int = 5,
    out: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    jobs: int = 0,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> Comparison:
    """Every method under equal terms; methods written in Python take part (hardy.Method).

    `methods`: names and objects; all declared ones by default. `budget`: the most epochs of a
    training stage, 0 = each method's own.
    """
    module = _training()
    corpus = _corpus(corpus)
    preset, assignments = assignments_of(config)
    assignments = _with_seeds(assignments, seeds, jobs)
    names: list[str] = []
    for method in methods or []:
        if isinstance(method, Method):
            assignments += register(method, module)
            method = method.name
        names.append(method)
    folder = os.fspath(out) if out is not None else tempfile.mkdtemp(prefix="hardy-compare-") + "/c"
    place = module.Place(folder, "" if cache is None else os.fspath(cache), overwrite)
    try:
        found = _interruptible(
            module,
            lambda job: module.compare(
                job, corpus._corpus, preset, assignments, names, budget, patience, place,
                _reporter(progress),
            ),
        )
    finally:
        module.forget_models()
    return Comparison(folder=Path(found[0]), csv=found[1], text=found[2], refusals=tuple(found[3]))


def program() -> str:
    """The command-line program: beside this package, in HARDY_PROGRAM, or on the PATH."""
    beside = Path(__file__).parent / "bin" / "hardy"
    found = os.environ.get("HARDY_PROGRAM") or (str(beside) if beside.exists() else shutil.which("hardy"))
    if not found:
        raise TrainingUnavailable("the program hardy was not found", "set HARDY_PROGRAM or install it")
    return found


def command(*arguments: str | os.PathLike[str]) -> str:
    """Runs the program and returns what it prints. Raises Error with its message when it fails;
    Ctrl-C stops it like the program itself, and the same call resumes."""
    line = [program(), *(os.fspath(a) for a in arguments)]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode == 130:
        raise KeyboardInterrupt
    if done.returncode not in (0, 1):
        lines = [x for x in done.stderr.splitlines() if x.startswith("hardy: error: ")]
        raise Error(lines[-1].removeprefix("hardy: error: ") if lines else done.stderr.strip())
    return done.stdout


@contextlib.contextmanager
def _on_disk(corpus: Corpus | str | os.PathLike[str]) -> Iterator[str]:
    """The place of a corpus for the program; one in memory is written for as long as it is needed."""
    if not isinstance(corpus, Corpus):
        yield os.fspath(corpus)
        return
    with tempfile.TemporaryDirectory(prefix="hardy-corpus-") as folder:
        corpus.save(folder + "/corpus")
        yield folder + "/corpus"


def _study(
    kind: list[str], corpus: Corpus | str | os.PathLike[str], out: Any, options: Sequence[str]
) -> dict:
    folder = os.fspath(out) if out is not None else tempfile.mkdtemp(prefix="hardy-study-") + "/s"
    with _on_disk(corpus) as place:
        text = command(*kind, place, "--out", folder, "--json", *options)
    return {"folder": folder, **json.loads(text)}


def sweep(
    corpus: Corpus | str | os.PathLike[str],
    values: dict[str, Sequence[Any]],
    out: str | os.PathLike[str] | None = None,
    options: Sequence[str] = (),
) -> dict:
    """Settings ranked by validation: {"hardymer.retrieval.k": [1, 3, 5]}. Returns the study as JSON."""
    settings = [f"--set={k}={','.join(str(x) for x in v)}" for k, v in values.items()]
    return _study(["sweep"], corpus, out, [*settings, *options])


def audit(
    kind: str,
    corpus: Corpus | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    options: Sequence[str] = (),
) -> dict:
    """`hardy audit split|leak|defects`: is the split clean, the protocol blind? As JSON."""
    if kind == "split":
        with _on_disk(corpus) as place:
            return json.loads(command("audit", "split", place, "--json", *options))
    return _study(["audit", kind], corpus, out, options)


def reproduce(
    experiment: str,
    corpus: Corpus | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    options: Sequence[str] = (),
) -> dict:
    """A table or figure of the paper as a study, e.g. "table2". Returns the study as JSON."""
    return _study(["reproduce", experiment], corpus, out, options)
