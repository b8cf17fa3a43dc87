"""Feedback pages and the CSV, written from results made up here: no cell is run."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.reports import feedback
from autograder.reports.export import export
from autograder.reports.feedback import write_feedback
from autograder.reports.gradebook import Book
from autograder.results import Result, TestResult
from tests.autograder.tinycourse import NAME

BOOK = "https://book.example"
BANNER = "Graded without a sandbox"


class Elements(HTMLParser):
    """Tags with their attributes, and the text, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def result(
    assignment: Assignment,
    *,
    failed: Iterable[str] = (),
    message: str = "wrong",
    student: str = "ann",
    **facts: object,
) -> Result:
    tests = tuple(
        TestResult(
            cell.grade_id,
            cell.question,
            0 if cell.question in failed else cell.points,
            cell.points,
            cell.question not in failed,
            message if cell.question in failed else "",
        )
        for cell in assignment.tests
    )
    manual = {cell.grade_id: "hash" for cell in assignment.manual}
    made = Result(student, NAME, "complete", tests=tests, manual=manual)
    return replace(made, **facts)  # type: ignore[arg-type]


def write(course: Course, assignment: Assignment, *results: Result) -> None:
    with Book(course) as book:
        for made in results:
            marks: dict[str, float | None] = {t.grade_id: float(t.points) for t in made.tests}
            book.record(made.student, NAME, dict.fromkeys(assignment.points, 0.0) | marks)
            course.results.save("key", made)
    write_feedback(course, [assignment], BOOK)


def html_of(course: Course, student: str = "ann") -> str:
    return (course.feedback / student / NAME / f"{NAME}.html").read_text(encoding="utf-8")


def page_of(course: Course, student: str = "ann") -> Elements:
    return Elements(html_of(course, student))


def index_of(course: Course) -> Elements:
    return Elements((course.feedback / "index.html").read_text(encoding="utf-8"))


def statuses(course: Course, assignment: Assignment) -> dict[str, str]:
    export(course, [assignment], course.grades)
    with open(course.grades, encoding="utf-8", newline="") as file:
        return {row["student_id"]: row["status"] for row in csv.DictReader(file)}


def test_the_misconception_stands_at_its_question(course: Course, assignment: Assignment) -> None:
    sentence = "Divides by n - 1 <b>"
    write(course, assignment, result(assignment, failed=["q2"], misconceptions={"q2": sentence}))
    text = page_of(course).text
    question = text[text.index("Question 2") : text.index("Question 3")]
    assert "A mistake with the same results: Divides by n - 1 <b>" in question
    assert text.count("A mistake with") == 1


def test_a_failed_question_links_to_the_book_prominently(
    course: Course, assignment: Assignment
) -> None:
    write(course, assignment, result(assignment, failed=["q2"]))
    html = html_of(course)
    links = [attrs["href"] for tag, attrs in page_of(course).tags if tag == "a"]
    sections = {question.key: f"{BOOK}/{question.section}" for question in assignment.questions}
    assert set(links) <= set(sections.values())
    assert f'<p class="read"><a href="{sections["q2"]}">' in html
    assert f'<p class="read quiet"><a href="{sections["q1"]}">' in html


def test_a_grading_without_sandbox_says_so_everywhere(
    course: Course, assignment: Assignment
) -> None:
    write(
        course,
        assignment,
        result(assignment, sandboxed=False),
        result(assignment, student="ben"),
    )
    assert BANNER in page_of(course).text
    assert BANNER not in page_of(course, "ben").text
    assert BANNER in index_of(course).text
    shown = statuses(course, assignment)
    assert shown["ann"] == "graded; graded without a sandbox"
    assert shown["ben"] == "graded"


def test_the_index_of_a_sandboxed_class_has_no_banner(
    course: Course, assignment: Assignment
) -> None:
    write(course, assignment, result(assignment))
    assert BANNER not in index_of(course).text
    assert "banner" not in {attrs.get("class") for _, attrs in index_of(course).tags}


HOSTILE = [
    "<script>alert(1)</script>",
    "</p></li></main></body><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "{{ 7 * 7 }}{% raw %}",
    "&lt;script&gt;",
    "<!--",
    "]]><svg onload=alert(1)>",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_shown_as_text(text: str, course: Course, assignment: Assignment) -> None:
    student = "o'neil & <i>"
    hostile = result(
        assignment,
        student=student,
        failed=["q1", "q2"],
        message=text,
        notes=(text,),
        misconceptions={"q1": text},
        outcome="timed out",
        detail=text,
    )
    write(course, assignment, hostile, result(assignment, student="plain", notes=("x",)))
    page, plain = page_of(course, student), page_of(course, "plain")
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in plain.tags}
    known = {"class", "dir", "href", "lang", "role", *META}
    assert all(set(attrs) <= known for _, attrs in page.tags)
    assert page.text.count(text) == 3 + len(assignment.tests)
    assert student in page.text
    assert text in index_of(course).text
    assert {tag for tag, _ in index_of(course).tags}.isdisjoint({"script", "img", "svg", "i"})


