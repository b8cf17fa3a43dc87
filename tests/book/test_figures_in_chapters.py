"""Figures of the scoreboard that a chapter repeats are those that its experiments have stored.

A chapter writes them as `ON_MNIST = {"codes-pca": 13.87, ...}`, by the names of the experiments.
"""

from __future__ import annotations

import ast
import json
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STORED = ROOT / "book" / "results" / "experiments"
REPEATED = {
    path.stem: found[1]
    for path in sorted((ROOT / "lectures").glob("*.md"))
    if (found := re.search(r"^ON_MNIST = (\{.*?\})", path.read_text("utf-8"), re.M | re.S))
}


def test_some_chapter_repeats_figures():
    assert "03_pca" in REPEATED


@pytest.mark.parametrize("chapter", REPEATED)
def test_repeated_figures_are_the_means_over_the_stored_runs(chapter):
    written = ast.literal_eval(REPEATED[chapter])
    stored = {}
    for name in written:
        runs = json.loads((STORED / f"{name}.json").read_text("utf-8"))["runs"]
        stored[name] = round(statistics.mean(run["value"] for run in runs), 2)
    assert written == stored
