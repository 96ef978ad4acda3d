import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import hardy


class Means(hardy.Method):
    """Nearest class mean: the shortest method that beats chance."""

    name = "nearest_mean"
    title = "nearest mean"

    def fit(self, train, validation, conditions, outputs, seed):
        x, y = train.concatenated(), train.class_labels
        return np.stack([x[y == c].mean(axis=0) for c in range(outputs)])

    def predict(self, model, batch):
        distance = ((batch.concatenated()[:, None] - model[None]) ** 2).mean(axis=2)
        p = np.exp(-distance)
        return p / p.sum(axis=1, keepdims=True)


def test_a_run_is_data_frames(run):
    results = run.results
    assert {"track", "condition", "metric", "mean"} <= set(results.columns)
    assert results["mean"].dropna().between(-1, 100).all()
    assert len(run.predictions) > 0
    assert len(run.curves) > 0
    assert run.manifest["command"] == "run"
    assert run.models


def test_the_same_call_gives_the_same_numbers(run, corpus, tmp_path):
    again = hardy.run(corpus, config={"preset": "quick"}, out=tmp_path / "again", jobs=1)
    assert again.predictions.equals(run.predictions)


def test_a_python_method_takes_part_in_a_comparison(corpus, tmp_path):
    seen = []
    comparison = hardy.compare(
        corpus, methods=[Means(), "early_linear", "majority"],
        config={"preset": "quick", "protocol.tracks": "unified"}, out=tmp_path / "c",
        progress=lambda *a: seen.append(a))
    table = comparison.table
    assert "nearest" in comparison.text
    assert seen
    own = comparison.run("nearest_mean").results
    majority = comparison.run("majority").results
    wa = lambda r: r[(r.metric == "wa")]["mean"].max()  # noqa: E731
    assert wa(own) > wa(majority) + 0.05
    costs = {c["method"]: c for c in json.loads((tmp_path / "c" / "compare.json").read_text())["costs"]}
    assert costs["nearest_mean"]["parameters"] == 0 and costs["nearest_mean"]["training_cpu_s"] > 0
    assert len(table) > 0


def test_a_failing_python_method_says_where(corpus, tmp_path):
    class Broken(Means):
        name = "broken"

        def predict(self, model, batch):
            raise RuntimeError("no idea")

    with pytest.raises(hardy.DataError, match="broken.*predict.*no idea"):
        hardy.run(corpus, method=Broken(), config={"preset": "quick", "protocol.tracks": "unified"},
                  out=tmp_path / "r")

    class Short(Means):
        name = "short"

        def predict(self, model, batch):
            return np.ones(3)

    with pytest.raises(hardy.ShapeError, match="short"):
        hardy.run(corpus, method=Short(), config={"preset": "quick", "protocol.tracks": "unified"},
                  out=tmp_path / "s")


def test_unknown_settings_and_methods_are_refused(corpus):
    with pytest.raises(hardy.ConfigError, match="retrieval"):
        hardy.run(corpus, config={"hardymer.retrieval.kk": 3})
    with pytest.raises(hardy.ConfigError):
        hardy.run(corpus, method="hardymerr")
    with pytest.raises(hardy.ConfigError):
        hardy.run(corpus, seeds=[])


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="needs signals")
def test_ctrl_c_leaves_a_folder_that_resumes(run, tmp_path):
    code = (f"import sys; sys.path.insert(0, {str(Path(hardy.__file__).parent.parent)!r}); import hardy; "
            f"hardy.run('', config={{'preset': 'quick'}}, out={str(tmp_path / 'r')!r}, jobs=1)")
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (tmp_path / "r").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    if process.returncode != 0:  # it may have been finished already
        assert "KeyboardInterrupt" in errors
    resumed = hardy.run("", config={"preset": "quick"}, out=tmp_path / "r", jobs=1)
    assert resumed.predictions.equals(run.predictions)


needs_program = pytest.mark.skipif("HARDY_PROGRAM" not in os.environ,
                                   reason="HARDY_PROGRAM is not set")
