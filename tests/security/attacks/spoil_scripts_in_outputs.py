"""Displays HTML, SVG, JavaScript, LaTeX and widgets with scripts in them, and prints some."""

EXPECT = {"q2": 0}
ANSWERS = {
    "q1_centre": """
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display

evil = "<script>alert('displayed')</script><img src=x onerror=alert(1)>"
display(HTML(evil), Javascript("alert('displayed')"), Markdown(evil), Latex(evil))
display(SVG(f"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(2)</script></svg>"))
display({"text/html": evil, "application/vnd.jupyter.widget-view+json": {"model_id": evil}}, raw=True)
print(evil)
class Rich:
    def _repr_html_(self): return evil
    def _repr_javascript_(self): return "alert('displayed')"
    def _repr_mimebundle_(self, **kwargs): return {"text/html": evil}
{{RIGHT}}
Rich()
""",
    "q2_moments": """
def moments(X):
    raise ValueError(evil + "\\x1b[31m" + "x" * 5000)
""",
}
