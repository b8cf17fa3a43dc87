"""Answers with well-formed replies of the wrong kind: outputs, names, numbers, changed arguments."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0, "q6": 0}
STATUS = "in q1_small_visible"
PREPARE = """
import gradekit.protocol.worker as worker

def hostile(name, call=None, resolve=None):
    honest_call, honest_resolve = worker.Worker._do_call, worker.Worker._do_resolve
    def do_call(self, target, *rest):
        mine = getattr(target, "__name__", target) == name
        return call if mine and call is not None else honest_call(self, target, *rest)
    def do_resolve(self, names):
        return resolve if resolve is not None and name in names else honest_resolve(self, names)
    worker.Worker._do_call, worker.Worker._do_resolve = do_call, do_resolve
"""
ANSWERS = {
    "q1_centre": PREPARE + "{{RIGHT}}\nhostile('centre', call=['ran', [], None])",
    "q2_moments": "{{RIGHT}}\nhostile('moments', resolve=['resolved', {'checks': 1, 'moments': 2, 'X': 3}])",
    "q4_total": "{{RIGHT}}\nhostile('total_variance', call=['raised', 3, None])",
    "q6_gradient": "{{RIGHT}}\nhostile('error_gradient', call=['value', 1, {0: [[]], 10**9: 1}])",
}
