"""A TA marks a class in Formgrader, in a real browser, on a machine without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.assignments.demo import fill_in
from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.reports.gradebook import Book
from tests.autograder.formgrader.jupyter import Jupyter, jupyter_server
from tests.autograder.tinycourse import NAME, read_rows, run
from tests.chromium import Visit, chromium

pytestmark = [pytest.mark.long, pytest.mark.browser]

STUDENTS = ("ada", "grace", "mallory")
FORMULA = r"The sum $\sum_i \boldsymbol{x}_i^2$ of squares, and \\[a^2 + \frac{b}{c} \ge 0.\\]"
BAD = "window.hacked = 1"
HOSTILE_TEXT = rf"""
<script>{BAD}</script>
<img src=x onerror="{BAD}"> <svg onload="{BAD}"></svg>
<iframe srcdoc="<script>parent.hacked = 1</script>"></iframe>
<img src="http://elsewhere.example/a.png"> ![b](http://elsewhere.example/b.png)
[link](javascript:{BAD}) <a href="javascript:{BAD}">link</a>
$\href{{javascript:{BAD}}}{{x}}$ $\mmlToken{{mi}}[href="javascript:{BAD}"]{{y}}$
$\mmlToken{{mi}}[style="position:fixed;top:0;left:0"]{{z}}$ $\mmlToken{{mi}}[id="q3_reason"]{{z}}$
$\bbox[position:fixed;background:url(http://elsewhere.example/c.png)]{{u}}$ $\require{{html}}$
$\color{{url(http://elsewhere.example/d.svg)}} v$ $\unicode[http://elsewhere.example/e]{{x41}}$
$\def\x{{\x\x}}\x$ $\style{{position:fixed}}{{w}}$ $</script><script>{BAD}</script>$
"""
HOSTILE_CODE = f"""
from IPython.display import HTML, SVG, Javascript, Markdown, display
def mean(values):
    return sum(values) / len(values)
display(HTML('<img src=x onerror="{BAD}"><script>{BAD}</script>'))
display(Javascript('{BAD}'))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" onload="{BAD}"></svg>'))
display(Markdown('<img src=x onerror="{BAD}">'))
print('<script>{BAD}</script>')
# </script><script>{BAD}</script>
"""


def hand_in(course: Course, student: str, answers: dict[str, str]) -> None:
    released = json.loads(course.notebook("release", NAME).read_text(encoding="utf-8"))
    path = course.notebook("submitted", NAME, student)
    path.parent.mkdir(parents=True)
    path.write_text(fill_in(released, answers), encoding="utf-8")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, assignment: Assignment) -> Course:
    """Graded in the sandbox; every student's derivation waits for a mark."""
    course = Course(tmp_path_factory.mktemp("formgrader") / "autumn")
    assert run("release", course=course) == 0
    hand_in(course, "ada", {**assignment.answers, "q3_reason": FORMULA})
    hand_in(course, "grace", {**assignment.answers, "q3_reason": "Squares."})
    hand_in(course, "mallory", {"q1_mean": HOSTILE_CODE, "q3_reason": HOSTILE_TEXT})
    for command in ("grade", "feedback"):
        assert run(command, course=course) == 0
    return course


@pytest.fixture(scope="module")
def server(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    with jupyter_server(course.root, tmp_path_factory.mktemp("jupyter") / "own") as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Any, server: Jupyter) -> Iterator[Visit]:
    """A TA's browser; whatever it opens must work, and come from this server alone."""
    visit = Visit(browser)
    visit.page.set_default_timeout(20_000)
    yield visit
    visit.context.close()
    assert visit.errors == []
    assert visit.others(server.url) == []


def submission(course: Course, student: str) -> str:
    """Address of a student's submission: the list shows only numbers."""
    from nbgrader.api import Gradebook

    with Gradebook(course.db_url) as book:
        return f"/formgrader/submissions/{book.find_submission_notebook(NAME, NAME, student).id}/"


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a course but for the gradebook and its side files."""
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {n: p.read_bytes() for n, p in found.items() if not n.startswith("gradebook.db")}


def test_a_ta_sees_numbers_and_no_names(visit: Visit, server: Jupyter) -> None:
    page = visit.open(server.login("/formgrader/gradebook"))
    page.get_by_role("link", name=NAME).click()
    page.locator("#main-table").get_by_role("link", name=NAME).click()
    page.get_by_role("link", name="Submission #1").wait_for()
    assert not [name for name in STUDENTS if name in page.inner_text("body").lower()]
    page.get_by_role("link", name="Submission #1").click()
    page.wait_for_url("**/formgrader/submissions/**")
    page.locator("#q3_reason").wait_for()
    assert not [name for name in STUDENTS if name in page.inner_text("body").lower()]
    page.locator("nav .glyphicon-eye-open").click()
    assert [name for name in STUDENTS if name in page.inner_text("nav").lower()]


def test_formulas_are_typeset(visit: Visit, server: Jupyter, course: Course) -> None:
    page = visit.open(server.login(submission(course, "ada")))
    page.wait_for_function("() => MathJax.loaded")  # nbgrader's own script has heard of it
    answer = page.locator(".nbgrader_cell", has=page.locator("#q3_reason"))
    assert answer.locator("mjx-container svg").count() == 2
    assert answer.locator("mjx-container[display=true] svg").count() == 1
    assert answer.locator("[data-mml-node=merror]").count() == 0
    assert "frac" not in answer.locator(".text_cell_render").inner_text()


def test_nothing_of_a_students_runs_in_the_page(
    visit: Visit, server: Jupyter, course: Course
) -> None:
    page = visit.open(server.login(submission(course, "mallory")))
    page.wait_for_function("() => MathJax.loaded")
    answer = page.locator(".nbgrader_cell .text_cell_render")
    assert answer.locator("mjx-container").count() >= 8
    acting = (
        "script, img, iframe, [style*=fixed], [style*=url], [onload], [onerror], mjx-container a"
    )
    elsewhere = "[href]:not([href^='http:'])"  # a link that says where it leads is left
    for shapes in (acting, elsewhere):
        found = answer.locator(shapes).evaluate_all("found => found.map(e => e.outerHTML)")
        assert found == []
    assert page.locator("[id=q3_reason]").count() == 1
    assert page.evaluate("() => window.hacked") is None


def test_the_page_may_load_nothing_from_elsewhere(
    visit: Visit, server: Jupyter, course: Course
) -> None:
    page = visit.open(server.login(submission(course, "ada")))
    stopped = """() => new Promise(done => {
        document.addEventListener("securitypolicyviolation", event => done(event.blockedURI));
        const picture = new Image();
        picture.onerror = () => setTimeout(() => done("asked for"), 1000);
        picture.src = "http://elsewhere.example/a.png";
    })"""
    assert page.evaluate(stopped) == "http://elsewhere.example/a.png"
    visit.errors.clear()  # the browser reports what it stopped
    visit.requests.clear()


def test_a_mark_and_comments_reach_the_csv_and_the_page(
    visit: Visit, server: Jupyter, course: Course
) -> None:
    page = visit.open(server.login(submission(course, "grace")))
    page.wait_for_function("() => MathJax.loaded")
    typed = {"#q3_reason": "2.5", "#q3_reason-comment": "Of <what>?", "#q1_mean-comment": "Nice."}
    for field, text in typed.items():
        with page.expect_response(lambda answer: answer.request.method == "PUT") as saved:
            page.locator(field).fill(text)
            page.keyboard.press("Tab")
        assert saved.value.status == 200
    for command in ("feedback", "export"):
        assert run(command, course=course) == 0
    rows = read_rows(course)
    assert (rows["grace"]["q3"], rows["grace"]["status"]) == ("2.5", "graded")
    assert rows["ada"]["status"] == "awaiting manual grading"
    shown = (course.feedback / "grace" / NAME / f"{NAME}.html").read_text(encoding="utf-8")
    assert "2.5 / 3" in shown
    assert "Of &lt;what&gt;?" in shown
    with Book(course) as book:
        said = {"q1_mean": "Nice.", "q3_reason": "Of <what>?"}
        assert book.comments(NAME) == {"grace": said}


@pytest.mark.parametrize("button", ["autograde", "generate-feedback", "release-feedback"])
def test_a_button_of_stock_nbgrader_says_why_not(
    visit: Visit, server: Jupyter, course: Course, button: str
) -> None:
    before = files(course.root)
    page = visit.open(server.login(f"/formgrader/manage_submissions/{NAME}"))
    page.locator(f"#main-table .{button} a").first.click()
    log = page.locator("#error-modal .panel-warning pre")
    log.wait_for()
    what = button.replace("-", "_")
    assert f"nbgrader's {what} is switched off in this course," in log.inner_text()
    assert files(course.root) == before


FOR_ALL = ("assign", "generate_feedback", "release_feedback")
FOR_ONE = ("assignment/{}/grace/generate_feedback", "assignment/{}/grace/release_feedback")


@pytest.mark.parametrize(
    "path",
    [f"assignment/{NAME}/{action}" for action in FOR_ALL]
    + [path.format(NAME) for path in (*FOR_ONE, "submission/{}/grace/autograde")],
)
def test_the_api_behind_the_buttons_writes_nothing(
    server: Jupyter, course: Course, path: str
) -> None:
    before = files(course.root)
    answer = server.post(f"/formgrader/api/{path}")
    assert answer["success"] is False
    assert "is switched off in this course," in answer["log"]
    assert files(course.root) == before
