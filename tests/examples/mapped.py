# SPDX-License-Identifier: MIT
"""Arrays from NumPy files, mapped, train as the formula says; broken files are refused with one line.

usage: mapped.py NPY_REGRESSION
"""
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time


def npy(path, rows, cols, numbers, descr="<f8", fortran=False, shape=None):
    shape = shape or (f"({rows}, {cols})" if cols else f"({rows},)")
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    text += " " * ((-len(text) - 11) % 64) + "\n"
    body = struct.pack("<%d%s" % (len(numbers), "f" if descr == "<f4" else "d"), *numbers)
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + body)


def run(*arguments):
    return subprocess.run([sys.argv[1], *map(str, arguments)], capture_output=True, text=True)


def gradient_descent(x, y, m, d, p, lr, steps):
    """From w = 0 nothing moves at depth 1 but by the gradient of the mean of |error|^p / p."""
    w = [0.0] * d
    for step in range(steps + 1):
        errors = [sum(a * b for a, b in zip(x[i * d:i * d + d], w)) - y[i] for i in range(m)]
        value = sum(abs(e) ** p for e in errors) / (p * m)
        if step < steps:
            slopes = [abs(e) ** (p - 1) * (1 if e > 0 else -1) for e in errors]
            w = [w[c] - lr * sum(slopes[i] * x[i * d + c] for i in range(m)) / m for c in range(d)]
    return value


folder = pathlib.Path(tempfile.mkdtemp())
random.seed(4)
m, d = 700, 5
x = [random.gauss(0, 1) for _ in range(m * d)]
y = [x[i * d] - 0.5 * x[i * d + 2] + 0.1 * random.gauss(0, 1) for i in range(m)]
by_columns = [x[i * d + c] for c in range(d) for i in range(m)]
npy(folder / "x.npy", m, d, x)
npy(folder / "f.npy", m, d, by_columns, fortran=True)
npy(folder / "s.npy", m, d, x, descr="<f4")
npy(folder / "y.npy", m, 0, y)
npy(folder / "t.npy", m, 0, y, descr="<f4")
failures = []
ends = []
for data, target, tolerance in (("x", "y", 1e-6), ("f", "y", 1e-6), ("s", "t", 1e-3)):
    for threads in (1, 2):
        done = run(folder / f"{data}.npy", folder / f"{target}.npy", "--depth", 1, "--lr", 0.02, "--steps", 30, "--resident",
                   0.001, "--threads", threads)
        end = float(done.stdout.split(" at ")[1].split(",")[0]) if done.returncode == 0 else float("nan")
        ends.append(end)
        want = gradient_descent(x, y, m, d, 4, 0.02, 30)
        # the program starts from factors of standard deviation 0.01, so within that
        if not abs(end / want - 1) < 0.05:
            failures.append(f"{data}, {threads} threads: {end}, expected {want}\n{done.stderr}")
if not ends[0] == ends[1] or not abs(ends[2] / ends[0] - 1) < 1e-7 or not abs(ends[4] / ends[0] - 1) < 1e-3:
    failures.append(f"the layouts, dtypes or threads disagree: {ends}")
# Killed and interrupted on the way, it ends where it ends alone.
job = [folder / "x.npy", folder / "y.npy", "--steps", 60000, "--lr", 0.001]
start = time.time()
alone = run(*job).stdout.splitlines()[-1].split(",")[0]
seconds = time.time() - start
keep = [*job, "--checkpoint", folder / "saved", "--every", 1000]
for number in (signal.SIGKILL, signal.SIGINT, signal.SIGINT, None):
    child = subprocess.Popen([sys.argv[1], *map(str, keep)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if number is not None:
        time.sleep(random.uniform(0.05, 0.2) * seconds)
        child.send_signal(number)
    output, message = child.communicate()
    if child.returncode not in {signal.SIGKILL: (-9, 0), signal.SIGINT: (130, 0), None: (0,)}[number] or (
            child.returncode == 130 and "--resume goes on" not in message):
        failures.append(f"signal {number}: {child.returncode} {message}")
    keep = [*keep, "--resume"]
if alone != output.splitlines()[-1].split(",")[0] or "60000 steps" not in alone:
    failures.append(f"{output} where it should be {alone}")
npy(folder / "z.npy", m, 0, [v + 1 for v in y])
for options, said in ((["--lr", 0.002], "--lr is 0.001, here it is 0.002"), (["--p", 2], "--p is 4, here it is 2"),
                      (["--depth", "inf"], "--depth is 2, here it is inf")):
    other = run(*keep, *options)
    if other.returncode != 1 or f"another run: its {said}\n" not in other.stderr:
        failures.append(f"{options}: {other}")
other = run(keep[0], folder / "z.npy", *keep[2:])
if other.returncode != 1 or "another run: its checksum of x and y is" not in other.stderr:
    failures.append(f"another target: {other}")
for options, code, said in ((["--depth", "inf", "--steps", 3], 0, "ended (steps) after 3 steps"),
                            (["--p", 1e9], 1, "ended (diverged) after 0 steps")):
    ended = run(folder / "x.npy", folder / "y.npy", *options)
    if ended.returncode != code or said not in ended.stdout:
        failures.append(f"{options}: {ended}")
npy(folder / "pairs.npy", m, 2, y + y)
npy(folder / "few.npy", m - 1, 0, y[1:])
for target, said in (("pairs", "pairs.npy is 700 x 2, must be one number a row"), ("t", "t.npy is float32, must be float64 as"),
                     ("few", "few.npy has 699 numbers, must have one for each of the 700 rows of")):
    refused = run(folder / "x.npy", folder / f"{target}.npy")
    if refused.returncode != 1 or said not in refused.stderr:
        failures.append(f"{target}: {refused}")
npy(folder / "short.npy", m + 1, d, x)
npy(folder / "int.npy", m, d, x, descr="<i8")
npy(folder / "cube.npy", m, d, x, shape="(7, 100, 5)")
(folder / "text.npy").write_text("no array at all, but some text")
(folder / "empty.npy").touch()
for name, text in (("short", "shorter than"), ("int", "must be float64"), ("cube", "one or two"), ("text", "not an NPY"),
                   ("missing", "missing.npy: No such file or directory"), ("empty", "the file is empty")):
    done = run(folder / f"{name}.npy", folder / "y.npy")
    if done.returncode != 1 or text not in done.stderr or done.stderr.count("\n") != 1:
        failures.append(f"{name}: {done.returncode} {done.stderr}")
print("\n".join(failures) or "mapped arrays train as they should")
sys.exit(bool(failures))