META = {"charset", "name", "content", "http-equiv"}


def test_what_can_not_be_seen_is_shown_by_a_mark(course: Course, assignment: Assignment) -> None:
    text = "a\u202eb\x00c\x1b[31md\u200be\u2066g\u2028h\U000e0041i\u00adj\nk\tl"
    hostile = result(
        assignment, failed=["q1"], message=text, notes=(text,), outcome="stopped", detail=text
    )
    write(course, assignment, hostile)
    page = html_of(course)
    assert "a\ufffdb\ufffdc\ufffd[31md\ufffde\ufffdg\ufffdh\ufffdi\ufffdj\nk\tl" in page
    assert not {c for c in page if not c.isprintable()} - {"\n", "\t"}
    assert statuses(course, assignment)["ann"].isprintable()


def test_messages_and_notes_are_capped(course: Course, assignment: Assignment) -> None:
    long = result(
        assignment,
        failed=["q1"],
        message="m" * 5_000,
        notes=tuple(f"{index}:" + "n" * 5_000 for index in range(50)),
        misconceptions={"q1": "z" * 5_000},
    )
    write(course, assignment, long)
    page = page_of(course)
    longest = {letter: max(text.count(letter) for text in page.texts) for letter in "mnz"}
    assert longest["m"] == 999
    assert longest["n"] == 300 - 1 - len("0:")
    assert longest["z"] == 999
    assert "And 30 more." in page.text
    assert "20:n" not in page.text


def test_a_page_is_capped(
    course: Course, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = result(assignment, failed=["q1", "q2"], message="<" * 1_000)
    write(course, assignment, made)
    full = len(html_of(course).encode())
    for cap, shown in ((full, 1_000), (full - 1, 199), (full // 2, 199), (10, 0)):
        monkeypatch.setattr(feedback, "_PAGE_BYTES", cap)
        write(course, assignment, made)
        assert max(text.count("<") for text in page_of(course).texts) == shown
    assert "not passed" in page_of(course).text


def test_no_page_lets_a_script_run(course: Course, assignment: Assignment) -> None:
    write(course, assignment, result(assignment))
    for page in (page_of(course), index_of(course)):
        (policy,) = (
            attrs["content"]
            for tag, attrs in page.tags
            if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
        )
        assert policy is not None
        rules = dict(rule.split(maxsplit=1) for rule in policy.split("; "))
        assert rules["default-src"] == "'none'"
        assert rules["style-src"] == "'unsafe-inline'"
        assert set(rules) == {"default-src", "style-src", "base-uri", "form-action"}


def test_a_link_of_the_index_leads_to_the_page(course: Course, assignment: Assignment) -> None:
    student = "Çelik, Ada (2)#?%41"
    write(course, assignment, result(assignment, student=student))
    (link,) = (attrs["href"] for tag, attrs in index_of(course).tags if tag == "a")
    assert link == f"%C3%87elik%2C%20Ada%20%282%29%23%3F%2541/{NAME}/{NAME}.html"


def test_no_name_is_a_formula(course: Course, assignment: Assignment) -> None:
    names = ["=1+1", "+1", "-1", "@a", "ann"]
    write(course, assignment, *(result(assignment, student=name) for name in names))
    assert set(statuses(course, assignment)) == {"'=1+1", "'+1", "'-1", "'@a", "ann"}


def test_no_text_of_a_student_steers_the_page_or_the_csv(
    course: Course, assignment: Assignment
) -> None:
    """Bidirectional controls are shown as marks; what reads from the right stays apart."""
    student, steering = " =ab\u202e\u2067c", "x\u202ey\u2066z\u200b"
    made = result(assignment, failed=["q1"], message=steering, student=student, notes=(steering,))
    write(course, assignment, made)
    index = (course.feedback / "index.html").read_text(encoding="utf-8")
    for html in (html_of(course, student), index):
        assert not set(html) & set("\u202e\u2066\u2067\u200b")
        assert "<bdi> =ab\ufffd\ufffdc</bdi>" in html
    assert html_of(course, student).count('dir="auto">x\ufffdy\ufffdz\ufffd<') == 3
    assert list(statuses(course, assignment)) == ["' =ab\ufffd\ufffdc"]
