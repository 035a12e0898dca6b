# SPDX-License-Identifier: MIT
"""Output that cannot be written and input that comes in pieces.  usage: streams.py LP_REGRESSION NPY_REGRESSION STUDY

A full disk is a limit on the size of files; a read-only folder is one of another user.
"""
import array
import gzip
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

lp_regression, npy_regression, study = sys.argv[1:]
folder = pathlib.Path(tempfile.mkdtemp())
failures = []


def check(condition, what):
    if not condition:
        failures.append(what)


def run(*command, setup=None, **streams):
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run([str(word) for word in command], preexec_fn=setup, text=True, timeout=200, **streams)


def fit(*options, **more):
    return run(lp_regression, "--data", data, "--steps", 20, "--lr", "0.01", "--method", "gd", "--quiet", *options,
               **more)


def refused(done, what, *messages):
    """Exit code 1 and one line that says why."""
    check(done.returncode == 1, f"{what}: exit code {done.returncode}")
    if done.stderr is not None:
        check(done.stderr.count("\n") == 1 and all(m in done.stderr for m in messages), f"{what}: {done.stderr!r}")


def write_npy(path, rows, cols, values):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, {cols}), }}".ljust(117) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
                     + array.array("d", values).tobytes())


data = folder / "table"
data.write_text("".join(f"{i % 7},{i * i % 11},{i % 5 + 0.25 * i}\n" for i in range(400)))
x, y = folder / "x.npy", folder / "y.npy"
write_npy(x, 100, 3, [(i * 7 % 13) / 13 for i in range(300)])
write_npy(y, 100, 1, [(i * 5 % 11) / 11 for i in range(100)])
programs = {
    "lp_regression": [lp_regression, "--data", data, "--steps", 20, "--lr", "0.01", "--method", "gd", "--quiet"],
    "npy_regression": [npy_regression, x, y],
    "study": [study, "--quick", "--quiet"],
}

# Standard output that is full, or closed.
for name, command in programs.items():
    with open("/dev/full", "w") as full:
        refused(run(*command, stdout=full), f"{name} > /dev/full", "standard output: No space left on device")
    refused(run(*command, stdout=None, setup=lambda: os.close(1)), f"{name} >&-", "standard output: Bad file descriptor")
    check(run(*command, stdin=None, setup=lambda: os.close(0)).returncode == 0, f"{name} <&-")
    check(run(*command, stderr=None, setup=lambda: os.close(2)).returncode == 0, f"{name} 2>&-")

# What is printed never ends up in a file.
whole = folder / "whole"
check(fit("--out", whole).returncode == 0, "a plain run")
expected = (whole / "curves.csv").read_text()
for closed in ([1], [0, 1, 2], [1, 2]):
    out = folder / ("closed" + "".join(map(str, closed)))
    done = fit("--out", out, stdin=None, stdout=None, stderr=None, setup=lambda: [os.close(i) for i in closed])
    check(done.returncode == 1, f"closed {closed}: exit code {done.returncode}")
    check((out / "curves.csv").read_text() == expected, f"closed {closed}: other curves")
    check((out / "summary.json").read_text().startswith("{"), f"closed {closed}: another summary")


# A full disk: the files that were there stay, and nothing else does.
def limit(size):
    def setup():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return setup


def names(path):
    return sorted(p.name for p in path.iterdir())


before = {p.name: p.read_bytes() for p in whole.iterdir()}
for size in [0, 1, 100, len(expected) - 1]:
    refused(fit("--out", whole, setup=limit(size)), f"disk full after {size} bytes", "curves.csv: File too large")
    check({p.name: p.read_bytes() for p in whole.iterdir()} == before, f"disk full after {size} bytes: changed")
fresh = folder / "fresh"
refused(fit("--out", fresh, setup=limit(len(expected) - 1)), "disk full, new folder", "File too large")
check(names(fresh) == [], f"disk full, new folder: {names(fresh)}")
refused(run(study, "--quick", "--quiet", "--out", folder / "study", setup=limit(100)), "study, disk full",
        "File too large")

# Folders that cannot be written, or are none.
refused(fit("--out", data), "--out is a file", "Not a directory")
refused(fit("--out", folder / "no" / "where"), "--out in a folder that is not there", "No such file or directory")
if os.getuid() == 0:
    shared = pathlib.Path(tempfile.mkdtemp())
    shutil.copy(data, shared / "table")
    closed = shared / "closed"
    closed.mkdir()
    for path, mode in [(shared, 0o755), (shared / "table", 0o644), (closed, 0o555)]:
        path.chmod(mode)
    command = [lp_regression, "--data", shared / "table", "--steps", 20, "--lr", "0.01", "--method", "gd", "--quiet"]
    try:
        refused(run(*command, "--out", closed, setup=lambda: os.setuid(65534)), "read-only folder", "Permission denied")
    except PermissionError:
        print("another user may not run the program: no test of a read-only folder")
    shutil.rmtree(shared)

# A pipe that hands over a few bytes at a time, and compressed data that end anywhere.
pipe = folder / "pipe"
os.mkfifo(pipe)


def trickle(content):
    with open(pipe, "wb", buffering=0) as file:
        for at in range(0, len(content), 97):
            file.write(content[at:at + 97])


plain = fit()
check(plain.returncode == 0, "a plain run")


def without_times(text):
    return [line.split()[:-2] for line in text.splitlines()]


for content in (data.read_bytes(), gzip.compress(data.read_bytes())):
    feeder = threading.Thread(target=trickle, args=(content,))
    feeder.start()
    done = run(lp_regression, "--data", pipe, *programs["lp_regression"][3:])
    feeder.join()
    check(done.returncode == 0 and without_times(done.stdout)[1:] == without_times(plain.stdout)[1:],
          f"from a pipe: {done}")
packed = gzip.compress(data.read_bytes())
cut = folder / "cut.gz"
for length in [*range(12, len(packed), 53), len(packed) - 1]:
    cut.write_bytes(packed[:length])
    refused(run(lp_regression, "--data", cut, *programs["lp_regression"][3:]), f"gzip cut off at {length}",
            "cut off or damaged")
content = x.read_bytes()
for length in [0, 5, 11, 60, 128, len(content) - 1]:
    (folder / "short.npy").write_bytes(content[:length])
    refused(run(npy_regression, folder / "short.npy", y), f"NPY cut off at {length}", "short.npy")

shutil.rmtree(folder)
for failure in failures:
    print(failure)
sys.exit(bool(failures))
