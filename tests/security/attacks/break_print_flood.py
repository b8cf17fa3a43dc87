"""Prints thirty megabytes on every channel in cells and calls, with right answers."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import os, sys

line = "x" * 10**6 + "\\n"
for _ in range(10):
    print(line)
    sys.stderr.write(line)
    for handle in (1, 2):
        try:
            os.write(handle, line.encode())
        except OSError:
            pass

def centre(X):
    for _ in range(10**4):
        print("noise", "noise", file=sys.stderr)
    print(line)
    return X - X.mean(dim=0)
""",
    # Lines of a hundred characters: each line costs a microsecond or two, and the limit is seconds.
    "q2_moments": "!yes $(printf %0100d 0) | head -c 5000000\n{{RIGHT}}\n'y' * 10**7",
}
