"""Frames: whole or not at all, within the deadline, whatever the peer does."""

import contextlib
import itertools
import socket
import struct
import threading
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradekit.protocol import framing
from gradekit.protocol.framing import Closed, TooLate, TooLong, receive, send

LIMIT = 2**24
LATE = 0.15  # seconds that a call is given where it is meant to end by its deadline
SLACK = 2.0  # seconds more that a busy machine may take to notice


@pytest.fixture
def pair():
    with contextlib.ExitStack() as stack:
        yield tuple(stack.enter_context(end) for end in socket.socketpair())


@contextlib.contextmanager
def meanwhile(work, *arguments):
    """Run work in a thread, which must have ended well by the end of the block."""
    failures = []

    def run():
        try:
            work(*arguments)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    thread.join(20)
    assert not thread.is_alive()
    assert failures == []


@contextlib.contextmanager
def ends_at_its_deadline(exception):
    started = time.monotonic()
    with pytest.raises(exception):
        yield started + LATE
    assert LATE <= time.monotonic() - started < LATE + SLACK


def soon():
    return time.monotonic() + 20


def frame(payload):
    return struct.pack(">Q", len(payload)) + payload


@pytest.mark.parametrize(
    "length", [0, 1, 7, 8, 9, framing._CHUNK - 8, framing._CHUNK, framing._CHUNK + 1, 5_000_000]
)
def test_frames_of_all_lengths_arrive_as_sent(pair, length):
    payload = bytes(range(256)) * (length // 256) + bytes(length % 256)
    with meanwhile(lambda: send(pair[0], payload, deadline=soon())):
        assert receive(pair[1], limit=LIMIT, deadline=soon()) == payload


def test_without_a_deadline_a_call_waits(pair):
    def late():
        time.sleep(0.1)
        send(pair[0], b"late", deadline=None)

    with meanwhile(late):
        assert receive(pair[1], limit=LIMIT, deadline=None) == b"late"


def test_a_frame_has_eight_bytes_of_length_first(pair):
    send(pair[0], b"abc", deadline=soon())
    assert pair[1].recv(100) == b"\0\0\0\0\0\0\0\3abc"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=6), st.lists(st.integers(0, 400), max_size=8))
def test_frames_cut_anywhere_arrive_one_by_one(payloads, cuts):
    stream = b"".join(map(frame, payloads))
    cuts = sorted({0, *cuts, len(stream)})
    with contextlib.ExitStack() as stack:
        here, there = (stack.enter_context(end) for end in socket.socketpair())
        for start, stop in itertools.pairwise(cuts):
            here.sendall(stream[start:stop])
        got = [receive(there, limit=50, deadline=soon()) for _ in payloads]
        assert got == payloads
        here.close()
        with pytest.raises(Closed):
            receive(there, limit=50, deadline=soon())


def test_frames_in_both_directions_do_not_disturb_each_other(pair):
    def talk(sock, mine, other):
        for k in range(50):
            send(sock, mine * (k * 997), deadline=soon())
            assert receive(sock, limit=LIMIT, deadline=soon()) == other * (k * 997)

    with meanwhile(talk, pair[0], b"a", b"b"):
        talk(pair[1], b"b", b"a")


def test_nothing_is_taken_after_the_frame(pair):
    pair[0].sendall(frame(b"one") + b"rest")
    assert receive(pair[1], limit=LIMIT, deadline=soon()) == b"one"
    assert pair[1].recv(100) == b"rest"


# Peers that do not answer


@pytest.mark.parametrize("sent", [b"", b"\0\0\0", struct.pack(">Q", 10), frame(b"x" * 10)[:-1]])
def test_a_frame_that_never_ends_ends_at_the_deadline(pair, sent):
    pair[0].sendall(sent)
    with ends_at_its_deadline(TooLate) as deadline:
        receive(pair[1], limit=LIMIT, deadline=deadline)


@pytest.mark.parametrize("head", [b"", struct.pack(">Q", 10**6)], ids=["length", "payload"])
def test_a_dribbling_peer_does_not_move_the_deadline(pair, head):
    stop = threading.Event()

    def dribble():
        pair[0].sendall(head)
        while not stop.wait(0.02):
            pair[0].sendall(b"\0" if head else b"")

    with meanwhile(dribble):
        with ends_at_its_deadline(TooLate) as deadline:
            receive(pair[1], limit=LIMIT, deadline=deadline)
        stop.set()


