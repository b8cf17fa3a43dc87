"""Opens files until it can't, keeps them open, and answers rightly."""

EXPECT = {}
SEEN = "opened"
ANSWERS = {
    "q1_centre": """
import os

kept = []
try:
    for _ in range(10**6):
        kept.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
print(len(kept), "opened", "".join(["FO", "UND no limit"]) if len(kept) > 5000 else "")
{{RIGHT}}
"""
}
