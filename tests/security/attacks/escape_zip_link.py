"""Sits in a zip file with links to the course and to its own right notebook under another name."""

import stat
import zipfile

EXPECT = {}


def pack(archive, student, text):
    for name, target in (
        (f"{student}/linked.ipynb", "../../../source/ps0_security/ps0_security.ipynb"),
        (f"{student}/folder", "/etc"),
    ):
        entry = zipfile.ZipInfo(name)
        entry.create_system = 3
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, target)
    archive.writestr(f"{student}/folder/fort-escape.ipynb", "{}")
    archive.writestr(f"{student}/ps0_security.ipynb", text)
