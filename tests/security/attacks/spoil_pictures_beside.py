"""Names scripts, pages and links as pictures, and shows them in the answer a person marks."""

import json

EXPECT = {}
SCRIPT = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
FILES = ("a.svg", "a.png", "a.jpg", "page.html", "x.js", "b' onerror='alert(1).png")


def hand_in(folder, notebook):
    shown = "".join(f"![a]({name}) <img src='{name}'> " for name in FILES)
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "q7_reason":
            cell["source"] = shown + "![](link.png) ![](../../../secret) ![](/etc/passwd)"
    (folder / "ps0_security.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    for name in FILES:
        (folder / name).write_bytes(SCRIPT)
    (folder / "link.png").symlink_to("/etc/passwd")
