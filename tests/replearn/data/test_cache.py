"""The cache: what is there is read, what is wrong is kept, what is absent comes once and whole."""

import gzip
import hashlib
import http.server
import os
import socket
import threading
from pathlib import Path

import pooch
import pytest

from replearn.data import DataUnavailable, WrongContent, cache
from replearn.data.cache import RemoteFile
from replearn.folders import data_folder

CONTENT = b"the published content"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty cache folder, no proxies, and no memory of earlier tests."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("REPLEARN_OFFLINE", raising=False)
    monkeypatch.setenv("REPLEARN_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_unreachable", {})
    return tmp_path / "cache"


@pytest.fixture
def server():
    """A web server on this machine: .files to serve, .requests that came."""
    files, requests = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            body = files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            # Announces all of the body, sends what there is: the way a connection breaks.
            self.send_header("Content-Length", str(len(body) + (1000 if "cut" in self.path else 0)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    httpd.files, httpd.requests = files, requests
    httpd.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    yield httpd
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def closed_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def remote(url: str, name: str = "a.gz") -> RemoteFile:
    return RemoteFile(f"set/{name}", f"{url}/{name}", SHA256)


def files_in(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ["a.gz", "a"])
@pytest.mark.parametrize("wrap", [bytes, gzip.compress, lambda c: gzip.compress(c, 1, mtime=5)])
def test_a_cached_file_is_read_whatever_its_wrapper_and_never_downloaded(
    folder, server, name, wrap
):
    put(folder / "set" / name, wrap(CONTENT))
    assert cache.read(remote(server.url)) == CONTENT
    assert server.requests == []


def test_download_is_kept_and_comes_once(folder, server):
    server.files["/a.gz"] = gzip.compress(CONTENT)
    assert cache.read(remote(server.url)) == CONTENT
    assert cache.read(remote(server.url)) == CONTENT
    assert server.requests == ["/a.gz"]
    assert files_in(folder) == {"set/a.gz"}


def test_download_prints_nothing_when_stderr_is_no_terminal(server, capfd, caplog):
    server.files["/a.gz"] = gzip.compress(CONTENT)
    # Listens where pooch logs, without changing its level.
    logger = pooch.get_logger()
    logger.addHandler(caplog.handler)
    cache.read(remote(server.url))
    logger.removeHandler(caplog.handler)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"something else", "sha256"),
        (gzip.compress(CONTENT, mtime=0)[:-9], "cannot be read"),
        (gzip.compress(CONTENT, mtime=0)[:8] + b"\xff" * 9, "cannot be read"),
    ],
)
def test_wrong_content_is_named_and_left_alone(folder, server, content, said):
    server.files["/a.gz"] = gzip.compress(CONTENT)
    path = put(folder / "set" / "a.gz", content)
    with pytest.raises(WrongContent, match="move it away") as error:
        cache.read(remote(server.url))
    assert said in str(error.value)
    assert str(path) in str(error.value)
    assert path.read_bytes() == content
    assert server.requests == []


def test_a_right_file_beside_a_wrong_one_is_used(folder):
    put(folder / "set" / "a.gz", b"wrong")
    put(folder / "set" / "a", CONTENT)
    assert cache.read(remote("http://127.0.0.1:1")) == CONTENT


def test_content_that_changes_after_the_download_is_noticed(folder, monkeypatch):
    monkeypatch.setattr(cache, "_download", lambda _: put(folder / "set" / "a.gz", b"other"))
    with pytest.raises(WrongContent, match="move it away"):
        cache.read(remote("http://127.0.0.1:1"))


@pytest.mark.parametrize(
    "path", ["/a.gz", "/cut.gz", "/absent.gz"], ids=["wrong content", "cut off", "not found"]
)
def test_a_failed_download_leaves_no_file_and_is_noted(folder, server, path):
    server.files |= {"/a.gz": b"a login page", "/cut.gz": gzip.compress(CONTENT)}
    file = remote(server.url, path[1:])
    with pytest.raises(DataUnavailable, match="download failed"):
        cache.read(file)
    host = server.url.removeprefix("http://").replace(":", "-")
    assert files_in(folder) == {f"unreachable-{host}.txt"}
    with pytest.raises(DataUnavailable, match="few minutes ago"):
        cache.read(file)
    assert server.requests == [path]


