"""Trained models in PyTorch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch (python3-torch) is not installed: hardy.torch is not tested")

import hardy  # noqa: E402

TOLERANCE = 1e-5


@pytest.fixture(scope="module", params=["hardymer", "modality_dropout", "context", "crossfit"])
def trained(request, run, corpus, tmp_path_factory):
    if request.param == "hardymer":
        return run.model()
    folder = tmp_path_factory.mktemp(request.param) / "run"
    return hardy.run(corpus, method=request.param, out=folder,
                     config={"preset": "quick", "protocol.tracks": "unified",
                             "protocol.folds": 2}).model()


def some(model, rows=21):
    """Features with absent modalities, dialogues of several lengths, known and unknown speakers."""
    rng = np.random.default_rng(3)
    x = {m.name: rng.normal(size=(rows, m.width)).astype(np.float32) * 2 for m in model.modalities}
    for m in list(x)[1:]:
        x[m][rng.random(rows) < 0.4] = np.nan
    speakers = [["P", "Q", None][i] for i in rng.integers(0, 3, rows)]
    return x, ["a"] * 4 + ["b"] + ["c"] * (rows - 5), speakers


def test_the_numbers_are_the_models(trained):
    x, dialogues, speakers = some(trained)
    module = hardy.torch_module(trained)
    for dialogue, speaker in ((dialogues, speakers), (dialogues, None), (None, None)):
        expected = trained.predict(x, dialogue=dialogue, speaker=speaker).logits
        np.testing.assert_allclose(module.predict(x, dialogue, speaker).numpy(), expected,
                                   rtol=TOLERANCE, atol=TOLERANCE)


def test_a_loader_gives_packed_dialogues(trained, corpus):
    dataset = hardy.torch.Dialogues(corpus)
    loader = torch.utils.data.DataLoader(dataset, batch_size=5, collate_fn=hardy.torch.collate)
    module = hardy.torch_module(trained).eval()
    found = []
    with torch.no_grad():
        for batch in loader:
            found.append(module(batch)[batch.mask].numpy())
            assert (batch.labels[~batch.mask] == -100).all()
    expected = trained.predict(corpus).logits
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=TOLERANCE, atol=TOLERANCE)


def test_it_trains_further(trained, corpus):
    batch = hardy.torch.collate([hardy.torch.Dialogues(corpus)[i] for i in range(4)])
    module = hardy.torch_module(trained)
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-3)
    losses = []
    for _ in range(8):
        logits = module(batch)
        loss = torch.nn.functional.cross_entropy(logits[batch.mask], batch.labels[batch.mask])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in module.parameters())


def test_other_methods_are_refused_by_name(corpus, tmp_path):
    done = hardy.run(corpus, method="majority", out=tmp_path / "r",
                     config={"preset": "quick", "protocol.tracks": "unified"})
    with pytest.raises(hardy.ConfigError, match="majority.*hardymer"):
        hardy.torch_module(done.model())
