"""Settings as typed classes: what they read, refuse and hand on."""

import numpy as np
import pytest

import hardy
from hardy.settings import Settings, assignments_of


def test_what_is_not_set_reads_as_the_preset_has_it():
    default, quick = Settings(), Settings(preset="quick")
    assert quick.hardymer.recogniser.pattern_epochs < default.hardymer.recogniser.pattern_epochs
    assert "pattern_epochs = " + str(quick.hardymer.recogniser.pattern_epochs) in toml(quick)
    quick.hardymer.retrieval.k = np.int64(7)
    assert quick.hardymer.retrieval.k == 7 and quick.assignments()[-1] == "hardymer.retrieval.k=7"
    assert default.hardymer.retrieval.k == Settings().hardymer.retrieval.k != 7


def toml(settings):
    from hardy import _data

    return _data.settings_toml(*assignments_of(settings))


def test_names_complete_and_explain_themselves():
    assert "retrieval" in dir(Settings().hardymer) and "k" in dir(Settings().hardymer.retrieval)
    assert "hardymer.retrieval.k" in type(Settings().hardymer.retrieval).help("k")
    with pytest.raises(hardy.ConfigError, match="retrieval"):
        Settings().hardymer.retrievel = {}
    with pytest.raises(hardy.ConfigError, match="run.seeds"):
        assignments_of({"run": {"sedes": [1]}})
    with pytest.raises(hardy.ConfigError, match="nothing"):
        assignments_of({"nothing.at.all": 1})
    with pytest.raises(hardy.ConfigError, match="mapping"):
        assignments_of(3)


@pytest.mark.parametrize("key, value", [
    ("run.seeds", [1.5]), ("run.seeds", ["a"]), ("run.jobs", 1.5), ("run.jobs", None),
    ("run.jobs", True), ("run.jobs", -1), ("run.jobs", "many"), ("run.device", "tpu"),
    ("run.device", 3), ("hardymer.retrieval.k", 0), ("protocol.tracks", ["unified"]),
    ("preset", "quickly"), ("protocol.conditions", ["a", "t"])])
def test_a_value_of_another_type_or_out_of_range_is_refused_at_once(key, value):
    with pytest.raises(hardy.ConfigError):
        assignments_of({key: value})


def test_seeds_are_whole_numbers(tmp_path):
    for seeds in ([1.7], ["x"], None, 1.0):
        with pytest.raises(hardy.ConfigError, match="whole"):
            hardy.run("", seeds=seeds, out=tmp_path / "r")
    assert not (tmp_path / "r").exists()
    assert assignments_of({"run.seeds": range(3)}) == ("default", ["run.seeds=[0, 1, 2]"])
