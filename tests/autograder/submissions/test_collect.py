"""Nothing that was handed in is lost on the way into the course."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.results import Rejected
from autograder.submissions import placing, unpacking
from autograder.submissions.collect import collect
from autograder.submissions.collected import Collected
from autograder.submissions.intake import read_submission
from gradekit.notebook import Submission
from tests.autograder.submissions.test_intake import text_of
from tests.autograder.tinycourse import NAME

IPYNB = f"{NAME}.ipynb"
GOOD = text_of("def mean(v): ...").encode()
BETTER = text_of("better").encode()


def zip_of(entries: dict[str, bytes]) -> bytes:
    """A zip file; a name with / at its end is an empty folder."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def spoilt(content: bytes, name: str) -> bytes:
    """The same zip file with a changed byte at the end of an entry: its checksum is wrong."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = archive.getinfo(name)
    at = info.header_offset + 30 + len(name) + info.file_size - 3
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


class Class:
    """A course, and downloads on their way into it."""

    def __init__(self, root: Path, assignment: Assignment) -> None:
        self.root, self.assignment = root, assignment
        self.course = Course(root / "course")
        self.count = 0

    def collect(self, content: bytes | dict[str, bytes], *, folder: bool = False) -> Collected:
        self.count += 1
        source = self.root / f"download-{self.count}"
        if folder:
            assert isinstance(content, dict)
            for name, data in content.items():
                path = source / name
                if name.endswith("/"):
                    path.mkdir(parents=True)
                else:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
        else:
            source.write_bytes(content if isinstance(content, bytes) else zip_of(content))
        return collect(source, self.course, self.assignment)

    def taken(self, student: str) -> Submission | Rejected:
        return read_submission(self.course, self.assignment, student)

    def answer(self, student: str = "ada") -> str:
        taken = self.taken(student)
        assert isinstance(taken, Submission), taken
        return taken.answers["q1_mean"]

    def reason(self, student: str) -> str:
        taken = self.taken(student)
        assert isinstance(taken, Rejected)
        return f"{taken.outcome}: {taken.reason}"

    def history(self) -> dict[str, bytes]:
        folder = self.course.root / "history"
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def pupils(tmp_path: Path, assignment: Assignment) -> Class:
    return Class(tmp_path, assignment)


BEN = {f"ben/{IPYNB}": GOOD}
BAD = {
    "no JSON": b"{",
    "empty": b"",
    "another assignment's": json.dumps({"cells": []}).encode(),
    "too large": b" " * 20_000_001,
}


@pytest.mark.parametrize("folder", [True, False])
@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read_replaces_nothing(kind: str, folder: bool, pupils: Class) -> None:
    pupils.collect({f"ada/{IPYNB}": GOOD, **BEN}, folder=folder)
    for _ in range(2):  # the second time it is known already
        done = pupils.collect({f"ada/{IPYNB}": BAD[kind], **BEN}, folder=folder)
        assert pupils.answer() == "def mean(v): ..."
        assert done.taken == {"ada": "earlier work stays", "ben": "unchanged"}
        assert "ada" in done.unreadable
        assert any(fate.attention and fate.student == "ada" for fate in done.fates) or done.skipped
    kept = {name for name in pupils.history() if name.startswith(f"ada/{NAME}/")}
    assert len(kept) == 1


def test_a_damaged_entry_replaces_nothing(pupils: Class) -> None:
    good = {f"ada/{IPYNB}": GOOD, **BEN}
    pupils.collect(good)
    later = spoilt(zip_of({f"ada/{IPYNB}": BETTER, **BEN}), f"ada/{IPYNB}")
    done = pupils.collect(later)
    assert pupils.answer() == "def mean(v): ..."
    assert done.taken["ada"] == "earlier work stays"
    assert any("damaged (its checksum is wrong)" in line for line in done.skipped)


def test_a_damaged_entry_is_kept_where_there_is_nothing_else(pupils: Class) -> None:
    content = spoilt(zip_of({f"ada/{IPYNB}": GOOD, **BEN}), f"ada/{IPYNB}")
    pupils.collect(content)
    assert pupils.reason("ada").startswith("unreadable: damaged (its checksum is wrong)")
    assert (pupils.course.submitted / "ada" / NAME / f"{IPYNB}.damaged").is_file()
    done = pupils.collect({f"ada/{IPYNB}": GOOD, **BEN})
    assert pupils.answer() == "def mean(v): ..."
    assert done.taken["ada"] == "replaced"


def test_what_is_replaced_is_kept(pupils: Class) -> None:
    pupils.collect({f"ada/{IPYNB}": GOOD, "ada/old.py": b"old", **BEN})
    done = pupils.collect({f"ada/{IPYNB}": BETTER, **BEN})
    assert pupils.answer() == "better"
    assert sorted(Path(name).name for name in pupils.history()) == ["old.py", IPYNB]
    assert GOOD in pupils.history().values()
    (fate,) = [fate for fate in done.fates if fate.student == "ada"]
    assert fate.became == "replaced"
    assert fate.reason.startswith(f"the earlier one lies in history/ada/{NAME}/")


def test_unchanged_work_stays_as_it_is(pupils: Class) -> None:
    content = {f"ada/{IPYNB}": GOOD, "ada/helper.py": b"x = 1"}
    pupils.collect(content)
    path = pupils.course.submitted / "ada" / NAME / IPYNB
    before = path.stat()
    done = pupils.collect(content, folder=True)
    assert path.stat() == before
    assert {fate.became for fate in done.fates} == {"unchanged"}
    assert pupils.history() == {}


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_grader_that_is_killed_in_between_is_finished(
    step: int, pupils: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    pupils.collect({f"ada/{IPYNB}": GOOD})
    renamed, calls = os.rename, []

    class Killed(BaseException):
        pass

    def rename(*paths: Path) -> None:
        calls.append(paths)
        if len(calls) == step:
            raise Killed
        renamed(*paths)

    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(placing, "discard", lambda *_: None)  # nor is anything tidied up
    with pytest.raises(Killed):
        pupils.collect({f"ada/{IPYNB}": BETTER})
    monkeypatch.undo()
    placing.finish(pupils.course)
    assert pupils.answer() == ("def mean(v): ..." if step == 1 else "better")
    assert not (pupils.course.root / "incoming").exists()
    assert [*pupils.history().values()] == ([] if step == 1 else [GOOD])


def test_what_others_leave_in_incoming_stops_nothing(pupils: Class) -> None:
    """A file browser writes its files into every folder that somebody looks into."""
    ready = pupils.course.root / "incoming" / "ada" / NAME
    ready.mkdir(parents=True)
    (ready / IPYNB).write_bytes(BETTER)
    for folder in (ready.parent, ready.parent.parent):
        (folder / ".DS_Store").write_bytes(b"x")
    (ready.parent.parent / "bob").symlink_to(pupils.root)
    pupils.collect({f"eve/{IPYNB}": GOOD})
    assert pupils.answer() == "better"
    assert sorted(p.name for p in (pupils.course.root / "submitted").iterdir()) == ["ada", "eve"]


ROWS = {
    "pdf/proof.pdf": "missing: found proof.pdf, wanted ps0_tiny.ipynb",
    "text/ps0_tiny.ipynb.txt": "missing: found ps0_tiny.ipynb.txt, wanted ps0_tiny.ipynb",
    "nothing/": "missing: found nothing, wanted ps0_tiny.ipynb",
    "inner/folder/": "missing: found nothing, wanted ps0_tiny.ipynb",
    "other/ps9.ipynb": "unreadable: none of the answer cells of ps0_tiny is in it; is it another "
    "assignment's notebook?",
}


@pytest.mark.parametrize("wrapped", ["", "class/"])
@pytest.mark.parametrize("folder", [True, False])
def test_who_handed_in_no_notebook_has_a_row_with_the_reason(
    folder: bool, wrapped: str, pupils: Class
) -> None:
    other = json.dumps({"cells": []}).encode()
    content = {wrapped + name: other if "ps9" in name else b"x" for name in ROWS}
    done = pupils.collect({**content, f"{wrapped}ada/{IPYNB}": GOOD}, folder=folder)
    assert done.students == {"ada", *(name.split("/")[0] for name in ROWS)}
    assert {name: pupils.reason(name.split("/")[0]) for name in ROWS} == ROWS


@pytest.mark.parametrize("name", [f"ada_{NAME}.pdf", f"ada_{NAME}.ipynb.txt", "ada.ipynb.txt"])
def test_flat_files_that_are_no_notebooks_have_rows_too(name: str, pupils: Class) -> None:
    done = pupils.collect({name: b"x", "ben.ipynb": GOOD, "readme.txt": b"x"})
    assert done.students == {"ada", "ben"}
    assert pupils.reason("ada").startswith("missing: found ")
    assert done.skipped == ["readme.txt: not a notebook"]


ONE = {
    "a student's folder": {f"ada/{IPYNB}": GOOD},
    "with a file beside": {f"ada/{IPYNB}": GOOD, "ada/helper.py": b"x"},
    "under another name": {"ada/my work.ipynb": GOOD},
    "with the assignment's folder": {f"ada/{NAME}/{IPYNB}": GOOD},
    "a wrapped folder": {f"class/ada/{IPYNB}": GOOD},
    "wrapped twice": {f"autumn/class/ada/{IPYNB}": GOOD},
    "wrapped, with the assignment's folder": {f"class/ada/{NAME}/{IPYNB}": GOOD},
    "wrapped and flat": {f"class/ada_{NAME}.ipynb": GOOD},
    "in a folder of the student's": {f"ada/{IPYNB}": GOOD, "ada/data/x.csv": b"1"},
    "a zip file of the student's": {"ada.zip": zip_of({IPYNB: GOOD})},
    "a zip file in the student's folder": {"ada/work.zip": zip_of({f"work/{IPYNB}": GOOD}), **BEN},
    "a zip file in a wrapped folder": {
        "class/ada.zip": zip_of({IPYNB: GOOD}),
        f"class/ben/{IPYNB}": GOOD,
    },
    "a zip file that holds all": {"all.zip": zip_of({f"ada/{IPYNB}": GOOD, **BEN})},
}


@pytest.mark.parametrize("folder", [True, False])
@pytest.mark.parametrize("shape", ONE)
def test_whose_work_it_is_does_not_depend_on_how_many_there_are(
    shape: str, folder: bool, pupils: Class
) -> None:
    done = pupils.collect(ONE[shape], folder=folder)
    assert done.students - {"ben"} == {"ada"}, done.fates
    assert pupils.answer() == "def mean(v): ..."


def test_files_beside_a_notebook_come_along(pupils: Class) -> None:
    done = pupils.collect(
        {
            f"ada/{IPYNB}": GOOD,
            "ada/helper.py": b"two = 2",
            "ada/data/points.csv": b"1,2",
            "ada/.DS_Store": b"x",
            "__MACOSX/ada/._x": b"x",
            "ada/deep/old.ipynb": GOOD,
            "ada/bad\u202ename.txt": b"x",
        }
    )
    taken = pupils.taken("ada")
    assert isinstance(taken, Submission)
    assert set(taken.files) == {"helper.py", "data/points.csv"}
    became = {fate.file: (fate.became, fate.attention) for fate in done.fates}
    assert became == {
        f"ada/{IPYNB}": ("notebook", False),
        "ada/helper.py": ("beside", False),
        "ada/data/points.csv": ("beside", False),
        "ada/.DS_Store": ("skipped", False),
        "__MACOSX/ada/._x": ("skipped", False),
        "ada/deep/old.ipynb": ("skipped", True),
        "ada/bad\ufffdname.txt": ("skipped", True),
    }


def test_a_file_over_the_limit_for_code_is_kept(pupils: Class) -> None:
    pupils.collect({f"ada/{IPYNB}": GOOD, "ada/proof.pdf": os.urandom(5_000_001)})
    taken = pupils.taken("ada")
    assert isinstance(taken, Submission)
    assert (taken.files, taken.left_out) == ({}, ("proof.pdf",))
    assert (pupils.course.submitted / "ada" / NAME / "proof.pdf").is_file()


def test_zip_files_inside_zip_files_share_the_limits(
    pupils: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = zip_of({f"f{number}": b"x" for number in range(8)})
    monkeypatch.setattr(unpacking, "MAX_ENTRIES", 20)
    content = {f"ada/{IPYNB}": GOOD, "ada/one.zip": inner, "ada/two.zip": inner}
    with pytest.raises(Exception, match="more than 20 entries"):
        pupils.collect({**content, "ada/three.zip": inner})
    pupils.collect(content)
    monkeypatch.setattr(unpacking, "_MAX_TOTAL", len(GOOD) + len(inner) + 10)
    with pytest.raises(Exception, match="unpacks to more than"):
        pupils.collect(content)


def test_zip_files_inside_one_another_end(pupils: Class) -> None:
    content = zip_of({"x.txt": b"x"})
    for _ in range(20):
        content = zip_of({"a.zip": content})
    done = pupils.collect({f"ada/{IPYNB}": GOOD, "ada/a.zip": content})
    assert pupils.answer() == "def mean(v): ..."
    assert len(done.fates) < 5


@pytest.mark.parametrize("folder", [True, False])
def test_what_lies_too_deep_is_told_how_deep_it_may_lie(pupils: Class, folder: bool) -> None:
    deepest = {f"ada/{IPYNB}": GOOD, "ada/a/b/c/x.csv": b"1"}  # four folders
    assert pupils.collect(deepest, folder=folder).skipped == []
    done = pupils.collect({**deepest, "ada/a/b/c/d/y.csv": b"1"}, folder=folder)
    assert done.skipped == ["ada/a/b/c/d/y.csv: more than 4 folders deep"]


@pytest.mark.parametrize("way", ["folder", "zip", "zip in a zip"])
@pytest.mark.parametrize("wrapped", ["", "Submissions/"])
def test_work_that_lies_too_deep_loses_nobody(wrapped: str, way: str, pupils: Class) -> None:
    """Who handed it in is in the course all the same, and the reason is the true one."""
    deep = f"homework/week 1/final/really/now/{IPYNB}"
    entries = {f"{wrapped}ben/{IPYNB}": GOOD}
    if way == "zip in a zip":
        entries[f"{wrapped}ada.zip"] = zip_of({deep: GOOD, f"__MACOSX/{deep}": b"x"})
    else:
        entries[f"{wrapped}ada/{deep}"] = GOOD
    done = pupils.collect(entries, folder=way == "folder")
    (line,) = [fate for fate in done.fates if fate.attention]
    assert (line.became, line.reason) == ("skipped", "more than 4 folders deep")
    assert done.students == {"ada", "ben"}
    assert pupils.reason("ada").startswith("missing: found nothing")


def test_a_zip_file_inside_points_nowhere_else(pupils: Class, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    evil = {"../../evil.py": b"x", "/evil.py": b"x", link: b"/etc/passwd"}
    done = pupils.collect({f"ada/{IPYNB}": GOOD, "ada/in.zip": zip_of(evil)})  # type: ignore[arg-type]
    assert [line.rsplit(": ", 1)[1] for line in done.skipped] == ["not a plain file"] * 3
    assert not list(tmp_path.rglob("evil*"))


def test_a_course_made_by_hand_is_replaced_whatever_it_is(pupils: Class, tmp_path: Path) -> None:
    """Links in it are moved, not followed."""
    pupils.collect(BEN)
    other = tmp_path / "other"
    other.mkdir()
    target = pupils.course.submitted / "ben" / NAME
    shutil.rmtree(target)
    target.mkdir()
    (target / IPYNB).symlink_to(other)
    pupils.collect(BEN)
    assert pupils.answer("ben") == "def mean(v): ..."
    assert list(other.iterdir()) == []
