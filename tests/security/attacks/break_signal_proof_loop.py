"""Blocks and ignores every signal and swallows every exception while it loops."""

EXPECT = {"q2": 0}
STATUS = "timed out in q2_small_visible"
ANSWERS = {
    "q2_moments": """
import signal

def moments(X):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""
}
