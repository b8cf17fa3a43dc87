"""Asks the system's own programs: ls, cat, find, ps, env, mount, through IPython's ! and magics."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
outputs = []
lines = !env 2>&1; ls -laR /work /tmp /home /root /run 2>&1; cat {{COURSE}}/source/*/* 2>&1
outputs += lines
more = %sx ps aux 2>&1; cat {{SOLUTIONS}}/ps0_security/ps0_security.md {{CANARY}}/* 2>&1
outputs += more
text = "\\n".join(outputs)
found = sightings(text.encode("utf-8", "replace"))
found += [line for line in outputs if "-honest-" in line or "python -m " + "autograder" in line]
verdict(found, len(outputs))
{{RIGHT}}
"""
}
