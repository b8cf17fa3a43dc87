"""Changes torch's and NumPy's defaults and seeds all generators, with right answers."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import random
import numpy as np

torch.set_default_dtype(torch.float16)
torch.set_grad_enabled(False)
torch.use_deterministic_algorithms(True)
torch.set_num_threads(1)
torch.set_printoptions(precision=1)
torch.manual_seed(1), np.random.seed(1), random.seed(1)
np.seterr(all="raise")
np.set_printoptions(precision=1)
torch.autograd.set_detect_anomaly(True)
{{RIGHT}}
"""
}
