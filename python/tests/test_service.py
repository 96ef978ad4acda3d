"""hardy.Client against the real service, hardy.extract against real recordings."""

import contextlib
import os
import socket
import subprocess
import time
import wave
from pathlib import Path

import numpy as np
import pytest

import hardy

PROGRAM = os.environ.get("HARDY_PROGRAM")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="HARDY_PROGRAM is not set")


@contextlib.contextmanager
def serving(file, *options):
    """A client of a service of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    service = subprocess.Popen([PROGRAM, "serve", file, "--port", str(port), "--quiet", *options])
    found = hardy.Client(f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 60
    while not found.health() and time.monotonic() < deadline:
        time.sleep(0.05)
    yield found
    service.terminate()
    assert service.wait(timeout=60) == 0


@pytest.fixture(scope="module")
def client(model):
    with serving(model.file) as found:
        yield found


def same(found, expected):
    assert list(found.labels) == list(expected.labels)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)
    np.testing.assert_allclose(found.confidence, expected.confidence, atol=1e-5)
    np.testing.assert_array_equal(found.used, expected.used)
    np.testing.assert_array_equal(found.limited, expected.limited)


def test_the_client_describes_the_model(client, model):
    assert client.health()
    assert client.classes == model.classes
    assert client.modalities == model.modalities


def test_the_client_gives_what_the_model_gives(client, model, features):
    features[model.modalities[1].name][2] = np.nan
    same(client.predict(features), model.predict(features))
    dialogue, speaker = list("aaabbb"), list("PQPQPQ")
    same(client.predict(features, dialogue=dialogue, speaker=speaker),
         model.predict(features, dialogue=dialogue, speaker=speaker))
    first = model.modalities[0].name
    same(client.predict(features, available=first), model.predict(features, available=first))
    one = client.predict({m: x[0] for m, x in features.items()})
    assert one.label == model.predict({m: x[0] for m, x in features.items()}).label
    assert one[one.label] == pytest.approx(one.probabilities.max())


def test_the_client_gives_the_sets_of_the_model(client, model, features):
    found = client.predict(features, coverage=0.5)
    expected = model.predict(features, coverage=0.5)
    np.testing.assert_array_equal(found.sets, expected.sets)
    np.testing.assert_array_equal(found.promised, expected.promised)
    assert [p.set for p in found] == [p.set for p in expected]
    one = {m: x[0] for m, x in features.items()}
    assert client.predict(one, coverage=0.5).set == expected[0].set
    assert client.predict(features).sets is None
    with pytest.raises(hardy.DataError, match="422.*coverage"):
        client.predict(features, coverage=0.999999)


def test_recordings_need_a_service_for_them(client, tmp_path):
    recording = tmp_path / "clip.wav"
    recording.write_bytes(b"RIFF")
    with pytest.raises(hardy.Error, match="501.*--media"):
        client.media(recording, cut="auto")
    with pytest.raises(hardy.IoError, match="none.wav"):
        client.media(tmp_path / "none.wav")


def test_many_utterances_are_divided_between_requests_at_dialogues(client, model):
    rng = np.random.default_rng(9)
    rows = 450
    x = {m.name: rng.normal(size=(rows, m.width)).astype(np.float32) for m in model.modalities}
    names = np.repeat(np.arange(rows // 9), 9)
    same(client.predict(x, dialogue=names), model.predict(x, dialogue=names))
    same(client.predict(x), model.predict(x))


def test_dialogues_and_explanations(client, model, features):
    with client.stream() as remote, model.stream() as local:
        for i in range(4):
            turn = {m: x[i] for m, x in features.items()}
            np.testing.assert_allclose(remote.add(turn, speaker="AB"[i % 2]).probabilities,
                                       local.add(turn, speaker="AB"[i % 2]).probabilities, atol=1e-5)
        assert len(remote) == 4
    found = client.explain(features, utterance=1)
    expected = model.explain(features, utterance=1)
    assert found["contributions"] == pytest.approx(expected.contributions, abs=1e-5)
    with pytest.raises(hardy.ArtifactError, match="404"):
        remote.add(turn)


def test_refusals_are_of_the_hierarchy(client, model, features):
    first = model.modalities[0].name
    with pytest.raises(hardy.DataError, match=f"422.*{first}"):
        client.predict({first: features[first][0, :-1]})
    with pytest.raises(hardy.DataError):
        client.predict({first: None})
    with pytest.raises(hardy.DataError, match="no array"):
        client.predict({first: "text"})
    with pytest.raises(hardy.ConfigError, match="http://"):
        hardy.Client("127.0.0.1:1")
    with pytest.raises(hardy.IoError, match="running"):
        hardy.Client("http://127.0.0.1:9").predict(features)


CLIPS = Path(os.environ.get("HARDY_SHARED", "/nonexistent")) / "data" / "clips"


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the clips are not there")
def test_recordings_become_a_corpus(tmp_path):
    names = sorted((CLIPS / "clips").glob("dia1*.mp4"), key=lambda f: f.stat().st_size)[:2]
    table = tmp_path / "table.csv"
    table.write_text("media,id,speaker,text,label\n" + "".join(
        f"{name},{name.stem},S{i},well that is good,joy{i}\n" for i, name in enumerate(names)))
    try:
        corpus = hardy.extract(table, only=["audio", "text"], jobs=1, cache="")
    except hardy.Error as error:
        if "hardy-extractor" in str(error):
            pytest.skip("built without recordings (HARDY_MEDIA=OFF)")
        raise
    assert len(corpus) == 2
    assert {m.name for m in corpus.modalities} == {"acoustic", "textual"}
    assert corpus.present("textual").all() and corpus.present("acoustic").all()
    frame = corpus.to_pandas(features=True)
    assert list(frame.label) == ["joy0", "joy1"] and list(frame.speaker) == ["S0", "S1"]
    assert np.isfinite(corpus.features("acoustic")).all() and corpus.features("acoustic").std() > 0


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the clips are not there")
def test_what_cannot_be_extracted_is_refused(tmp_path):
    with pytest.raises(hardy.Error, match="nothing.mp4"):
        hardy.extract(tmp_path / "nothing.mp4")
    with pytest.raises(hardy.ConfigError):
        hardy.extract([])


def write_tone(file, hertz, seconds=1.5):
    rate = 16000
    time_s = np.arange(int(rate * seconds)) / rate
    samples = 0.4 * np.sin(2 * np.pi * hertz * time_s) * (1 + 0.3 * np.sin(2 * np.pi * 3 * time_s))
    with wave.open(str(file), "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes((samples * 32767).astype("<i2").tobytes())


def test_a_recording_is_recognised_by_the_service_as_by_the_model(tmp_path):
    rows = []
    for i in range(8):
        write_tone(tmp_path / f"r{i}.wav", 120 + 20 * i + 200 * (i % 2))
        rows.append(f"r{i}.wav,u{i},S{i},{'low high'.split()[i % 2]}")
    (tmp_path / "table.csv").write_text("media,id,speaker,label\n" + "\n".join(rows) + "\n")
    try:
        corpus = hardy.extract(tmp_path / "table.csv", only="audio", jobs=1, cache="")
    except hardy.Error as error:
        if "hardy-extractor" in str(error):
            pytest.skip("built without recordings (HARDY_MEDIA=OFF)")
        raise
    run = hardy.run(corpus, method="early_linear", out=tmp_path / "run", jobs=1,
                    config={"preset": "quick", "protocol.folds": 2, "protocol.tracks": "unified"})
    model = run.model()
    with serving(model.file, "--media") as client:
        answer = client.media(tmp_path / "r3.wav", cut="whole", features=True)
        found, = answer["predictions"]
        expected = model.predict({"acoustic": corpus.features("acoustic")[3]})
        assert found["label"] == expected.label
        assert found["probabilities"][found["label"]] == pytest.approx(expected.confidence, abs=1e-4)
        with pytest.raises(hardy.DataError, match="422"):
            client.media(tmp_path / "table.csv")
