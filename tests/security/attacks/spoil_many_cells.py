"""Has two hundred cells of its own between right answers, with code, text and errors."""

EXPECT = {}
EXTRAS = [
    (after, kind, source)
    for number in range(100)
    for after, kind, source in (
        ("q1_centre", "code", f"x{number} = {number}\nx{number}"),
        ("q2_moments", "markdown" if number % 2 else "code", f"1 / 0 + {number}"),
    )
]
ANSWERS = {}
