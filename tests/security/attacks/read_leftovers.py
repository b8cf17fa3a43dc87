"""Looks for what students before it left in any folder that can be written, and leaves something."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
places, found = writable(), []
for place in places:
    try:
        names = os.listdir(place)
    except OSError:
        names = []
    found += [f"{place}/{name}" for name in names if name.startswith("fort")]
for place in places:
    try:
        with open(f"{place}/fort-escape-left", "w") as file:
            file.write("left by another student")
    except OSError:
        pass
verdict(found, places)
{{RIGHT}}
"""
}
