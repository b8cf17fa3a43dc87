"""Is a student whose name has blanks, a quote, a comma, accents and marks that turn text around."""

EXPECT = {}
STUDENT = "\u0395\u03bb\u03ad\u03bd\u03b7 O'Neil, Zo\u00eb \u202e;%s {0} $HOME"
ANSWERS = {}
