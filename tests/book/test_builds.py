"""Tiny books with the real configuration: what must build builds, what must fail fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

import replearn
from autograder.dependencies import Sources
from replearn.comparison import Row, Score
from replearn_book import cache

pytestmark = pytest.mark.long

CLAIM = """
```{prf:theorem} Counting
:label: thm-counting

One and one is $1 + 1 = 2$.
```

```{prf:proof}
By definition.
```
"""
CLAIM_TEST = """\
import pytest


@pytest.mark.claim("thm-counting")
def test_counting():
    assert 1 + 1 == 2
"""


def cell(code: str) -> str:
    return f"\n```{{code-cell}} ipython3\n{code}\n```\n"


def row(method: str, data: str = "digits 8x8") -> Row:
    score = Score(0.5, 0.01)
    return Row(method, "lectures/01_tiny", data, 3, 1.25, 0.0, score, score, score)


def shows(rows: list[Row]) -> str:
    """A cell that shows the rows as a chapter does, without the time that measuring takes."""
    data = {"rows": [asdict(r) for r in rows]}
    return cell(
        f"from replearn.comparison import rows_from_data, table\ntable(rows_from_data({data!r}))"
    )


def reread(result: subprocess.CompletedProcess[str]) -> str:
    """Which pages Sphinx says it has read."""
    return " ".join(re.findall(r"updating environment: *(.*)", result.stdout))


def test_a_sound_book_builds_and_runs_a_chapter_only_when_its_code_changes(tiny_book, build):
    ran = "open('../ran', 'a').write('x')"
    book = tiny_book(CLAIM + cell(ran) + shows([row("PCA")]), claim_tests=CLAIM_TEST)

    first = build(book)
    assert first.returncode == 0, first.stdout
    chapter = (book / "_build/html/lectures/01_tiny.html").read_text()
    assert 'href="../book/claims.html#claim-test-counting"' in chapter
    tests = (book / "_build/html/book/claims.html").read_text()
    assert 'id="claim-test-counting"' in tests
    assert "lectures/01_tiny.html#thm-counting" in tests
    comparison = (book / "_build/html/book/comparison.html").read_text()
    assert '<a href="../lectures/01_tiny.html">PCA</a>' in comparison
    assert "Measured on digits 8x8" in comparison

    second = build(book)
    assert second.returncode == 0
    assert "nothing changed" in second.stdout

    page = book / "lectures/01_tiny.md"
    date = page.stat().st_mtime
    page.write_text(page.read_text() + "\nMore prose.\n")
    os.utime(page, (date, date))  # as when it is copied with its date
    third = build(book)
    assert third.returncode == 0
    assert "nothing changed" not in third.stdout
    assert reread(third) == "0 added, 2 changed, 0 removed"  # the page, and that of the claims
    assert "More prose." in (book / "_build/html/lectures/01_tiny.html").read_text()
    assert (book / "_build/html/book/comparison.html").is_file()
    assert (book / "ran").read_text() == "x"

    config = book / "_config.yml"
    config.write_text(config.read_text() + "# one more comment\n")
    fourth = build(book)
    assert fourth.returncode == 0
    assert reread(fourth) == "[new config] 4 added, 0 changed, 0 removed"  # all of it

    (book / "requirements.txt").write_text("numpy==2.0\n")  # other packages: outputs may differ
    assert build(book).returncode == 0
    assert (book / "ran").read_text() == "xx"


def test_two_chapters_run_together_and_their_rows_meet_in_toc_order(tiny_book, build):
    book = tiny_book(shows([row("first")]), shows([row("second")]))
    result = build(book)
    assert result.returncode == 0, result.stdout
    assert "running 2 chapters, 2 at a time" in result.stdout
    comparison = (book / "_build/html/book/comparison.html").read_text()
    assert 0 < comparison.index(">first<") < comparison.index(">second<")
    assert comparison.count("<table") == 1


def test_a_kernel_that_does_not_start_is_left_to_the_build(
    header, tool, tmp_path, monkeypatch, capsys
):
    def dies(*_, **__):
        raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr("jupyter_cache.executors.utils.single_nb_execution", dies)
    chapter = tmp_path / "01_x.md"
    chapter.write_text(header + cell("1"))
    build = tool("build")
    done = build.run_chapter(chapter, tmp_path / "cache", 10, tmp_path)
    assert done == build.Ran("01_x.md", 0.0, False)
    assert "01_x.md: no kernel could be started (Kernel died" in capsys.readouterr().out


def warnings(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "WARNING" in line)


def line_of(path: Path, text: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_each_failing_chapter_runs_once_and_is_said_once_at_its_cell(tiny_book, build):
    counts = "open('../ran', 'a').write('x')"
    book = tiny_book(
        cell(f"{counts}\nraise RuntimeError('canary')"),
        "Prose.\n" + cell("one = 1") + cell(f"{counts}\none / 0"),
    )
    result = build(book)
    assert result.returncode == 1
    for name, code, error in (
        ("01_tiny", "open('../ran'", "RuntimeError: canary"),
        ("02_tiny", "open('../ran'", "ZeroDivisionError: division by zero"),
    ):
        line = line_of(book / f"lectures/{name}.md", code) - 1  # where the cell begins
        assert f"lectures/{name}.md:{line}: ERROR: a cell failed" in result.stdout
        assert result.stdout.count(f"\n{error}\n") == 1
    assert (book / "ran").read_text() == "xx"
    assert "error: the book was not built" in result.stdout
    assert "reading sources" not in result.stdout


def test_an_unresolved_reference_fails_the_build_again_and_again(tiny_book, build):
    book = tiny_book("See {ref}`nowhere`.\n")
    for _ in range(2):  # an incremental build would succeed the second time
        result = build(book)
        assert result.returncode == 1
        assert "undefined label: 'nowhere'" in warnings(result.stdout)


def test_a_warning_of_a_page_that_was_sound_comes_again_and_again(tiny_book, build):
    book = tiny_book("Prose.\n", "Prose.\n")
    assert build(book).returncode == 0
    page, other = book / "lectures/01_tiny.md", book / "lectures/02_tiny.md"
    page.write_text(page.read_text() + "```{image} none.svg\n```\n")
    assert build(book).returncode == 1
    other.write_text(other.read_text() + "More prose.\n")  # another page than the one that warns
    result = build(book)
    assert result.returncode == 1
    assert "has no alt text" in warnings(result.stdout)


def test_a_claim_without_a_test_fails_the_build(tiny_book, build):
    result = build(tiny_book(CLAIM))
    assert result.returncode == 1
    assert "theorem thm-counting has no test marked" in warnings(result.stdout)


FAULTY_TEX = r"""
An unknown macro, $1 + \foo$, in a sentence.

