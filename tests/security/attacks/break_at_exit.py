"""Registers handlers at exit that never end, and threads that must be waited for; right answers."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import atexit, multiprocessing.util, sys, threading, time

def never():
    while True:
        time.sleep(1)

atexit.register(never)
multiprocessing.util.Finalize(None, never, exitpriority=100)
threading._register_atexit(never)
threading.Thread(target=never, daemon=False).start()
sys.exitfunc = never
{{RIGHT}}
"""
}
