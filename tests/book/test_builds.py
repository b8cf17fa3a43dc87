"""Tiny books with the real configuration: what must build builds, what must fail fails."""

from __future__ import annotations

import os
from dataclasses import asdict

import pytest

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
    page.write_text(page.read_text() + "\nMore prose.\n")
    third = build(book)
    assert third.returncode == 0
    assert "nothing changed" not in third.stdout
    assert "More prose." in (book / "_build/html/lectures/01_tiny.html").read_text()
    assert (book / "ran").read_text() == "x"

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
    done = tool("build").run_chapter(chapter, tmp_path / "cache", 10)
    assert done == ("01_x.md", 0.0, False)
    assert "01_x.md: no kernel could be started (Kernel died" in capsys.readouterr().out


def warnings(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "WARNING" in line)


def test_a_failing_cell_fails_the_build(tiny_book, build):
    result = build(tiny_book(cell("raise RuntimeError('canary')")))
    assert result.returncode == 1
    assert "Executing notebook failed: CellExecutionError" in warnings(result.stdout)
    assert "RuntimeError: canary" in result.stdout
    assert "error: the book did not build" in result.stdout


def test_an_unresolved_reference_fails_the_build_again_and_again(tiny_book, build):
    book = tiny_book("See {ref}`nowhere`.\n")
    for _ in range(2):  # an incremental build would succeed the second time
        result = build(book)
        assert result.returncode == 1
        assert "undefined label: 'nowhere'" in warnings(result.stdout)


def test_a_claim_without_a_test_fails_the_build(tiny_book, build):
    result = build(tiny_book(CLAIM))
    assert result.returncode == 1
    assert "theorem thm-counting has no test marked" in warnings(result.stdout)


@pytest.fixture(scope="module")
def report_on_many_faults(tiny_book_in, build, tmp_path_factory) -> str:
    book = tiny_book_in(
        tmp_path_factory.mktemp("faults"),
        "See [it](nowhere.md).\n\n"
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


def test_the_execution_key_follows_library_packages_and_data(tmp_path, monkeypatch):
    library = tmp_path / "replearn"
    (library / "sub").mkdir(parents=True)
    (library / "sub" / "pca.py").write_text("one")
    data = tmp_path / "data"
    monkeypatch.setenv("REPLEARN_DATA", str(data))
    monkeypatch.setattr(cache, "library_root", lambda: library)
    keys = [cache.execution_key(tmp_path)]
    (tmp_path / "requirements.txt").write_text("numpy==2.0")
    keys.append(cache.execution_key(tmp_path))
    (library / "sub" / "pca.py").write_text("two")
    keys.append(cache.execution_key(tmp_path))
    (data / "mnist").mkdir(parents=True)
    (data / "mnist" / "images.gz").write_text("x")
    keys.append(cache.execution_key(tmp_path))
    assert len(set(keys)) == 4
    assert cache.execution_key(tmp_path) == keys[-1]
