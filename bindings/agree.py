# SPDX-License-Identifier: MIT
"""The tutorial l4_comparison says the same in every language, to 12 digits, and depth is ahead.

usage: agree.py COMMAND [-- COMMAND]...      on the simulated table, and on $DEPTHOPT_DATA/gas/ethanol.dat.gz if it is there
"""
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def losses(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    found = re.findall(r"^depth (\d): +(\d\.\d{15,}[eE][+-]\d\d+)$", done.stdout, re.M)
    if done.returncode != 0 or [depth for depth, _ in found] != ["1", "2", "3"]:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return [float(loss) for _, loss in found]


def compare(commands, files):
    reference = losses(commands[0] + files)
    print(*files, "depth 1, 2, 3:", *(f"{loss:.12g}" for loss in reference))
    if not reference[0] > reference[1] > reference[2]:
        sys.exit("depth is not ahead")
    for command in commands[1:]:
        worst = max(abs(a - b) / b for a, b in zip(losses(command + files), reference))
        print(f"  {worst:.1e} apart: {command[-1]}")
        if worst > 5e-13:
            sys.exit(f"{' '.join(command + files)}: {worst:.1e} from {' '.join(commands[0])}")


commands = [[]]
for word in sys.argv[1:]:
    if word == "--":
        commands.append([])
    else:
        commands[-1].append(word)
compare(commands, [])
data = pathlib.Path(os.environ.get("DEPTHOPT_DATA", "/nowhere")) / "gas" / "ethanol.dat.gz"
if data.exists():
    with tempfile.TemporaryDirectory() as folder:
        plain = pathlib.Path(folder) / "ethanol.dat"  # not every language reads gzip
        with gzip.open(data) as packed, plain.open("wb") as out:
            shutil.copyfileobj(packed, out)
        compare(commands, [str(plain)])
