"""Is a student whose name is a formula behind a space of another script."""

EXPECT = {}
STUDENT = "\u3000=1+1"
ANSWERS = {}
