"""Is a student whose name turns the direction of what is written after it."""

EXPECT = {}
STUDENT = "turned\u202eeman"
ANSWERS = {}
