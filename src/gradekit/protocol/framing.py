"""Frames over a stream socket: eight bytes of length, big-endian, then the payload.

Whatever the peer does, a call ends at its deadline (a ``time.monotonic()`` value; None waits for
ever) and holds no more memory than what arrived.  After any of the three exceptions the
stream may stand in the middle of a frame: close it.  A socket is used by one thread at a time.
"""

from __future__ import annotations

import socket
import struct
import time

__all__ = ["Closed", "TooLate", "TooLong", "receive", "send"]

_LENGTH = struct.Struct(">Q")
_CHUNK = 2**18  # bytes asked for at once; also what a frame may take before any of it arrived


class Closed(Exception):
    """The peer is gone, between frames or in the middle of one."""


class TooLate(Exception):
    """The deadline passed."""


class TooLong(Exception):
    """A frame announces more bytes than the limit."""


def send(sock: socket.socket, payload: bytes, *, deadline: float | None) -> None:
    """Send one frame.

    Raises
    ------
    Closed : the peer is gone.
    TooLate : the peer has not taken the whole frame by the deadline.
    """
    before = sock.gettimeout()
    try:
        # Length and beginning together: a short frame is one packet.
        for part in (_LENGTH.pack(len(payload)) + payload[:_CHUNK], memoryview(payload)[_CHUNK:]):
            rest = memoryview(part)
            while rest:
                _limit(sock, deadline)
                rest = rest[sock.send(rest) :]
    except TimeoutError as error:
        raise TooLate("the peer did not take the whole frame in time") from error
    except ConnectionError as error:
        raise Closed("the peer is gone") from error
    finally:
        sock.settimeout(before)


def receive(sock: socket.socket, *, limit: int, deadline: float | None) -> bytes:
    """Return the payload of the next frame, and take nothing after it.

    Raises
    ------
    Closed : the peer is gone, also in the middle of a frame.
    TooLate : the whole frame has not arrived by the deadline.
    TooLong : the frame announces more than ``limit`` bytes; none of them is read.
    """
    before = sock.gettimeout()
    try:
        (length,) = _LENGTH.unpack(_read(sock, _LENGTH.size, deadline))
        if length > limit:
            raise TooLong(f"a frame announces {length} bytes; at most {limit} are taken")
        return bytes(_read(sock, length, deadline))
    except TimeoutError as error:
        raise TooLate("the whole frame did not arrive in time") from error
    except ConnectionError as error:
        raise Closed("the peer is gone") from error
    finally:
        sock.settimeout(before)


def _read(sock: socket.socket, length: int, deadline: float | None) -> bytearray:
    arrived = bytearray()
    while len(arrived) < length:
        _limit(sock, deadline)
        part = sock.recv(min(length - len(arrived), _CHUNK))
        if not part:
            raise Closed("the peer is gone")
        arrived += part
    return arrived


def _limit(sock: socket.socket, deadline: float | None) -> None:
    """Let the next operation take what is left of the time."""
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left <= 0:
        raise TooLate("the deadline passed")
    sock.settimeout(left)
