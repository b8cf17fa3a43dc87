"""Which files beside a notebook go with it."""

from __future__ import annotations

import base64
import os
import unicodedata
from pathlib import Path

import pytest

from gradekit.notebook import Submission, beside, with_files
from gradekit.notebook.beside import find_beside, safe_path


def put(folder: Path, name: str, content: bytes = b"x") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_files_of_all_kinds_are_found_also_in_folders(tmp_path: Path) -> None:
    for name in ("helper.py", "data/points.csv", "proof.pdf", "a b (1).PNG", "package/__init__.py"):
        put(tmp_path, name, name.encode())
    found = find_beside(tmp_path)
    assert found.left_out == ()
    assert found.files == {name: name.encode() for name in sorted(found.files)}
    assert len(found.files) == 5


def test_notebooks_and_what_programs_leave_are_passed_over(tmp_path: Path) -> None:
    names = ("ps.ipynb", "other.IPYNB", ".DS_Store", ".git/config", "__pycache__/a.pyc", "b.pyc")
    for name in names:
        put(tmp_path, name)
    assert find_beside(tmp_path) == beside.Beside({}, ())


def test_what_is_no_file_or_has_no_name_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "good.txt")
    (tmp_path / "link.txt").symlink_to("good.txt")
    (tmp_path / "folder").symlink_to("/etc")
    (tmp_path / "twin.txt").hardlink_to(_other(tmp_path))
    os.mkfifo(tmp_path / "pipe.txt")
    for name in ("bad\nname.txt", "<b>.txt", "con.txt", "-rf", "a\u202eb.txt"):
        put(tmp_path, name)
    put(tmp_path, "1/2/3/4/deep.txt")
    found = find_beside(tmp_path)
    assert set(found.files) == {"good.txt"}
    reasons = dict(found.left_out)
    assert all(text.isprintable() for pair in found.left_out for text in pair)
    assert reasons["link.txt"] == "link.txt is a link, not a file"
    assert reasons["folder"] == "folder is a link, not a file"
    assert reasons["pipe.txt"] == "pipe.txt is not a regular file"
    assert reasons["twin.txt"].startswith("twin.txt is a hard link")
    assert reasons["1/2/3/4"] == "4 is not a regular file"
    assert list(reasons.values()).count("its name can't be used") == 5


def _other(tmp_path: Path) -> Path:
    path = tmp_path.parent / "elsewhere.txt"
    path.write_text("someone's", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "path", ["../a", "/a", "a//b", "a/../b", "", ".", "a/./b", "a/b/c/d/e", "c:a", "a\\b", "nul"]
)
def test_a_path_that_leads_elsewhere_is_not_safe(path: str) -> None:
    assert not safe_path(path)


def test_over_a_limit_what_the_notebook_mentions_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        put(tmp_path, f"f{number:02}.txt")
    put(tmp_path, "zebra.py")
    found = find_beside(tmp_path, mentioned="import zebra")
    assert len(found.files) == 50
    assert "zebra.py" in found.files
    assert "f49.txt" not in found.files
    assert {reason for _, reason in found.left_out} == {"more than 50 files"}
    monkeypatch.setattr(beside, "MAX_BYTES", 3)
    monkeypatch.setattr(beside, "MAX_TOTAL", 5)
    put(tmp_path, "big.txt", b"1234")
    put(tmp_path, "f00.txt", b"123")
    put(tmp_path, "f01.txt", b"123")
    reasons = dict(find_beside(tmp_path, mentioned="zebra f00 f01 big").left_out)
    assert reasons["big.txt"] == "larger than 0 MB"
    assert reasons["f01.txt"] == "all files together are larger than 0 MB"


def test_only_so_many_files_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_SCANNED", 3)
    for number in range(9):
        put(tmp_path, f"f{number}.txt")
    found = find_beside(tmp_path)
    assert len(found.files) == 3
    assert found.left_out == (("f3.txt", "not among the first 3 files"),)


def test_a_name_has_one_spelling(tmp_path: Path) -> None:
    put(tmp_path, unicodedata.normalize("NFD", "Müller.csv"))
    assert set(find_beside(tmp_path).files) == {"Müller.csv"}
    put(tmp_path, "Müller.csv", b"other")
    found = find_beside(tmp_path)
    assert len(found.files) == 1
    assert "same name but for its spelling" in found.left_out[0][1]


def test_a_submission_gets_its_files_and_notes(tmp_path: Path) -> None:
    put(tmp_path, "helper.py", b"two = 2")
    put(tmp_path, "random.py")
    put(tmp_path, "large.bin", b"0" * 5_000_001)
    taken = with_files(Submission("ada", "ps", {"q1": "import helper"}, notes=("first",)), tmp_path)
    assert base64.b64decode(taken.files["helper.py"]) == b"two = 2"
    assert taken.left_out == ("large.bin",)
    assert taken.notes == (
        "first",
        "large.bin beside the notebook was left out: larger than 5 MB",
        "random.py has the name of a module that was there before: that one is imported; "
        "rename yours",
    )
    for number in range(4):
        put(tmp_path, f"<{number}>")
    taken = with_files(Submission("ada", "ps", {}), tmp_path)
    assert taken.notes[0].startswith("5 files beside the notebook were left out, as <0>, <1>, <2>")
