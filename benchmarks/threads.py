"""
Why threads spin for a moment only: steps of a ResNet-18 beside a busy neighbour on the same cores.

    python benchmarks/threads.py

Prints milliseconds a photo with threads that wait for each other in different ways, on an idle
machine and beside as many busy processes as there are cores.
"""

import os
import subprocess
import sys

STEP = """
import time
import torch
from torch.nn.functional import cross_entropy
from thinsection.learning.training import make_optimiser
from thinsection.learning.examples.resnets import build_resnet

network = build_resnet(18, "none", 4).to(memory_format=torch.channels_last)
optimiser = make_optimiser(network.parameters(), 0.001, 0.01)
photos = torch.rand(16, 3, 64, 96).contiguous(memory_format=torch.channels_last)
labels = torch.randint(4, (16,))
times = []
for _ in range(12):
    started = time.perf_counter()
    cross_entropy(network(photos), labels).backward()
    optimiser.step()
    optimiser.zero_grad()
    times.append(time.perf_counter() - started)
print(f"{sorted(times[2:])[5] / 16 * 1000:.0f} ms a photo")
"""


WAYS = {
    "spin a moment, then sleep (thinsection)": {"GOMP_SPINCOUNT": "20000"},
    "sleep at once": {"GOMP_SPINCOUNT": "0"},
    "spin": {"OMP_WAIT_POLICY": "ACTIVE", "GOMP_SPINCOUNT": "infinite"},
}


def step(way: str) -> str:
    env = os.environ | WAYS[way]
    return subprocess.run(
        [sys.executable, "-c", STEP], env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


if __name__ == "__main__":
    for way in WAYS:
        print(f"idle machine, {way}: {step(way)}")
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        for way in WAYS:
            print(f"busy neighbours, {way}: {step(way)}")
    finally:
        for process in busy:
            process.kill()
