"""Sits in a zip file inside a zip file, with names that lead out, a link, and a bomb."""

import io
import stat
import zipfile

EXPECT = {}


def pack(archive, student, text):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr("ps0_security.ipynb", text)
        inner.writestr("../../../fort-escape.py", "x")
        inner.writestr("/tmp/fort-escape.py", "x")
        inner.writestr("bomb.csv", b"0" * 15_000_000)
        entry = zipfile.ZipInfo("link.csv")
        entry.create_system = 3
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        inner.writestr(entry, "/etc/passwd")
    archive.writestr(f"{student}/work.zip", file.getvalue())
