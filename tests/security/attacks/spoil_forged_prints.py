"""Reports what its functions printed as objects, tensors and more, in place of text."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import gradekit.protocol.worker as worker

def forged(self):
    return ["ran", [object(), torch.ones(2), {"output_type": object(), (1, 2): torch.ones(3)}], None]

worker.Worker._do_output = forged
{{RIGHT}}
"""
}