$$
a &= b \\
  &= \frac{1}{
$$

A dollar that is $\alpha alone.

```{exercise} Count
:label: ex-count

How many?
```

```{solution} ex-cuont
Two.
```

"""


@pytest.fixture(scope="module")
def report_on_many_faults(tiny_book_in, build, tmp_path_factory) -> str:
    book = tiny_book_in(
        tmp_path_factory.mktemp("faults"),
        "See [it](nowhere.md).\n\n"
        + FAULTY_TEX
        + "```{image} none.svg\n```\n\n"
        + cell("import matplotlib.pyplot as plt\nplt.plot([1, 2]);")
        + shows([row("PCA"), row("ICA", "MNIST")]),
        claim_tests=CLAIM_TEST,
    )
    result = build(book)
    assert result.returncode == 1
    return warnings(result.stdout)


@pytest.mark.parametrize(
    "message",
    [
        "'nowhere.md'",
        "the image lectures/none.svg has no alt text",
        "01_tiny.md:18: WARNING: the formula `1 + \\foo` can't be set: MathJax knows no",
        "01_tiny.md:22: WARNING: the formula `a &= b \\\\ &= \\frac{1}{` can't be set: `{`",
        "01_tiny.md:25: WARNING: TeX outside a formula: `$\\alpha`; do its dollar",
        "01_tiny.md:33: WARNING: a solution to the exercise 'ex-cuont', which no page has",
        "a cell shows a bare picture",
        "the rows of the comparison were measured on different data: MNIST, digits 8x8",
        "tests 'thm-counting', which no page states",
    ],
)
def test_each_of_many_faults_is_reported(report_on_many_faults, message):
    assert message in report_on_many_faults


def test_old_caches_are_removed_and_the_newest_kept(tmp_path):
    folders = [tmp_path / str(number) for number in range(5)]
    for number, folder in enumerate(folders):
        folder.mkdir()
        os.utime(folder, (number, number))
    cache.remove_old(folders[1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "3", "4"]


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A copy of the library that books use in place of the real one."""
    copy = tmp_path / "src" / "replearn"
    source = Path(replearn.__file__).parent
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    paths = [str(copy.parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    return copy


def comment_in(path):
    path.write_text(path.read_text(encoding="utf-8") + "# one more comment\n", encoding="utf-8")


def test_a_chapter_runs_again_when_what_it_imports_changes_and_only_then(tiny_book, build, library):
    book = tiny_book(
        cell("from replearn import folders\nopen('../ran', 'a').write('1')"),
        cell("open('../ran', 'a').write('2')"),
    )

    def ran():
        text = (book / "ran").read_text()
        (book / "ran").write_text("")
        return sorted(text)

    first = build(book)
    assert first.returncode == 0, first.stdout
    assert ran() == ["1", "2"]

    comment_in(library / "geometry.py")
    second = build(book)
    assert second.returncode == 0, second.stdout
    assert "nothing changed" not in second.stdout
    assert ran() == []

    comment_in(library / "folders.py")
    plain = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    subprocess.run([*plain, "build", str(book)], cwd=book, check=True, capture_output=True)
    assert ran() == ["1"]  # a plain build, which reads again only what has changed

    assert build(book).returncode == 0
    assert ran() == []


PAGE = """\
---
kernelspec: {display_name: Python 3, name: python3}
---
%s
```{code-cell} ipython3
:tags: [hide-input]
import made_up.used
```
"""


def test_a_pages_cache_follows_imports_packages_and_data(tmp_path, monkeypatch):
    library, data, page = tmp_path / "lib", tmp_path / "data", tmp_path / "lectures" / "01_x.md"
    for folder in (library, page.parent, data / "mnist"):
        folder.mkdir(parents=True)
    for name in ("__init__", "used", "unused"):
        (library / f"{name}.py").touch()
    page.write_text(PAGE % "Prose")
    monkeypatch.setenv("REPLEARN_DATA", str(data))
    monkeypatch.setattr(cache, "Sources", lambda: Sources({"made_up": library}))

    def now():
        return cache.PageCaches(tmp_path, tmp_path / "_build").folder(page)

    folder = now()
    assert folder.parent == tmp_path / "_build" / ".jupyter_cache" / "lectures" / "01_x"
    comment_in(library / "unused.py")
    page.write_text(PAGE % "More prose")
    (data / "mnist" / ".note").touch()
    (data / "compiled" / "sparse_1").mkdir(parents=True)  # of numba, made by what a page calls
    (data / "compiled" / "sparse_1" / "solve.nbi").write_text("x")
    assert now() == folder

    seen = [folder]
    comment_in(library / "used.py")
    seen.append(now())
    (tmp_path / "requirements.txt").write_text("numpy==2.0")
    seen.append(now())
    (data / "mnist" / "images.gz").write_text("x")
    seen.append(now())
    assert len(set(seen)) == 4
    assert cache.with_present_data(seen[2]) == seen[3]

    page.write_text("# Prose only\n")
    assert now() is None


AS_ON_WINDOWS = """\
import argparse, ast, concurrent.futures.process, getpass, platform, runpy, subprocess, sys
import platformdirs, yaml  # what asks for the system when it is imported
sys.platform = "win32"
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
sys.argv = ["build.py", "--help"]
runpy.run_path({path!r}, run_name="__main__")
"""


def test_the_build_needs_no_module_that_windows_lacks(root):
    code = AS_ON_WINDOWS.format(path=str(root / "book" / "tools" / "build.py"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--force" in done.stdout


def test_caches_are_renamed_when_a_build_has_downloaded_data(tool, tmp_path, monkeypatch):
    monkeypatch.setenv("REPLEARN_DATA", str(tmp_path / "data"))
    chapter, other = tmp_path / "01_x.md", tmp_path / "02_y.md"
    old = tmp_path / "x" / "imports-old"
    old.mkdir(parents=True)
    (old / "outputs").touch()
    missing = tmp_path / "y" / "imports-old"
    moved = tool("build").follow_data({chapter: old, other: missing})
    assert (moved[chapter] / "outputs").is_file()
    assert not old.exists()
    assert not moved[other].exists()
    assert tool("build").follow_data(moved) == moved
