"""Displays two thousand rich objects and a picture of five megabytes, with right answers."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
from IPython.display import HTML, Image, Javascript, clear_output, display, update_display

for number in range(2_000):
    display(HTML("<b>x</b>"), display_id=str(number)) if number < 100 else display(number)
display(Image(data=b"\\x89PNG\\r\\n\\x1a\\n" + bytes(5 * 10**6)))
display({"application/x-odd": {"deep": [1, 2, {"3": object}]}, "text/plain": 3}, raw=True)
clear_output(wait=True)
update_display("y", display_id="1")
{{RIGHT}}
"""
}
