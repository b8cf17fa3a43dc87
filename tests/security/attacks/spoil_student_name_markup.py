"""Is a student whose name is markup with a script."""

EXPECT = {}
STUDENT = "<img src=x onerror=alert(1)>"
ANSWERS = {}
