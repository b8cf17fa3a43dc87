"""Sits in a zip file with entries that climb out of it, are absolute, or use the other slash."""

EXPECT = {}


def pack(archive, student, text):
    for name in (
        "../../fort-escape.ipynb",
        f"{student}/../../../fort-escape.ipynb",
        "/tmp/fort-escape.ipynb",
        "..\\..\\fort-escape.ipynb",
        "C:\\fort-escape.ipynb",
        "../source/ps0_security/ps0_security.ipynb",
        f"{student}/ps0_security/../../001-honest-right/ps0_security/ps0_security.ipynb",
    ):
        archive.writestr(name, text.replace("centre", "escaped"))
    archive.writestr(f"{student}/ps0_security.ipynb", text)
