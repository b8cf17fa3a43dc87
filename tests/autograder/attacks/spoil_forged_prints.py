"""Reports what its functions printed as objects, tensors and more, in place of text."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import replearn.exam.pupil as pupil

def forged(self):
    return ["ran", [object(), torch.ones(2), {"output_type": object(), (1, 2): torch.ones(3)}], None]

pupil.Pupil._do_printed = forged
{{RIGHT}}
"""
}
