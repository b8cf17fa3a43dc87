"""The arithmetics of one machine: how other processors would round, and what they need of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

__all__ = ["ARITHMETICS", "SHORT", "Arithmetic"]

_AVX2 = "+sse4.2,+popcnt,+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt"


@dataclass(frozen=True)
class Arithmetic:
    """A name, the variables that bring it about, and what of the processor it needs.

    ``shifted``: torch's memory begins at any multiple of 16, not of 64 (see shifted.c).
    """

    name: str
    says: str
    variables: dict[str, str] = field(default_factory=dict)
    needs: str = ""  # a flag of the processor
    shifted: bool = False

    def missing(self) -> str:
        """Why this machine can't, or nothing."""
        if self.needs and self.needs not in _flags():
            return f"needs a processor with {self.needs}"
        if self.shifted and os.confstr("CS_GNU_LIBC_VERSION") is None:
            return "needs Linux with glibc"
        if self.shifted and _compiler() is None:
            return "needs a C compiler: cc, gcc or clang"
        return ""

    def environment(self, folder: Path) -> dict[str, str]:
        """The variables to run under; what they need is made in ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        variables = {"OMP_NUM_THREADS": "1"}
        if "NUMBA_CPU_NAME" in self.variables:  # else this processor's own, compiled already
            variables["NUMBA_CACHE_DIR"] = str(folder / "numba")
        if self.shifted:
            library = folder / "shifted.so"
            source = Path(__file__).with_name("shifted.c")
            compiler = _compiler()
            assert compiler is not None
            command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source)]
            subprocess.run(command, check=True)
            variables["LD_PRELOAD"] = str(library)
        return variables | self.variables


ARITHMETICS = {
    arithmetic.name: arithmetic
    for arithmetic in (
        Arithmetic("native", "this processor's, one thread"),
        Arithmetic("threads", "this processor's, two threads", {"OMP_NUM_THREADS": "2"}),
        Arithmetic("shifted", "this processor's, on operands aligned otherwise", shifted=True),
        Arithmetic(
            "oldest",
            "SSE only: torch's default kernels, MKL COMPATIBLE, OpenBLAS Nehalem, numba generic",
            {
                "ATEN_CPU_CAPABILITY": "default",
                "MKL_CBWR": "COMPATIBLE",
                "OPENBLAS_CORETYPE": "Nehalem",
                "NUMBA_CPU_NAME": "generic",
                "NUMBA_CPU_FEATURES": "",
            },
            needs="sse4_2",
        ),
        Arithmetic(
            "haswell",
            "AVX2 of Intel: MKL's reproducible branch, OpenBLAS and numba for Haswell",
            {
                "ATEN_CPU_CAPABILITY": "avx2",
                "MKL_CBWR": "AVX2",
                "OPENBLAS_CORETYPE": "Haswell",
                "NUMBA_CPU_NAME": "haswell",
                "NUMBA_CPU_FEATURES": _AVX2,
            },
            needs="avx2",
        ),
        Arithmetic(
            "zen",
            "AVX2 of AMD: MKL up to AVX2, OpenBLAS for Zen, numba for Zen 3, two threads",
            {
                "ATEN_CPU_CAPABILITY": "avx2",
                "MKL_ENABLE_INSTRUCTIONS": "AVX2",
                "OPENBLAS_CORETYPE": "Zen",
                "NUMBA_CPU_NAME": "znver3",
                "NUMBA_CPU_FEATURES": _AVX2,
                "OMP_NUM_THREADS": "2",
            },
            needs="avx2",
        ),
        Arithmetic(
            "skylake",
            "AVX-512: torch's and MKL's widest, OpenBLAS for Skylake, two threads",
            {
                "ATEN_CPU_CAPABILITY": "avx512",
                "MKL_CBWR": "AVX512",
                "OPENBLAS_CORETYPE": "SkylakeX",
                "OMP_NUM_THREADS": "2",
            },
            needs="avx512f",
        ),
    )
}
SHORT = ("oldest", "zen", "shifted")  # as different as they come


@cache
def _flags() -> frozenset[str]:
    """What the processor can do, as Linux tells it; elsewhere nothing is known."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return frozenset()
    flags = next((line.partition(":")[2] for line in lines if line.startswith("flags")), "")
    return frozenset(flags.split())


def _compiler() -> str | None:
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
