"""Files that are replaced in one step."""

from __future__ import annotations

import pytest

from replearn._files import replaced, write_atomically


def test_text_and_bytes_replace_what_was_there_and_folders_are_made(tmp_path):
    path = tmp_path / "folder" / "file"
    write_atomically(path, b"a longer first content")
    write_atomically(path, "ε\n")
    assert path.read_bytes() == "ε\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_half_way_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, "old")

    def write_half():
        with replaced(path) as file:
            file.write(b"half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_as_readable_as_any_other(tmp_path):
    (tmp_path / "other").touch()
    write_atomically(tmp_path / "file", "")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "other").stat().st_mode
