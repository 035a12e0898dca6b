# SPDX-License-Identifier: MIT
"""What the studies say of small and easy data: no verdict from rounding, and what they lack.

usage: own_data.py EQUIVALENCE DEPTH_AND_P VANISHING MEMORY
"""
import pathlib
import random
import subprocess
import sys
import tempfile

equivalence, depth_and_p, vanishing, memory = sys.argv[1:]
table = pathlib.Path(tempfile.mkdtemp()) / "mine.csv"
draw = random.Random(3).gauss
with table.open("w") as file:
    print("a,b,c,price", file=file)
    for _ in range(100):
        a, b, c = draw(0, 1), draw(0, 1), draw(0, 1)
        print(f"{a},{b},{c},{3 * a - b + 0.3 * draw(0, 1)}", file=file)
failures = []


def expect(code, text, program, *options):
    done = subprocess.run([program, "--data", table, "--quiet", *options], capture_output=True, text=True, timeout=250)
    if done.returncode != code or text not in done.stdout + done.stderr:
        failures.append(f"{done}")


expect(1, "mine.csv has 3 features, needs 4 or more", equivalence, "--quick")
expect(0, "holds: Depth accelerates l_4", depth_and_p, "--steps", "30")
keep = ["--steps", "30", "--checkpoint", table.with_name("saved"), "--every", "10"]
expect(0, "holds: Depth accelerates l_4", depth_and_p, *keep)
table.write_text(table.read_text().replace("1", "2", 1))
expect(1, "another run: its checksum of x and y is", depth_and_p, *keep, "--resume")
expect(1, "runs end at the optimum but for rounding", depth_and_p, "--steps", "5000")
expect(1, "fewer --steps may tell", vanishing, "--quick")  # and at no rate near the identity's best is depth 4 stable
expect(0, "holds: Near-zero factors stall", vanishing, "--steps", "200")
expect(1, "--steps 1: must be 2 or more", memory, "--steps", "1")
expect(1, "--p 1e+09: every learning rate diverged at every depth", depth_and_p, "--quick", "--p", "1e9")
print("\n".join(failures) or "as expected")
sys.exit(bool(failures))
