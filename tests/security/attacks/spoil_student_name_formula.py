"""Is a student whose name is a spreadsheet's formula."""

EXPECT = {}
STUDENT = "=HYPERLINK(1+1,'x')"
ANSWERS = {}
