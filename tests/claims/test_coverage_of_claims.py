"""Every claim of the book has a label, a proof and a test, and every test here has a claim."""

from __future__ import annotations

from replearn_book.claims import Claims


def test_every_claim_has_a_test_and_every_test_a_claim(root):
    problems = Claims.of(root).problems()
    assert not problems, "\n" + "\n".join(problems)


def test_the_chapters_make_claims(root):
    # Were the scan to find nothing, the test above would pass on an empty list.
    assert Claims.of(root).statements
