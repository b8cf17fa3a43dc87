"""Reads every file that it can reach outside the system's own folders, looking for canaries."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
end, seen, found = time.monotonic() + 1.5, 0, []
for top, folders, files in os.walk("/"):
    system = top in ("/", "/usr", "/usr/lib")
    folders[:] = [f for f in folders if not (system and f in ("proc", "sys", "x86_64-linux-gnu"))]
    folders[:] = [f for f in folders if f not in ("site-packages", "dist-packages", "python3")]
    for name in files:
        seen += 1
        found += look_in(os.path.join(top, name))
    if time.monotonic() > end:
        break
verdict(found, seen)
{{RIGHT}}
"""
}
