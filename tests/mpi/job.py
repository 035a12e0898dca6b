# SPDX-License-Identifier: MIT
"""lp_regression_mpi: every form of file read in parts, by how much memory, and a job that loses a rank.

usage: job.py LAUNCHER PROGRAM SERIAL_PROGRAM
"""
import array
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

launcher, program, serial = sys.argv[1:4]
mpich = "mpich" in launcher
folder = tempfile.TemporaryDirectory()
here = pathlib.Path(folder.name)
rng = random.Random(7)


def command(ranks, *options):
    # MPICH says which rank died only if asked for.
    return [launcher, *(["-print-all-exitcodes"] if mpich else []), "-n", str(ranks), program, *map(str, options)]


def run(ranks, *options, code=0):
    done = subprocess.run(command(ranks, *options), capture_output=True, text=True, timeout=300)
    if (done.returncode == 0) != (code == 0):
        sys.exit(f"{' '.join(command(ranks, *options))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def check(condition, text):
    if not condition:
        sys.exit(text)


def result(text):
    """Loss and bits of the last run."""
    loss, bits = re.findall(r"^\w+ +[\d.]+ +\S+ +(\S+) +\S+  ([0-9a-f]{8})$", text, re.M)[-1]
    return float(loss), bits


def numbers(rows, cols):
    x = [[rng.gauss(0.0, 1.0) + 3.0 for _ in range(cols)] for _ in range(rows)]
    return x, [row[0] - 2.0 * row[cols // 2] + rng.gauss(0.0, 0.1) for row in x]


def write_npy(path, values, shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() +
                     array.array("d", values).tobytes())


def write_table(path, x, y, names=None):
    lines = [",".join(map(repr, row + [target])) for row, target in zip(x, y)]
    path.write_text("\n".join(([names] if names else []) + lines) + "\n")


def every_form_in_parts():
    x, y = numbers(500, 6)
    write_table(here / "names.csv", x, y, "a,b,c,d,e,f,y")
    write_table(here / "plain.csv", x, y)
    (here / "windows.csv").write_bytes((here / "plain.csv").read_bytes().replace(b"\n", b"\r\n"))
    (here / "sparse.txt").write_text("".join(f"{t!r} " + " ".join(f"{i + 1}:{v!r}" for i, v in enumerate(row)) + "\n"
                                             for row, t in zip(x, y)))
    write_npy(here / "x.npy", [v for row in x for v in row], "(500, 6)")
    write_npy(here / "y.npy", y, "(500,)")
    options = ["--method", "e2e", "--depth", "2", "--lr", "0.01", "--steps", "100"]
    bits = set()
    for name in ["names.csv", "plain.csv", "windows.csv", "sparse.txt", "x.npy"]:
        files = ["--data", here / name] + (["--target", here / "y.npy"] if name == "x.npy" else [])
        for ranks in (1, 3, 4):
            loss, found = result(run(ranks, *files, *options, "--reproducible", "--block", 32))
            bits.add(found)
    check(len(bits) == 1, f"different weights from the same numbers: {bits}")
    alone = subprocess.run([serial, "--data", here / "plain.csv", *options], capture_output=True, text=True, check=True)
    want = float(re.search(r"^e2e .*?(\S+) +\S+ +winner$", alone.stdout, re.M).group(1))
    check(abs(loss - want) < 1e-5 * want, f"loss {loss}, on one machine {want}")  # six digits are printed
    print("every form in parts: the same bits on 1, 3 and 4 ranks")

    lines = (here / "plain.csv").read_text().splitlines()
    lines[400] = lines[400].replace(",", ",x", 1)
    (here / "bad.csv").write_text("\n".join(lines) + "\n")
    text = run(4, "--data", here / "bad.csv", *options, code=1)
    check("part 4 of 4" in text and "expected a finite number" in text, text)
    text = run(2, "--data", here / "nowhere.csv", *options, code=1)
    check("No such file" in text, text)


def odd_files():
    """More ranks than lines, lines longer than a part, no newline at the end: the bits of one rank, or its message."""
    x, y = numbers(3, 700)
    write_table(here / "few.csv", x, y)
    plain = (here / "few.csv").read_bytes()
    for name, contents in {"end.csv": plain[:-1], "return.csv": plain.replace(b"\n", b"\r\n")[:-2],
                           "empty.csv": plain.replace(b"\n", b"\n\n") + b"\n"}.items():
        (here / name).write_bytes(contents)
    (here / "long.txt").write_text("1 1:2 2:1\n2 " + " ".join(f"{i}:{i % 7}.5" for i in range(1, 5000)) + "\n3 2:4\n4 1:1")
    options = ["--method", "gd", "--lr", "0.001", "--steps", "5", "--reproducible"]
    for same in (["few.csv", "end.csv", "return.csv", "empty.csv"], ["long.txt"]):
        bits = {result(run(ranks, "--data", here / name, *options))[1] for name in same for ranks in (1, 4)}
        check(len(bits) == 1, f"{same}: different weights: {bits}")
    write_table(here / "one.csv", x[:1], y[:1])
    (here / "nothing.csv").write_text("")
    for name in ("one.csv", "nothing.csv"):
        alone, many = (run(ranks, "--data", here / name, *options, code=1) for ranks in (1, 4))
        said = next(line for line in alone.splitlines() if line.startswith("lp_regression_mpi: "))
        check(said.replace("part 1 of 1", "") in many.replace("part 1 of 4", ""), f"one rank:\n{alone}four:\n{many}")
    print("more ranks than lines, lines longer than a part: as on one rank")


def cannot_save():
    """Rank 0 alone cannot write; all end."""
    text = run(3, "--method", "gd", "--lr", "0.001", "--checkpoint", here / "nowhere" / "run.safetensors", "--every", 10,
               "--steps", 50, code=1)
    check("nowhere" in text, text)
    print("a checkpoint that rank 0 cannot write ends the job")


def resident(ranks, *options):
    text = run(ranks, *options, "--memory", "--steps", 1, "--method", "gd", "--lr", "0.001")
    return 1024 * int(re.search(r"at most (\d+) KiB", text).group(1))


def no_rank_holds_the_file():
    x, y = numbers(400, 50)
    write_table(here / "wide.csv", x, y)
    (here / "large.csv").write_bytes((here / "wide.csv").read_bytes() * 60)
    count = 24000 * 50
    write_npy(here / "large.npy", [v for row in x for v in row] * 60, "(24000, 50)")
    write_npy(here / "large_y.npy", y * 60, "(24000,)")
    for files, least in [(["--data", here / "large.csv"], (here / "large.csv").stat().st_size),
                         (["--data", here / "large.npy", "--target", here / "large_y.npy"], 8 * count)]:
        one, four = (resident(ranks, *files) - resident(ranks, "--data", here / "wide.csv") for ranks in (1, 4))
        name = files[1].name
        print(f"{name}: {least / 1e6:.1f} MB; more in memory on 1 rank: {one / 1e6:.1f} MB, on each of 4: {four / 1e6:.1f} MB")
        check(one > 0.8 * least, "the measure does not see the file")
        check(four < 0.7 * least, "a rank of four holds most of the file")


OPTIONS = ["--method", "e2e", "--depth", "2", "--lr", "0.05", "--reproducible"]


def ranks_of(path):
    """The process of each rank of the job that saves to `path`."""
    ranks = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            words = entry.read_bytes().split(b"\0")
            if os.path.realpath(entry.parent / "exe") == os.path.realpath(program):
                for word in words:
                    if word.startswith((b"OMPI_COMM_WORLD_RANK=", b"PMI_RANK=")) and str(path).encode() in (
                            entry.parent / "cmdline").read_bytes():
                        ranks[int(word.split(b"=")[1])] = int(entry.parent.name)
        except OSError:
            pass
    return ranks


def begin(path, *options, early=False):
    """A job without end on three ranks, at a random moment of its start or after it has saved something, and the process of each rank."""
    saved = path.with_name(path.name + "-e2e-2")
    job = subprocess.Popen(command(3, *OPTIONS, *options, "--checkpoint", path, "--every", 10, "--steps", 10**9), stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
    until = time.monotonic() + 60
    while (len(ranks_of(path)) < 3 if early else not saved.exists()) and time.monotonic() < until:
        time.sleep(0.02)
    check(early or saved.exists(), "no checkpoint")
    time.sleep(random.uniform(0.0, 1.0))
    ranks = ranks_of(path)
    check(sorted(ranks) == [0, 1, 2], f"the ranks are {ranks}")
    return job, ranks


def end(job):
    start = time.monotonic()
    text = job.communicate(timeout=60)[0]
    took = time.monotonic() - start
    check(took < 10.0, f"the job went on for {took:.1f} s")
    check(job.returncode != 0, "the job has ended well")
    return text, took


def goes_on(path):
    """The step that was saved; from it, on other ranks, to the bits of a run without a break."""
    going = ["--checkpoint", path, "--every", 10, "--resume"]
    first = run(1, *OPTIONS, *going, "--steps", 1)
    step = int(re.search(r"going on from step (\d+)", first).group(1))
    resumed = run(2, *OPTIONS, *going, "--steps", step + 100)
    check(f"going on from step {step}" in resumed, resumed)
    straight = run(4, *OPTIONS, "--steps", step + 100)
    check(result(resumed) == result(straight), f"resumed:\n{resumed}straight:\n{straight}")
    for other, said in ((["--p", 2], "--p is 4, here it is 2"), (["--init-std", 0.1], "--init-std is 0.01, here it is 0.1"),
                        (["--data", here / "few.csv"], "checksum of x and y")):
        text = run(2, *OPTIONS, *going, "--steps", step + 100, *other, code=1)
        check(f"the checkpoint is of another run: its {said}" in text, text)
    return step


def kill_one(job, ranks, early=False):
    """The job ends at once and names the rank."""
    victim = random.randrange(3)
    os.kill(ranks[victim], signal.SIGKILL)
    text, took = end(job)
    if mpich and early and "Exit codes:" not in text:
        pass  # within MPI_Init() MPICH's launcher falls over a rank that is gone, and knows no names
    elif mpich:
        codes = re.search(r"Exit codes: \[\S+\] ([\d,]+)", text)
        check(codes and codes.group(1).split(",")[victim] == "9", f"rank {victim} is not named:\n{text}")
    else:
        check(f"process rank {victim} with" in text, f"rank {victim} is not named:\n{text}")
    return victim, took


def dies_while_starting():
    """In or after MPI_Init(), while the file is read, in the first steps."""
    for i in range(3):
        victim, took = kill_one(*begin(here / f"early{i}", "--data", here / "large.csv", early=True), early=True)
        print(f"rank {victim} killed early, the job ended in {took:.2f} s")


def dies_and_resumes():
    victim, took = kill_one(*begin(here / "dies"))
    step = goes_on(here / "dies")
    print(f"rank {victim} killed after step {step}, the job ended in {took:.2f} s and went on on 2 ranks: the same bits")


def is_interrupted():
    job, ranks = begin(here / "stops")
    victim = random.randrange(3)
    os.kill(ranks[victim], signal.SIGINT)
    text, took = end(job)
    check("--resume goes on" in text, text)
    step = goes_on(here / "stops")
    print(f"rank {victim} interrupted, all saved step {step}, the job ended in {took:.2f} s and went on: the same bits")


every_form_in_parts()
odd_files()
cannot_save()
no_rank_holds_the_file()
dies_while_starting()
dies_and_resumes()
is_interrupted()
