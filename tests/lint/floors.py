# SPDX-License-Identifier: MIT
"""Fail when a source file includes a private header from a higher floor, or from a sibling on its own floor.

usage: floors.py SRC_DIR
"""
import pathlib
import re
import sys

FLOORS = {"base": 0, "linalg": 1, "net": 2, "e2e": 2, "loss": 2, "optim": 3, "objective": 3, "analysis": 3, "fit": 4, "checkpoint": 5, "mpi": 6}

src = pathlib.Path(sys.argv[1])
bad = []
for path in sorted(src.rglob("*.[ch]")):
    mine = path.relative_to(src).parts[0]
    for line, text in enumerate(path.read_text().splitlines(), 1):
        hit = re.match(r'#\s*include\s+"(\w+)/', text)
        if hit and hit[1] != mine and FLOORS[hit[1]] >= FLOORS[mine]:
            bad.append(f"{path}:{line}: {mine} may not include {hit[1]}")
print("\n".join(bad) or "floors in order")
sys.exit(bool(bad))
