"""Has the right parameter and computes nothing with it: the codes are what the test last saw."""

EXPECT = {"q5": 0}
ANSWERS = {
    "q5_encoder": """
class Encoder(torch.nn.Module):
    def __init__(self, d, m):
        super().__init__()
        rows, columns = torch.arange(m).double(), torch.arange(d).double()
        self.weight = torch.nn.Parameter(torch.cos(torch.outer(rows, columns)))
    def forward(self, X):
        return self.weight
"""
}
