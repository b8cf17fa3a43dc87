"""Sits in a zip file with a notebook of a hundred megabytes of blanks packed into a few."""

EXPECT = {}


def pack(archive, student, text):
    archive.writestr(f"{student}/bomb.ipynb", b" " * 100_000_000)
    archive.writestr(f"{student}/ps0_security.ipynb", text)
