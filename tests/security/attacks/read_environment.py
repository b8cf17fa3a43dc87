"""Looks for the seed, the secret and the grader's paths in environment, arguments and mounts."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
texts = {f"environment {name}": f"{name}={value}" for name, value in os.environ.items()}
texts["arguments"] = " ".join([*sys.argv, *sys.orig_argv, sys.executable])
for name in ("self/environ", "self/cmdline", "1/environ", "1/cmdline", "cmdline", "keys"):
    try:
        with open(f"/proc/{name}", "rb") as file:
            texts[name] = file.read(2**16).decode("latin-1")
    except OSError:
        pass
found = [place for place, text in texts.items()
         if "GRADING" + "_SEED=" in text or "{{COURSE}}" in text or "{{SOLUTIONS}}" in text
         or "SSH_" in text or "TOKEN" in text or sightings(text.encode())]
verdict(found, len(texts))
{{RIGHT}}
"""
}
