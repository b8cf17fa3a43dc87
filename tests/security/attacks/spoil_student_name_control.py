"""Is a student whose name holds terminal codes, a newline and a formula after it."""

EXPECT = {}
STUDENT = "\x1b]0;title\x07\x1b[2J evil\n=1+1"
ANSWERS = {}
