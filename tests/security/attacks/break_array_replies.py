"""Puts arrays where a reply has its number and its name: comparing with them has no truth value."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0, "q6": 0}
ANSWERS = {
    "q1_centre": """
import numpy as np
import gradekit.protocol.worker as worker

def reply_to(word, made):
    honest = worker.Worker._encode, worker.Worker._decode
    asked = [""]
    def decode(self, data):
        asked[:] = [honest[1](self, data)]
        return asked[0]
    def encode(self, value):
        return honest[0](self, made(value) if word in str(asked[0]) else value)
    worker.Worker._encode, worker.Worker._decode = encode, decode

pair = np.array([1.0, 2.0])
reply_to("def mom" + "ents", lambda value: [pair, *value[1:]])
reply_to("def total" + "_variance", lambda value: [value[0], torch.ones(2), *value[2:]])
reply_to("function centre", lambda value: [value[0], pair, 3, {}])
reply_to("function error_gradient", lambda value: [torch.ones(3), "value", 3, {}])
{{RIGHT}}
""",
}
