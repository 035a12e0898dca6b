# SPDX-License-Identifier: MIT
"""mnist_cnn from outside: good and bad files, bad options, what it writes, interruption.

usage: mnist.py MNIST_CNN
With DEPTHOPT_DATA the curves of the real data are checked for 101 steps, with DEPTHOPT_SLOW too those of 1,001 steps
and the test error after two epochs.
"""
import csv
import gzip
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time

program = sys.argv[1]
folder = pathlib.Path(tempfile.mkdtemp())
failures = []
KINDS = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


def run(*options, timeout=3000):
    return subprocess.run([program, *map(str, options)], capture_output=True, text=True, timeout=timeout)


def check(condition, what):
    if not condition:
        failures.append(what)


def idx(extents, content, magic=b"\0\0\x08"):
    return magic + bytes([len(extents)]) + b"".join(struct.pack(">I", n) for n in extents) + content


def files(train=6000, test=70, **other):
    """The four files, `other` by their kind with - as _, in a folder of their own."""
    made = pathlib.Path(tempfile.mkdtemp(dir=folder))
    for kind in KINDS:
        count = train if kind.startswith("train") else test
        images = "images" in kind
        content = bytes(i * i // 7 % 251 for i in range(784)) * count if images else bytes(i % 10 for i in range(count))
        data = gzip.compress(idx([count, 28, 28] if images else [count], content), 1)
        data = other.get(kind.replace("-", "_"), data)
        if data is not None:
            (made / (kind + ".gz")).write_bytes(data)
    return made


def bad(message, **other):
    done = run("--data", files(**other), "--steps", 1, "--quiet")
    check(done.returncode == 1 and not done.stdout and done.stderr.count("\n") == 1 and message in done.stderr,
          f"{message!r}: {done}")


def usage(message, *options):
    done = run(*options)
    check(done.returncode == 2 and not done.stdout and message in done.stderr and done.stderr.count("\n") == 1,
          f"{options}: {done}")


def curves(out):
    with open(folder / out / "curves.csv", newline="") as file:
        return list(csv.DictReader(file))


# Files
labels = bytes(i % 10 for i in range(6000))
done = run("--data", files(), "--steps", 1, "--quiet", "--variants", "plain", "--network", "lenet5")
check(done.returncode == 0 and "MNIST: 1000 to train, 5000 for validation, 70 to test" in done.stdout, f"good: {done}")
bad("No such file", train_labels_idx1_ubyte=None)
bad("too short", train_labels_idx1_ubyte=b"\0\0\x08")
bad("starts with 00 00 09 01", train_labels_idx1_ubyte=idx([6000], labels, b"\0\0\x09"))
bad("starts with 00 00 08 02, must start with 00 00 08 01", train_labels_idx1_ubyte=idx([6000, 1], labels))
bad("extent 1 is 0", train_labels_idx1_ubyte=idx([0], b""))
bad("holds 5999 elements, its header says 6000", train_labels_idx1_ubyte=idx([6000], labels[1:]))
bad("holds more than 6000 elements", train_labels_idx1_ubyte=idx([6000], labels + b"\0"))
bad("its header says 4294967295", train_labels_idx1_ubyte=idx([2 ** 32 - 1], labels))
bad("the product of all countable", t10k_images_idx3_ubyte=idx([2 ** 32 - 1] * 3, b""))
bad("train-labels-idx1-ubyte.gz: ", train_labels_idx1_ubyte=gzip.compress(idx([6000], labels))[:-9])
bad("6000 images and 5999 labels", train_labels_idx1_ubyte=idx([5999], labels[1:]))
bad("label 17 is 10, must be a digit", train_labels_idx1_ubyte=idx([6000], labels[:16] + b"\x0a" + labels[17:]))
bad("images are 28 x 27", t10k_images_idx3_ubyte=idx([70, 28, 27], bytes(70 * 28 * 27)))
bad("6000 at least", train=5999)

# Options
usage("--variants plain,plain: must be", "--variants", "plain,plain")
usage("--variants deep: must be", "--variants", "deep")
usage("--network vgg: must be tutorial or lenet5", "--network", "vgg")
usage("--penalty all: must be", "--penalty", "all")
usage("--depth 2.5: must be an integer", "--depth", "2.5")
usage("--depth 0.5: must be", "--depth", "0.5")
usage("--steps 0: must be", "--steps", "0")
usage("--steps: its value is missing", "--steps")
usage("--nonsense: no such option", "--nonsense", "1")

done = run("--steps", 10**9, "--out", folder / "no" / "where", "--threads", 1)  # refused before the first of them
check(done.returncode == 1 and not done.stdout and "No such file or directory" in done.stderr, f"--out: {done}")

# What is written, on drawn digits, with the second network and a real depth of the end-to-end rule
done = run("--network", "lenet5", "--variants", "e2e,plain", "--depth", "2.5", "--steps", 150, "--evaluate", 100, "--out",
           folder / "o", "--threads", 1)
check(done.returncode == 0 and not done.stderr, f"lenet5: {done}")
rows = curves("o")
summary = json.loads((folder / "o" / "summary.json").read_text())
check([(r["variant"], r["step"]) for r in rows if r["test_error"]] ==
      [(v, s) for v in ("e2e", "plain") for s in ("100", "150")], "lenet5: steps of the test error")
check(all(abs(float(r["total"]) - float(r["cross_entropy"]) - float(r["penalty"])) < 1e-6 for r in rows if r["total"]),
      "lenet5: the total is not the sum of its parts")
check([r["variant"] for r in summary["runs"]] == ["e2e", "plain"] and summary["depth"] == 2.5, "lenet5: summary")
for one in summary["runs"]:
    check(one["steps"] == 150 and one["test_error"] < 0.1, f"lenet5 has not learned: {one}")
    check(one["collapse_gap"] <= 1e-5 and one["collapsed_test_error"] == one["test_error"], f"lenet5 collapse: {one}")
check(b"<svg" in (folder / "o" / "curves.svg").read_bytes()[:300], "lenet5: no picture")

# Interruption: what was learned so far is written
running = subprocess.Popen([program, "--network", "lenet5", "--out", str(folder / "i"), "--threads", "1", "--steps",
                            "1000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
cpu = pathlib.Path(f"/proc/{running.pid}/stat")
while running.poll() is None and int(cpu.read_text().split()[13]) < 3 * os.sysconf("SC_CLK_TCK"):
    time.sleep(0.1)
running.send_signal(signal.SIGINT)
output, errors = running.communicate(timeout=100)
check(running.returncode == 0 and "; interrupted" in output, f"interrupted: {running.returncode} {output} {errors}")
summary = json.loads((folder / "i" / "summary.json").read_text())
check(summary["interrupted"] and 0 < summary["runs"][0]["steps"] < summary["steps"], f"interrupted: {summary}")
check(len(curves("i")) > 2, "interrupted: no curves")

# Penalty and total of an independent run, which lie on the published curves. Its total of the plain network at step 100,
# 3.25, is that of a lucky batch (cross-entropy 0.16, while the mean of the steps around is 0.36); the curve has 3.42.
FACTORED = {100: (9.00, 9.21), 300: (5.02, 5.23), 530: (2.89, 2.95), 1000: (1.21, 1.29)}
PLAIN = {100: (3.09, 3.42), 300: (3.03, 3.25), 530: (2.96, 3.01), 1000: (2.83, 2.90)}
data = os.environ.get("DEPTHOPT_DATA")
if data:
    slow = "DEPTHOPT_SLOW" in os.environ
    steps = 1001 if slow else 101
    done = run("--data", pathlib.Path(data) / "mnist", "--steps", steps, "--out", folder / "m", "--quiet")
    check(done.returncode == 0, f"MNIST: {done}")
    for r in curves("m"):
        want = (FACTORED if r["variant"] == "factored" else PLAIN).get(int(r["step"]))
        if want and r["penalty"]:
            penalty, mean = float(r["penalty"]), float(r["cross_entropy_mean"])
            check(abs(penalty / want[0] - 1) < 0.03, f"MNIST, penalty at {r['step']}: {penalty}, want {want[0]}")
            # The mean of 50 steps against the one batch that the reference shows.
            check(abs((penalty + mean) / want[1] - 1) < 0.05,
                  f"MNIST, total of {r['variant']} at {r['step']}: {penalty + mean}")
    if slow:
        done = run("--data", pathlib.Path(data) / "mnist", "--epochs", 2, "--out", folder / "e", "--variants", "plain",
                   "--quiet")
        error = json.loads((folder / "e" / "summary.json").read_text())["runs"][0]["test_error"]
        check(error <= 0.015, f"MNIST: test error {error} after two epochs")

print("\n".join(failures) or "mnist_cnn in order")
sys.exit(bool(failures))
