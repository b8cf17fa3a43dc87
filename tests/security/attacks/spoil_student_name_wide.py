"""Is a student whose name is a formula by a full-width sign."""

EXPECT = {}
STUDENT = "\uff1dSUM(1,1)"
ANSWERS = {}
