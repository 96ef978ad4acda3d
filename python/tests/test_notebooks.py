"""Executes the notebooks of docs/notebooks, cell by cell, each in a process of its own.

A runner of our own: Debian's nbclient brings 32 packages, and nothing here needs a kernel.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hardy

pytest.importorskip("matplotlib")
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

# The last expression of a cell is shown as a notebook would show it.
RUNNER = """
import ast, json, sys
sys.path.insert(0, sys.argv[2])
import matplotlib
matplotlib.use("Agg")
space = {"__name__": "__main__"}
for number, cell in enumerate(json.load(open(sys.argv[1], encoding="utf-8"))["cells"]):
    if cell["cell_type"] != "code":
        continue
    tree = ast.parse("".join(cell["source"]), f"cell {number}")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, f"cell {number}", "exec"), space)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), space)
        shown = value._repr_html_() if hasattr(value, "_repr_html_") else repr(value)
        assert value is None or shown
print("figures", len(sys.modules["matplotlib.pyplot"].get_fignums())
      if "matplotlib.pyplot" in sys.modules else 0)
"""


def test_there_are_notebooks_without_stored_results():
    assert len(NOTEBOOKS) == 5
    for file in NOTEBOOKS:
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs") and not cell.get("execution_count"), file.name


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_a_notebook_runs(file, tmp_path):
    if file.stem == "deploy" and "HARDY_PROGRAM" not in os.environ:
        pytest.skip("HARDY_PROGRAM is not set")
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(file), str(Path(hardy.__file__).parent.parent)],
        cwd=tmp_path, capture_output=True, text=True, timeout=500,
        env={**os.environ, "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr[-3000:]
    if file.stem not in ("deploy", "my_own_features"):
        assert "figures 1" in done.stdout
