"""Returns objects that pretend to be arrays: __array__, the array interfaces, __dlpack__."""

EXPECT = {"q1": 0, "q2": 0}
ANSWERS = {
    "q1_centre": """
import numpy as np

class Pretends:
    def __init__(self, X):
        self.values = np.array([[-1.0, -20.0], [1.0, 20.0]])
        self.__array_interface__ = self.values.__array_interface__
    def __array__(self, dtype=None, copy=None): return self.values
    def __array_ufunc__(self, *args, **kwargs): return True
    def __array_function__(self, *args, **kwargs): return True
    def __torch_function__(self, *args, **kwargs): return True
    def __dlpack__(self, *args, **kwargs): return self.values.__dlpack__()
    def __dlpack_device__(self): return self.values.__dlpack_device__()

def centre(X):
    return Pretends(X)
""",
    "q2_moments": """
def moments(X):
    return Pretends(X), Pretends(X)
""",
}
