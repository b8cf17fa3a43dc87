"""Rings alarm signals a thousand times a second, with a handler that does nothing; right answers."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import signal

for number in (signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF):
    signal.signal(number, lambda *args: None)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
{{RIGHT}}
"""
}
