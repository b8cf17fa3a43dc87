"""Starts programs in new sessions that try to outlive the grading, and a shell that goes on."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import subprocess, sys

for line in (["sleep", "600"], ["sh", "-c", "trap '' TERM HUP INT; while :; do sleep 1; done"],
             [sys.executable, "-c", "import time; time.sleep(600)"]):
    try:
        subprocess.Popen(line, start_new_session=True, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        pass
get_ipython().system_raw = get_ipython().system_piped
!(sleep 600 >/dev/null 2>&1 &)
{{RIGHT}}
"""
}
