"""Imports the exercise's reference: by name, by loaders, by submodules, after cleaning the hooks."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import importlib, importlib.machinery, importlib.util, pkgutil, runpy
import replearn

secret = "replearn." + "pca"
def by_clean_hooks():
    kept = sys.meta_path[:]
    try:
        sys.meta_path[:] = [importlib.machinery.PathFinder]
        importlib.invalidate_caches()
        return importlib.import_module(secret)
    finally:
        sys.meta_path[:] = kept
def by_loader():
    path = os.path.join(os.path.dirname(replearn.__file__), "pca" + ".py")
    return importlib.machinery.SourceFileLoader("other", path).load_module()
def by_cache():
    folder = os.path.join(os.path.dirname(replearn.__file__), "__pycache__")
    names = [name for name in os.listdir(folder) if name.startswith("pca")]
    return importlib.machinery.SourcelessFileLoader("other", os.path.join(folder, names[0])).load_module()
def by_process():
    import subprocess
    code = f"import {secret} as m; print(m.PCA)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20)
    return done.stdout if done.returncode == 0 else None
def by_source(name):
    with open(os.path.join(os.path.dirname(replearn.__file__), name + ".py")) as file:
        return file.read()
ways = [lambda: importlib.import_module(secret), lambda: runpy.run_module(secret),
        lambda: sys.modules[secret], by_clean_hooks, by_loader, by_cache, by_process,
        lambda: pkgutil.resolve_name(secret), lambda: replearn.pca,
        lambda: pkgutil.get_data("replearn", "pca.py").decode(),
        lambda: by_source("pca")]
found = []
for number, way in enumerate(ways):
    try:
        got = way()
        if got and (type(got) in (str, bytes) or hasattr(got, "PCA") or "PCA" in got):
            found.append(f"way {number}")
    except BaseException as error:
        pass
verdict(found, len(ways))
{{RIGHT}}
"""
}
