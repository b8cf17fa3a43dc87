"""Empties sys.path, the import hooks and the standard streams, with right answers."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import builtins, gc, os, sys, warnings

sys.path.clear()
sys.meta_path.clear()
sys.path_hooks.clear()
sys.stdout = sys.stderr = sys.stdin = None
sys.__stdout__ = sys.__stderr__ = None
sys.excepthook = sys.displayhook = sys.unraisablehook = None
warnings.simplefilter("error")
gc.disable()
sys.setswitchinterval(1e-6)
os.environ.clear()
builtins.print = None
{{RIGHT}}
""",
}
