"""Returns objects whose type names hold markup, newlines, a megabyte, or are no text."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0, "q5": 0, "q6": 0}
ANSWERS = {
    "q1_centre": """
def centre(X):
    return type("<script>alert(1)</script>", (), {})()
""",
    "q2_moments": """
class Meta(type):
    @property
    def __name__(cls):
        return 3
    def __getattribute__(cls, name):
        raise RuntimeError(name)

class Odd(metaclass=Meta):
    pass

def moments(X):
    return object.__new__(Odd)
""",
    "q4_total": "def total_variance(X):\n    return type('x' * 10**6, (), {})()",
    "q5_encoder": "Encoder = type('a\\n[31mb', (), {'__init__': lambda self, d, m: None})",
    "q6_gradient": """
def error_gradient(X, y, w):
    raise type("<img src=x onerror=alert(1)>", (Exception,), {})("<script>alert(2)</script>")
""",
}
