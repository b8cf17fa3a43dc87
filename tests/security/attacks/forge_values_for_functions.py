"""Binds the declared names to values, classes, modules and other names instead of functions."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0, "q5": 0, "q6": 0}
ANSWERS = {
    "q1_centre": "centre = torch.tensor([[-1.0, -20.0], [1.0, 20.0]])",
    "q2_moments": "moments = [lambda X: X]\nmoments.append(moments)",
    "q4_total": "total_variance = 5.0",
    "q5_encoder": "Encoder = torch",
    "q6_gradient": "error_gradient = get_ipython()",
}
