"""The same photos on every x86 processor."""

import os

# what NumPy would use beyond AVX2, by the names of 2.2 and of 2.4 and later
BEYOND_AVX2 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4"
SETTINGS = {"NPY_DISABLE_CPU_FEATURES": BEYOND_AVX2, "OPENBLAS_CORETYPE": "Haswell"}


def same_arithmetic() -> None:
    """
    Let NumPy and its OpenBLAS compute as on any x86 processor with AVX2, also in worker processes.

    Both choose other functions on newer processors, whose last digits differ. In a rendered photo a
    pixel then differs here and there, and with its hash the order of the photos, the folds and every
    result. Call this before NumPy is loaded; later it changes worker processes alone.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
