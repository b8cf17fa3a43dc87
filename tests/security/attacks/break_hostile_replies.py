"""Answers with well-formed replies of the wrong kind: outputs, names, numbers, changed arguments."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0, "q6": 0}
STATUS = "in q1_small_visible"
PREPARE = """
import gradekit.protocol.worker as worker

def hostile(name, call=None, look=None):
    honest_call, honest_look = worker.Worker._do_call, worker.Worker._do_look
    def do_call(self, target, *rest):
        mine = getattr(target, "__name__", target) == name
        return call if mine and call is not None else honest_call(self, target, *rest)
    def do_look(self, names):
        return look if look is not None and name in names else honest_look(self, names)
    worker.Worker._do_call, worker.Worker._do_look = do_call, do_look
"""
ANSWERS = {
    "q1_centre": PREPARE + "{{RIGHT}}\nhostile('centre', call=['ran', [], None])",
    "q2_moments": "{{RIGHT}}\nhostile('moments', look=['seen', {'checks': 1, 'moments': 2, 'X': 3}])",
    "q4_total": "{{RIGHT}}\nhostile('total_variance', call=['raised', 3, None])",
    "q6_gradient": "{{RIGHT}}\nhostile('error_gradient', call=['value', 1, {0: [[]], 10**9: 1}])",
}
