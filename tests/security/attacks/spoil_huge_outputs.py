"""Reports sixty megabytes as the outputs of each of its cells, past the limits of its own side."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import gradekit.protocol.worker as worker
honest = worker.Worker._do_run
def forged(self, source):
    reply = honest(self, source)
    return [reply[0], [{"output_type": "stream", "text": ["x" * 999_000] * 60, "name": "stdout"}], reply[2]]
worker.Worker._do_run = forged
{{RIGHT}}
"""
}
