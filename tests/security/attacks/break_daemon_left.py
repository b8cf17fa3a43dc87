"""Leaves daemons with the inherited socket open behind, with right answers."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import os, time

for _ in range(3):
    if not os.fork():
        os.setsid()
        if os.fork():
            os._exit(0)
        end = time.monotonic() + 600
        while time.monotonic() < end:
            time.sleep(1)
        os._exit(0)
    os.wait()
{{RIGHT}}
"""
}