def test_error_names_file_address_hash_and_folder(folder, monkeypatch):
    monkeypatch.setenv("REPLEARN_OFFLINE", "1")
    file = remote("http://127.0.0.1:1")
    with pytest.raises(DataUnavailable) as error:
        cache.read(file)
    for fact in ("a.gz", file.url, SHA256, str(folder / "set"), "REPLEARN_OFFLINE"):
        assert fact in str(error.value)
    assert (error.value.url, error.value.sha256) == (file.url, SHA256)
    assert (error.value.name, error.value.folder) == ("a.gz", folder / "set")
    assert "\n" not in str(error.value)


def test_offline_variable_forbids_every_connection(server, monkeypatch):
    server.files["/a.gz"] = gzip.compress(CONTENT)
    monkeypatch.setenv("REPLEARN_OFFLINE", "1")
    monkeypatch.setattr(cache, "_reachable", lambda _: pytest.fail("asked the network"))
    with pytest.raises(DataUnavailable):
        cache.read(remote(server.url))
    assert server.requests == []


def test_an_unreachable_host_is_asked_once_until_the_note_is_old_or_gone(folder, monkeypatch):
    asked = []
    monkeypatch.setattr(cache, "_reachable", lambda url: asked.append(url))
    file = remote("http://data.example:8080")

    def attempt(reason):
        with pytest.raises(DataUnavailable, match=reason):
            cache.read(file)

    attempt("does not answer within 3 s")
    attempt("few minutes ago")
    assert len(asked) == 1
    note = folder / "unreachable-data.example-8080.txt"
    old = note.stat().st_mtime - cache.NOTE_SECONDS - 1
    os.utime(note, (old, old))
    attempt("does not answer within 3 s")
    attempt("few minutes ago")
    note.unlink()
    attempt("does not answer within 3 s")
    assert len(asked) == 3


def test_without_a_writable_note_the_process_remembers(folder, monkeypatch):
    asked = []
    monkeypatch.setattr(cache, "_reachable", lambda url: asked.append(url))
    # A folder in the note's place: cannot be written, whoever runs this (root too).
    monkeypatch.setattr(cache, "_note_path", lambda host: folder / "absent" / host)
    for reason in ("does not answer", "few minutes ago"):
        with pytest.raises(DataUnavailable, match=reason):
            cache.read(remote("http://data.example"))
    assert len(asked) == 1


def test_a_folder_that_cannot_be_written_is_said_before_the_network_is_tried(
    folder, monkeypatch, server
):
    put(folder, b"a file where the folder should be")
    with pytest.raises(DataUnavailable, match="cannot be written"):
        cache.read(remote(server.url))
    assert server.requests == []


def test_reachable_is_whether_a_connection_is_accepted(server):
    assert cache._reachable(server.url)
    assert not cache._reachable(f"http://127.0.0.1:{closed_port()}")


def test_a_name_that_takes_for_ever_to_look_up_counts_as_unreachable(monkeypatch):
    release = threading.Event()

    def never(*_, **__):
        release.wait()
        raise OSError

    monkeypatch.setattr(socket, "create_connection", never)
    monkeypatch.setattr(cache, "CONNECT_SECONDS", 0.01)
    assert not cache._reachable("https://data.example")
    release.set()  # the thread then ends


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_behind_a_proxy_it_is_the_proxy_that_must_answer(server, monkeypatch, scheme):
    monkeypatch.setenv("http_proxy", scheme + server.url.removeprefix("http://"))
    assert cache._reachable("http://data.example")
    monkeypatch.setenv("http_proxy", f"{scheme}127.0.0.1:{closed_port()}")
    assert not cache._reachable("http://data.example")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert cache._reachable(server.url)


def test_default_folder_is_the_systems_cache(monkeypatch):
    monkeypatch.delenv("REPLEARN_DATA")
    assert data_folder().name == "replearn"
    monkeypatch.setenv("REPLEARN_DATA", "~/data")
    assert data_folder() == Path.home() / "data"