SMALL = {"preset": "quick", "protocol.tracks": "unified", "protocol.folds": 2}


@needs_program
def test_studies_of_the_program(corpus, tmp_path):
    report = hardy.audit("split", "")
    assert report
    study = hardy.sweep(corpus, {"early_linear.draws": [2, 3]},
                        method="early_linear", config=SMALL, out=tmp_path / "s", jobs=1)
    assert study["folder"] == str(tmp_path / "s")
    text = json.dumps(study)
    assert "draws=3" in text and "early_linear" in text


@needs_program
@pytest.mark.parametrize("values", [{"hardymer.retrieval.k": [3]}, {"hardymer.retrieval.k": 3},
                                    {"data.labels": ["a;b", "c"]}])
def test_an_axis_has_several_values(corpus, values):
    with pytest.raises(hardy.ConfigError):
        hardy.sweep(corpus, values)


@needs_program
def test_stored_models_are_scored_damaged_and_compared_again(run, corpus):
    scores = hardy.evaluate(run)
    stored = json.loads((run.folder / "results.json").read_text())
    key = lambda s: (s["track"], s["condition"], s["metric"])  # noqa: E731
    again = {key(s): s["mean"] for s in scores["summaries"] if s["track"] == "unified"}
    before = {key(s): s["mean"] for s in stored["summaries"] if s["track"] == "unified"}
    shared = again.keys() & before.keys()
    assert shared and all(again[k] == pytest.approx(before[k], abs=1e-6) for k in shared
                          if before[k] is not None)
    report = hardy.stress(run, damage=["noise"], severities=[1], modalities="acoustic")
    assert report["utterances"] == len(corpus) and report["set_aside_rate"] == 0
    assert {m["modality"] for m in hardy.shift(run, corpus)["modalities"]} == \
        {m.name for m in corpus.modalities}
    with pytest.raises(hardy.ConfigError, match="cannot be mapped"):
        hardy.evaluate(run, corpus, classes={"a,b": "c"})


@needs_program
def test_a_run_is_refitted_on_all_its_data(tmp_path, corpus):
    run = hardy.run(corpus, method="early_linear", out=tmp_path / "run", jobs=1,
                    config={"preset": "quick", "protocol.tracks": "unified"})
    shipped = run.refit(tmp_path / "shipped")
    model = shipped.model()
    assert model.classes == run.model().classes and len(shipped.models) == 1
    folds = [s for s in model.scores if s["part"] == "folds"]
    stored = run.results
    stored = stored[(stored.metric == "wa") & (stored.condition == "acoustic")]["mean"].iloc[0]
    assert [s["metrics"]["wa"] for s in folds if list(s["available"]) == ["acoustic"]] == [pytest.approx(stored)]
    assert (model.predict(corpus).labels == run.model().predict(corpus).labels).mean() > 0.8


@needs_program
def test_errors_of_the_program_are_of_the_hierarchy(run, tmp_path):
    with pytest.raises(hardy.ArtifactError):
        hardy.evaluate(tmp_path)
    with pytest.raises(hardy.DataError, match="nowhere"):
        hardy.shift(run, tmp_path / "nowhere")
    with pytest.raises(hardy.ConfigError, match="damage"):
        hardy.stress(run, damage="fire")


@needs_program
def test_ctrl_c_stops_the_program_and_the_same_call_resumes(tmp_path):
    """The interrupt reaches Python alone, as a notebook's does."""
    call = (f"import sys; sys.path.insert(0, {str(Path(hardy.__file__).parent.parent)!r}); import hardy; "
            f"hardy.sweep('', {{'early_linear.draws': [2, 3]}}, "
            f"method='early_linear', config={SMALL!r}, out={str(tmp_path / 's')!r}, jobs=1)")
    process = subprocess.Popen([sys.executable, "-c", call], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (tmp_path / "s").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    if process.returncode != 0:  # it may have been finished already
        assert "KeyboardInterrupt" in errors
    subprocess.run([sys.executable, "-c", call], check=True)
