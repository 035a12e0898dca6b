# SPDX-License-Identifier: MIT
"""The distances from the optimum of an independent simulation, on the gas sensors' ethanol data.

usage: figures.py LP_REGRESSION      needs DEPTHOPT_DATA; DEPTHOPT_SLOW: full length, and more seeds
"""
import csv
import os
import pathlib
import subprocess
import sys
import tempfile

if not os.environ.get("DEPTHOPT_DATA"):
    print("skipped: DEPTHOPT_DATA is not set")
    sys.exit(77)
data = pathlib.Path(os.environ["DEPTHOPT_DATA"]) / "gas" / "ethanol.dat.gz"
slow = "DEPTHOPT_SLOW" in os.environ
steps = [5000, 10000, 20000, 50000, 100000]
cases = [  # p, method, depth, lr, distances, tolerance
    (2, "gd", 1, "1e-2", [.03079, .02470, .01961, .01433, .01098], .005),
    (2, "e2e", 2, "1e-3", [.0789, .0570, .0439, .0286, .0200], .03),
    (2, "factored", 2, "1e-3", [.0789, .0570, .0439, .0286, .0200], .03),
    (4, "gd", 1, "1e-3", [.7114, .5573, .4256], .005),
    (4, "e2e", 2, "1e-4", [1.69, 1.13, .866, .514], .03),
]
failures = []
for p, method, depth, lr, want, tolerance in cases:
    count = len(want) if slow else 2
    for seed in range(1, 4 if slow else 2):
        out = tempfile.mkdtemp()
        subprocess.run([sys.argv[1], "--data", data, "--p", str(p), "--method", method, "--depth", str(depth), "--lr", lr,
                        "--steps", str(steps[count - 1]), "--record", "5000", "--seed", str(seed), "--out", out, "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)
        found = {int(r["step"]): float(r["distance"]) for r in csv.DictReader(open(out + "/curves.csv"))}
        for step, value in zip(steps, want[:count]):
            error = found[step] / value - 1
            line = f"p = {p}, {method}, seed {seed}, step {step}: {found[step]:.5g}, expected {value}, {100 * error:+.2f} %"
            print(line)
            if abs(error) > tolerance:
                failures.append(line)
print("\n".join(["outside the tolerance:"] + failures) if failures else "all within their tolerances")
sys.exit(bool(failures))
