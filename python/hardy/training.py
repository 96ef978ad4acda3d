"""Training: `run`, `compare`, and the studies of the command-line program."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from .corpus import Corpus
from .errors import (
    ArtifactError,
    ConfigError,
    DataError,
    DivergenceError,
    Error,
    InternalError,
    IoError,
    TrainingUnavailable,
)
from .methods import Method, register
from .runs import Comparison, Run
from .settings import assignments_of, integers
from .texts import checked, encoded

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
    numbers = integers(seeds, "seeds")
    if not numbers:
        raise ConfigError("seeds: give at least one")
    return [*assignments, f"run.seeds={json.dumps(numbers)}", f"run.jobs={jobs}"]


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
    assignments.append(f"protocol.method={checked(str(method), 'method')}")
    folder = new_folder("run", out)
    place = module.Place(encoded(folder), "" if cache is None else encoded(cache), overwrite, only_validation)
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
        names.append(checked(str(method), "method"))
    folder = new_folder("compare", out)
    place = module.Place(encoded(folder), "" if cache is None else encoded(cache), overwrite)
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
    return Comparison(folder=Path(os.fsdecode(found[0])), csv=found[1], text=found[2], refusals=tuple(found[3]))


def program() -> str:
    """The command-line program: beside this package, in HARDY_PROGRAM, or on the PATH."""
    beside = Path(__file__).parent / "bin" / "hardy"
    found = os.environ.get("HARDY_PROGRAM") or (str(beside) if beside.exists() else shutil.which("hardy"))
    if not found:
        raise TrainingUnavailable("the program hardy was not found", "set HARDY_PROGRAM or install it")
    return found


# Exit codes of the program (docs/errors.md).
_KINDS: dict[int, type[Exception]] = {
    2: ConfigError, 3: DataError, 4: ArtifactError, 5: DivergenceError, 6: IoError, 70: InternalError,
}
_INTERRUPTED = 130


def command(*arguments: str | os.PathLike[str], shows_progress: bool = False) -> str:
    """Runs the program and returns what it prints; with `shows_progress` its standard error is this
    process's. Raises the exception of its exit code with its message. Ctrl-C stops it as it stops
    the program itself: what is finished is kept, and the same call resumes."""
    line = [program(), *(encoded(a) for a in arguments)]
    # A session of its own: a terminal's Ctrl-C reaches it once, through us; a second one ends it.
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, start_new_session=True,
                               stderr=None if shows_progress else subprocess.PIPE)
    is_interrupted = False
    while True:
        try:
            output, errors = process.communicate()
            break
        except KeyboardInterrupt:
            is_interrupted = True
            process.send_signal(signal.SIGINT)
    if is_interrupted or process.returncode == _INTERRUPTED:
        raise KeyboardInterrupt
    if process.returncode not in (0, 1):
        errors = errors or f"hardy {arguments[0]} failed; its message is above"
        lines = [x for x in errors.splitlines() if x.startswith("hardy: error: ")]
        message = lines[-1].removeprefix("hardy: error: ") if lines else errors.strip()
        raise _KINDS.get(process.returncode, Error)(message)
    return output


def new_folder(kind: str, out: str | os.PathLike[str] | None) -> str:
    """`out`, or a place in a new temporary folder."""
    return os.fsdecode(encoded(out)) if out is not None else f"{tempfile.mkdtemp(prefix=f'hardy-{kind}-')}/{kind}"


@contextlib.contextmanager
def _on_disk(corpus: Corpus | str | os.PathLike[str]) -> Iterator[str]:
    """The place of a corpus for the program; one in memory is written for as long as it is needed."""
    if not isinstance(corpus, Corpus):
        yield os.fsdecode(encoded(corpus))
        return
    with tempfile.TemporaryDirectory(prefix="hardy-corpus-") as folder:
        corpus.save(folder + "/corpus")
        yield folder + "/corpus"


def _setting_options(method: str | None, seeds: Iterable[int] | int, config: Any,
                     jobs: int) -> list[str]:
    """What `hardy.run` takes, as options of the program."""
    preset, assignments = assignments_of(config)
    assignments = _with_seeds(assignments, seeds, jobs)
    if method is not None:
        if not isinstance(method, str):
            raise ConfigError(f"method {method!r} is no name",
                              "methods written in Python take part in hardy.run and hardy.compare")
        assignments.append(f"protocol.method={method}")
    return ["--preset", preset, *(f"--set={a}" for a in assignments)]


def _study(
    kind: list[str], corpus: Corpus | str | os.PathLike[str], out: Any, options: Sequence[str],
    overwrite: bool, progress: bool
) -> dict[str, Any]:
    folder = new_folder(kind[0], out)
    more = [*(["--overwrite"] if overwrite else []), *([] if progress else ["--quiet"])]
    with _on_disk(corpus) as place:
        text = command(*kind, place, "--out", folder, "--json", *more, *options,
                       shows_progress=progress)
    return {"folder": folder, **json.loads(text)}


def _axis(key: str, values: Any) -> str:
    """The values of a setting as `hardy sweep --set` takes them."""
    if isinstance(values, str):  # a range: "0..1", "log:1e-5..1e-2"
        return f"--set={key}={values}"
    try:
        texts = [str(v).lower() if isinstance(v, (bool, np.bool_)) else str(v) for v in values]
    except TypeError:
        raise ConfigError(f"{key}: a list of values or a range such as '0..1' is expected, "
                          f"not {values!r}") from None
    if len(texts) < 2 or any(";" in t for t in texts):
        raise ConfigError(f"{key}: an axis has at least two values, none with ';'",
                          "what does not vary belongs in config")
    return f"--set={key}={(';' if any(',' in t for t in texts) else ',').join(texts)}"


def sweep(
    corpus: Corpus | str | os.PathLike[str],
    values: Mapping[str, Sequence[Any] | str],
    method: str | None = None,
    seeds: Iterable[int] | int = 1,
    config: Any = None,
    out: str | os.PathLike[str] | None = None,
    jobs: int = 0,
    overwrite: bool = False,
    progress: bool = False,
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """Settings ranked by validation: {"hardymer.retrieval.k": [1, 3, 5]}. Returns the study as JSON.

    Instead of a list, `values` may have a range for random points, "0..1" or "log:1e-5..1e-2". The
    other arguments are those of hardy.run; `options` are further ones of `hardy sweep`, e.g.
    ["--random", "20"].
    """
    axes = [_axis(k, v) for k, v in values.items()]
    settings = _setting_options(method, seeds, config, jobs)
    return _study(["sweep"], corpus, out, [*settings, *axes, *options], overwrite, progress)


def audit(
    kind: str,
    corpus: Corpus | str | os.PathLike[str],
    seeds: Iterable[int] | int = 1,
    config: Any = None,
    out: str | os.PathLike[str] | None = None,
    jobs: int = 0,
    overwrite: bool = False,
    progress: bool = False,
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """`hardy audit split|leak|defects`: is the split clean, the protocol blind? As JSON.

    The other arguments are those of hardy.run; "split" trains nothing and reads none of them.
    """
    if kind == "split":
        with _on_disk(corpus) as place:
            return json.loads(command("audit", "split", place, "--json", *options))
    settings = _setting_options(None, seeds, config, jobs)
    return _study(["audit", kind], corpus, out, [*settings, *options], overwrite, progress)


def reproduce(
    experiment: str,
    corpus: Corpus | str | os.PathLike[str],
    seeds: Iterable[int] | int = 1,
    config: Any = None,
    out: str | os.PathLike[str] | None = None,
    jobs: int = 0,
    overwrite: bool = False,
    progress: bool = False,
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """A table or figure of the paper as a study, e.g. "table2". Returns the study as JSON.

    The other arguments are those of hardy.run.
    """
    settings = _setting_options(None, seeds, config, jobs)
    # The paper's tables train the unified model only, unless the command line says another track.
    settings += [s.replace("--set=protocol.tracks=", "--track=") for s in settings
                 if s.startswith("--set=protocol.tracks=")]
    return _study(["reproduce", experiment], corpus, out, [*settings, *options], overwrite, progress)


def _evaluated(*arguments: str | os.PathLike[str]) -> dict[str, Any]:
    return json.loads(command(*arguments, "--json", "--quiet"))


def _class_map(classes: Mapping[str, str | None] | None) -> list[str]:
    """{"excited": "happy", "frustrated": None} as `--map` takes it."""
    if not classes:
        return []
    entries = [f"{k}={'-' if v is None else v}" for k, v in classes.items()]
    if any("," in e for e in entries):
        raise ConfigError("classes: a name with ',' cannot be mapped",
                          "write a file of entries and use `hardy evaluate --map FILE`")
    return ["--map", ",".join(entries)]


def evaluate(
    run: Run | str | os.PathLike[str],
    corpus: Corpus | str | os.PathLike[str] | None = None,
    classes: Mapping[str, str | None] | None = None,
    conditions: str | None = None,
    missing: str | None = None,
    target_statistics: bool = False,
) -> dict[str, Any]:
    """Scores stored models again: results as JSON, as results.json of a run folder.

    `run`: a Run, its folder or a model file. On the run's own corpus (None) each model is tested on
    the test part of its fold, on another on every dialogue that it has not seen. `classes`: classes
    of `corpus` that the models know by other names, {"excited": "happy", "frustrated": None}; None
    leaves out (docs/transfer.md). `conditions` and `missing`: as `hardy evaluate` takes them.
    `target_statistics` standardises by the scored utterances' own mean and deviation.
    """
    options = _class_map(classes)
    if conditions is not None:
        options += ["--conditions", conditions]
    if missing is not None:
        options += ["--missing", missing]
    if target_statistics:
        options.append("--target-statistics")
    models = run.folder if isinstance(run, Run) else run
    if corpus is None:
        return _evaluated("evaluate", models, *options)
    with _on_disk(corpus) as place:
        return _evaluated("evaluate", models, place, *options)


def stress(
    run: Run | str | os.PathLike[str],
    corpus: Corpus | str | os.PathLike[str] | None = None,
    damage: Sequence[str] | None = None,
    severities: Sequence[float] = (0.25, 0.5, 1),
    modalities: Sequence[str] | None = None,
    set_aside: float = 0.0,
    classes: Mapping[str, str | None] | None = None,
    seed: int = 1,
) -> dict[str, Any]:
    """Scores of stored models when one modality at a time is damaged, as JSON (docs/damaged_data.md).

    `damage`: "noise", "clipping", "frozen", "swapped", "shifted", "speaker", "scale"; None is all.
    `severities`: above 0, at most 1. `set_aside`: score also without what looks damaged; the rate
    as in Model.predict. `classes` as in hardy.evaluate.
    """
    options = ["--severity", ",".join(repr(float(s)) for s in severities), "--seed", str(seed)]
    options += _class_map(classes)
    if damage is not None:
        options += ["--damage", damage if isinstance(damage, str) else ",".join(damage)]
    if modalities is not None:
        options += ["--modality", modalities if isinstance(modalities, str) else ",".join(modalities)]
    if set_aside:
        options += ["--set-aside", repr(float(set_aside))]
    models = run.folder if isinstance(run, Run) else run
    if corpus is None:
        return _evaluated("stress", models, *options)
    with _on_disk(corpus) as place:
        return _evaluated("stress", models, place, *options)


def shift(
    source: Run | Corpus | str | os.PathLike[str], target: Corpus | str | os.PathLike[str]
) -> dict[str, Any]:
    """How far the features of `target` lie from those that a model (a Run, its folder or a model
    file) was trained on, or from those of another corpus, as JSON (docs/transfer.md)."""
    if isinstance(source, Run):
        source = source.folder
    with _on_disk(source) as first, _on_disk(target) as second:
        return json.loads(command("data", "shift", first, second, "--json"))
