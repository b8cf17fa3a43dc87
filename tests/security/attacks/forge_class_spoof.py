"""Lies about its class: __class__ properties, metaclasses that claim every instance."""

EXPECT = {"q1": 0, "q5": 0}
ANSWERS = {
    "q1_centre": """
class Everyone(type):
    def __instancecheck__(cls, instance): return True
    def __subclasscheck__(cls, other): return True
    def __eq__(cls, other): return True
    def __hash__(cls): return hash(torch.Tensor)
    __name__ = "Tensor"

class Spoof(metaclass=Everyone):
    __class__ = torch.Tensor
    def numpy(self): return None
    def detach(self): return self

def centre(X):
    return Spoof()
""",
    "q5_encoder": """
class Encoder(metaclass=Everyone):
    __class__ = torch.nn.Module
    def __init__(self, d, m):
        self.weight = Spoof()
    def __call__(self, X):
        return Spoof()
""",
}
