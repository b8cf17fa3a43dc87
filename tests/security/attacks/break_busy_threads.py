"""Leaves two threads that compute for ever behind, with right answers."""

EXPECT = {}
ANSWERS = {
    "q6_gradient": """
import threading

def busy():
    while True:
        sum(range(1000))

for _ in range(2):
    threading.Thread(target=busy).start()
{{RIGHT}}
"""
}
