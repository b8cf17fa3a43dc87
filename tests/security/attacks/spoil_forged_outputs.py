"""Reports outputs of its cells that are no outputs: other types, deep, huge, with scripts."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import gradekit.protocol.worker as worker

evil = "<script>alert('forged')</script>"
honest = worker.Worker._do_run

def forged(self, source):
    reply = honest(self, source)
    deep = evil
    for _ in range(8):
        deep = [deep, {"x": deep}] if len(str(deep)) < 10**5 else [deep]
    outputs = [
        {"output_type": "stream", "name": evil, "text": [3, None, evil]},
        {"output_type": "display_data", "data": {"text/html": evil, "x": torch.zeros(3)}},
        {"output_type": "execute_result", "data": evil, "metadata": {(1, 2): 3}},
        {"output_type": "error", "ename": evil, "evalue": 3, "traceback": {"a": evil}},
        {"output_type": evil, "deep": deep}, 3, None, float("nan"), [[]], torch.ones(2), object(),
        {"output_type": "display_data", "data": {"application/javascript": "alert('forged')"}},
    ] * 30
    return [reply[0], outputs, reply[2]]

worker.Worker._do_run = forged
{{RIGHT}}
"""
}
