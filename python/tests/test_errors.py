"""Errors: a hierarchy with file, record and remedy; no input ends the interpreter."""

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hardy


def test_the_hierarchy_fits_pythons_own():
    for kind in (hardy.ConfigError, hardy.DataError, hardy.ShapeError, hardy.ArtifactError,
                 hardy.DivergenceError, hardy.IoError, hardy.TrainingUnavailable):
        assert issubclass(kind, hardy.Error)
    assert issubclass(hardy.ShapeError, hardy.DataError)
    assert issubclass(hardy.DataError, ValueError)
    assert issubclass(hardy.IoError, OSError)
    assert not issubclass(hardy.InternalError, hardy.Error)


def test_remedy_file_and_record_are_read_from_the_message():
    error = hardy.DataError("corpus/labels.csv:12: label 'x' is no number", "write 0, 1, ...")
    assert (error.file, error.record, error.remedy) == ("corpus/labels.csv", "12", "write 0, 1, ...")
    assert str(error).endswith("; write 0, 1, ...")
    assert hardy.ConfigError("no place here").file == ""
    assert hardy.ConfigError("a is wrong; write b").remedy == "write b"


def test_errors_of_files_name_file_record_and_remedy(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "utterances.csv").write_text("id,label\na,0\na,1\n")
    np.save(folder / "acoustic.npy", np.ones((2, 3), np.float32))
    with pytest.raises(hardy.DataError) as found:
        hardy.Corpus.load(folder)
    assert "utterances.csv" in found.value.file
    assert found.value.remedy
    broken = tmp_path / "m.safetensors"
    broken.write_bytes(b"\x00" * 40)
    with pytest.raises(hardy.ArtifactError) as found:
        hardy.load(broken)
    assert "m.safetensors" in str(found.value)
    with pytest.raises(hardy.Error) as found:
        hardy.load(tmp_path / "none.safetensors")
    assert "none.safetensors" in str(found.value)
    with pytest.raises(hardy.ArtifactError, match="manifest"):
        hardy.Run.open(tmp_path)


def odd_value(rng, depth=0):
    """Something that is no valid array of features, or nearly one."""
    width = rng.choice([0, 1, 3, 48, 64, 32, 10**6 // 4])
    shape = rng.choice([(width,), (2, width), (0, width), (1, 1, width), ()])
    kinds = ["<f4", "<f8", ">f4", "f2", "i1", "u8", "?", "c8", "O", "U3", "M8[s]", "V4"]
    choices = [
        lambda: np.zeros(shape, dtype=rng.choice(kinds)),
        lambda: np.full(shape, rng.choice([np.nan, np.inf, -np.inf, 1e300, 1e-320])),
        lambda: np.asfortranarray(np.ones((3, 48)))[::-1, ::rng.choice([1, 2, -1])],
        lambda: memoryview(b"12345678"),
        lambda: rng.choice([None, 0, -1, 2**70, 1.5, float("nan"), "x", b"y", (), [], {}, set(), object()]),
        lambda: np.lib.stride_tricks.as_strided(np.ones(1, np.float32), (5, 48), (0, 0)),
        lambda: [odd_value(rng, depth + 1) for _ in range(rng.randrange(3))] if depth < 3 else [],
        lambda: {rng.choice(["a", 1, None]): odd_value(rng, depth + 1)} if depth < 3 else {},
    ]
    return rng.choice(choices)()


def test_no_argument_crashes_or_escapes_the_hierarchy(model):
    """A seeded walk over odd arguments of every entry that takes data from outside."""
    rng = random.Random(7)
    names = [m.name for m in model.modalities]
    allowed = (hardy.Error, TypeError, MemoryError)
    good = {m.name: np.zeros((2, m.width), np.float32) for m in model.modalities}
    refused = 0
    for _ in range(1500):
        features = {rng.choice([*names, "?", 3, None, ("a",)]): odd_value(rng) for _ in range(rng.randrange(3))}
        if rng.random() < 0.1:
            features = odd_value(rng)
        if rng.random() < 0.3:
            features = dict(good)
        calls = [
            lambda: model.predict(features, dialogue=odd_value(rng), speaker=odd_value(rng)),
            lambda: model.predict(features, available=odd_value(rng)),
            lambda: model.explain(features, utterance=rng.choice([0, 1, -1, 7, 2**40, "0", None])),
            lambda: model.stream().add(features, speaker=odd_value(rng)),
            lambda: hardy.Corpus.from_arrays(features, labels=odd_value(rng), dialogues=odd_value(rng)),
        ]
        try:
            rng.choice(calls)()
        except allowed:
            refused += 1
    assert refused > 500
    assert len(model.predict(good)) == 2  # and it still works


def test_random_model_files_are_refused(model, tmp_path):
    """Damaged copies of a model: refused, or the damage is where no byte counts."""
    rng = random.Random(11)
    whole = Path(model.file).read_bytes()
    file = tmp_path / "damaged.safetensors"
    for _ in range(25):
        damaged = bytearray(whole)
        place = rng.randrange(len(damaged)) if rng.random() < 0.5 else rng.randrange(2000)
        damaged[place] ^= 1 << rng.randrange(8)
        file.write_bytes(damaged[: rng.choice([len(damaged), len(damaged) - rng.randrange(999)])])
        with pytest.raises(hardy.ArtifactError):
            hardy.load(file)
        file.unlink()


def test_an_error_ends_no_interpreter():
    code = ("import sys; sys.path.insert(0, sys.argv[1]); import hardy\n"
            "for call in (lambda: hardy.load('/nowhere'), lambda: hardy.Corpus.load('/nowhere'),\n"
            "             lambda: hardy.settings.Settings(nothing=1)):\n"
            "    try:\n        call()\n"
            "    except hardy.Error as e:\n        assert e.message\n"
            "    else:\n        raise SystemExit(1)\n"
            "print('alive')")
    done = subprocess.run([sys.executable, "-c", code, str(Path(hardy.__file__).parent.parent)],
                          capture_output=True, text=True)
    assert done.stdout == "alive\n", done.stderr
