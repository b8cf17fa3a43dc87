"""The same as read_leftovers, by another student whom the same worker may grade right after."""

from pathlib import Path

EXPECT = {}
SEEN = "searched"
_first = Path(__file__).with_name("read_leftovers.py").read_text(encoding="utf-8")
ANSWERS = {"q1_centre": _first.split('"q1_centre": """')[1].split('"""')[0]}
