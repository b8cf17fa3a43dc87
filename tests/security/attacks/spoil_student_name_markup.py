"""Is a student whose name is markup with a script."""

EXPECT = {}
NOBODY = True
STUDENT = "<img src=x onerror=alert(1)>"
ANSWERS = {}
