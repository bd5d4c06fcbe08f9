"""
Why stages keep freed memory: training steps of ResNets with glibc's defaults, and as stages set it.

    python benchmarks/memory.py

Processor time of one core per photo, of the program and of the system, page faults in a step, and the
peak of memory. Processor time is disturbed less by other programs than time by the clock.
"""

import resource
import subprocess
import sys

from thinsection.console.stage import keep_freed_memory
from thinsection.forecast.precision import steps_on_noise
from thinsection.params import load_params

SIZES = (("18", "48", "72", "16"), ("18", "96", "144", "32"), ("152", "48", "72", "16"))
WARM, STEPS = 3, 8


def measure(way: str, depth: int, height: int, width: int, batch: int) -> None:
    if way == "kept":
        keep_freed_memory()
    params = load_params()
    size = {"height": height, "width": width, "batch_size": batch}
    changes = {
        "resnet": params.resnet.model_copy(update=size),
        "compute": params.compute.model_copy(update={"threads": 1}),
    }
    steps = steps_on_noise(params.model_copy(update=changes), depth, "float32")
    for _ in range(WARM):
        next(steps)
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(STEPS):
        next(steps)
    after = resource.getrusage(resource.RUSAGE_SELF)
    photos = STEPS * batch / 1000
    print(
        f"{(after.ru_utime - before.ru_utime) / photos:.2f} + "
        f"{(after.ru_stime - before.ru_stime) / photos:.2f} ms a photo, "
        f"{(after.ru_minflt - before.ru_minflt) / STEPS:.0f} faults a step, "
        f"peak {after.ru_maxrss / 1024:.0f} MB"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        way, *numbers = sys.argv[1:]
        measure(way, *map(int, numbers))
        sys.exit()
    for depth, height, width, batch in SIZES:
        for way in ("default", "kept"):
            command = [sys.executable, __file__, way, depth, height, width, batch]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(f"ResNet-{depth}, {height} x {width}, batch {batch}, {way}: {said.strip()}")