def test_a_peer_that_does_not_read_ends_a_send_at_the_deadline(pair):
    with ends_at_its_deadline(TooLate) as deadline:
        send(pair[0], bytes(LIMIT), deadline=deadline)


def test_a_peer_that_reads_a_little_does_not_move_the_deadline(pair):
    stop = threading.Event()

    def sip():
        while not stop.wait(0.01):
            pair[1].recv(4096)

    with meanwhile(sip):
        with ends_at_its_deadline(TooLate) as deadline:
            send(pair[0], bytes(2**26), deadline=deadline)
        stop.set()


def test_a_deadline_that_has_passed_is_too_late_though_a_frame_is_there(pair):
    send(pair[0], b"abc", deadline=soon())
    before = time.monotonic() - 1
    with pytest.raises(TooLate):
        receive(pair[1], limit=LIMIT, deadline=before)
    with pytest.raises(TooLate):
        send(pair[0], b"abc", deadline=before)
    assert receive(pair[1], limit=LIMIT, deadline=soon()) == b"abc"  # neither had any effect


# Peers that announce too much


@pytest.mark.parametrize("length", [4, 2**31, 2**63, 2**64 - 1])
def test_an_announced_length_over_the_limit_is_refused_unread(pair, length):
    pair[0].sendall(struct.pack(">Q", length) + b"abcd")
    with pytest.raises(TooLong, match=f"announces {length} bytes; at most 3"):
        receive(pair[1], limit=3, deadline=soon())
    assert pair[1].recv(100) == b"abcd"


def test_the_limit_itself_is_taken(pair):
    send(pair[0], b"abc", deadline=soon())
    assert receive(pair[1], limit=3, deadline=soon()) == b"abc"


def test_memory_grows_with_what_arrives_not_with_what_is_announced(pair):
    pair[0].sendall(struct.pack(">Q", 2**40) + bytes(1000))
    tracemalloc.start()
    with pytest.raises(TooLate):
        receive(pair[1], limit=2**41, deadline=time.monotonic() + LATE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * framing._CHUNK


# Peers that go


@pytest.mark.parametrize("sent", [b"", b"\0\0\0", struct.pack(">Q", 10), frame(b"x" * 10)[:-1]])
@pytest.mark.parametrize("deadline", [None, 60.0])
def test_a_peer_that_closes_is_noticed_at_once(pair, sent, deadline):
    pair[0].sendall(sent)
    pair[0].close()
    started = time.monotonic()
    with pytest.raises(Closed):
        receive(pair[1], limit=LIMIT, deadline=deadline and started + deadline)
    assert time.monotonic() - started < SLACK


def test_a_peer_that_closes_while_a_frame_is_awaited_is_noticed(pair):
    def leave():
        pair[0].sendall(frame(b"x" * 10)[:-1])
        time.sleep(0.05)
        pair[0].close()

    with meanwhile(leave), pytest.raises(Closed):
        receive(pair[1], limit=LIMIT, deadline=soon())


def test_sending_to_a_peer_that_is_gone_says_so(pair):
    pair[1].close()
    with pytest.raises(Closed):
        send(pair[0], b"abc", deadline=soon())


def test_a_peer_that_closes_while_a_frame_is_sent_is_noticed(pair):
    def leave():
        pair[1].recv(100)
        pair[1].close()

    with meanwhile(leave), pytest.raises(Closed):
        send(pair[0], bytes(LIMIT), deadline=soon())


def test_a_peer_that_closes_with_unread_bytes_is_gone(pair):
    send(pair[1], b"to the peer", deadline=soon())  # unread at its close: a reset
    pair[0].close()
    with pytest.raises(Closed):
        receive(pair[1], limit=LIMIT, deadline=soon())


@pytest.mark.parametrize("timeout", [None, 0.0, 3.0])
def test_the_socket_s_own_timeout_does_not_matter_and_is_kept(pair, timeout):
    def late():
        time.sleep(0.05)
        send(pair[0], b"abc", deadline=soon())

    pair[1].settimeout(timeout)
    with meanwhile(late):
        assert receive(pair[1], limit=LIMIT, deadline=None) == b"abc"
    assert pair[1].gettimeout() == timeout
    with pytest.raises(TooLate):
        receive(pair[1], limit=LIMIT, deadline=time.monotonic() + 0.01)
    with pytest.raises(TooLate):
        send(pair[1], bytes(LIMIT), deadline=time.monotonic() + 0.01)
    assert pair[1].gettimeout() == timeout
