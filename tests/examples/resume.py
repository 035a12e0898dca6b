# SPDX-License-Identifier: MIT
"""A program, killed and interrupted over and over, ends with the files of one that was left alone, byte by byte.

usage: resume.py PROGRAM      one of those in JOBS
"""
import json
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

# Options, steps between saves, signals sent at most, an option that makes another run, and what is said of that.
JOBS = {
    "lp_regression": (["--method", "factored,e2e,adam,momentum", "--depth", "3", "--lr", "0.003", "--steps", "6000",
                       "--batch", "64", "--seed", "7", "--threads", "2"], 200, 12,
                      ["--seed", "8"], "option.seed is 7, the trainer's is 8"),
    "mnist_cnn": (["--network", "lenet5", "--variants", "plain,factored,e2e", "--depth", "3", "--steps", "100", "--evaluate", "40",
                   "--seed", "3"], 20, 4, ["--lr", "0.02"], "another run: its lr is 0.01, here it is 0.02"),
    "figure_1": (["--quick", "--steps", "2000"], 150, 3, ["--seed", "8"], "another run: its seed is 1, here it is 8"),
    "depth_and_p": (["--quick", "--steps", "200"], 60, 3, ["--p", "3"], "another run: its p is 4, here it is 3"),
    "completion": (["--quick", "--steps", "1500"], 100, 4, ["--steps", "1600"], "number of steps is 1500, here it is 1600"),
}
TIMES = ("seconds", "processor_seconds")
random.seed(5)


def run(program, options, wait=None, number=None):
    """Exit code, output, messages; after `wait` seconds the signal `number` is sent."""
    child = subprocess.Popen([program, *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if number is not None:
        time.sleep(wait)
        child.send_signal(number)
    output, message = child.communicate()
    return child.returncode, output, message


def without_times(value):
    if isinstance(value, dict):
        return {name: without_times(one) for name, one in value.items() if name not in TIMES}
    return [without_times(one) for one in value] if isinstance(value, list) else value


def written(folder):
    """The files of a run: bytes, of JSON what does not tell the time."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".svg"}
    return {name: without_times(json.loads(raw)) if name.endswith(".json") else raw for name, raw in files.items()}


def read_safetensors(path):
    """The tensors of a file, by the format's own rules."""
    raw = path.read_bytes()
    length, = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8:8 + length]), raw[8 + length:]
    meta = header.pop("__metadata__")
    assert all(isinstance(v, str) for v in meta.values()) and raw[8:9] == b"{"
    codes, at, found = {"F64": "d", "F32": "f", "I64": "q", "U64": "Q"}, 0, {}
    for name, tensor in header.items():
        first, end = tensor["data_offsets"]
        count = 1
        for extent in tensor["shape"]:
            count *= extent
        code = codes[tensor["dtype"]]
        assert first == at and end - first == count * struct.calcsize(code), name
        found[name] = struct.unpack(f"<{count}{code}", data[first:end])
        at = end
    assert at == len(data)
    return found, meta


def check_safetensors(path):
    tensors, meta = read_safetensors(path)
    assert meta["format"] == "depthopt.trainer" and tensors["steps"] == (6000,) and len(tensors["w"]) == 128
    assert tensors["option.lr"] == (0.003,) and len(tensors["factor.1"]) == 128, tensors.keys()


def damage(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def refuses_other_jobs(program, keep):
    """Whatever makes another run is named, with both values; nothing is printed."""
    table = pathlib.Path(keep[keep.index("--checkpoint") + 1]).with_name("table.csv")
    table.write_text("".join(f"{i % 7},{i % 5},{(i * i) % 11}\n" for i in range(300)))
    for options, said in ((["--p", 2], "--p is 4, here it is 2"), (["--lr", 0.5], "--lr is 0.003, here it is 0.5"),
                          (["--lr", "auto"], "--lr is 0.003, here it is auto"),
                          (["--init", "balanced"], "--init is normal, here it is balanced"),
                          (["--init-std", 0.1], "--init-std is 0.01, here it is 0.1"), (["--width", 2], "--width is 1, here it is 2"),
                          (["--data", table], "checksum of x and y is "),
                          (["--data", table, "--target", 1], "--target is not given, here it is 1")):
        code, output, message = run(program, [*keep, "--resume", *options])
        assert code == 1 and not output and f"another run: its {said}" in message and message.count("\n") == 1, (options, message)


def survives(program, folder):
    job, every, most, other, refused = JOBS[program.name]
    start = time.time()
    code, _, message = run(program, [*job, "--quiet", "--out", folder / "alone"])
    assert code == 0, message
    seconds, want = time.time() - start, written(folder / "alone")
    assert want
    for number in (signal.SIGKILL, signal.SIGINT):
        keep = [*job, "--quiet", "--out", folder / "broken", "--checkpoint", folder / f"signal{int(number)}", "--every", every]
        code, tries, hits, resume = 1, 0, 0, []
        while code != 0:
            tries += 1
            code, _, message = run(program, [*keep, *resume], random.uniform(0.05, 0.3) * seconds, number if tries <= most else None)
            assert code in (0, -int(number), 130), (code, message)
            assert code != 130 or "--resume goes on" in message, message
            hits += code != 0
            resume = ["--resume"]
        print(f"{program.name}: signal {int(number)}, {hits} hits")
        assert hits and written(folder / "broken") == want, "other files"
        code, _, message = run(program, [*keep, "--resume", *other])
        assert code == 1 and refused in message, message
        saved = sorted(folder.glob(f"signal{int(number)}*"))
        for path in {saved[0], saved[-1]}:  # of lp_regression a trainer's and a curve's
            whole = path.read_bytes()
            damage(path)
            code, _, message = run(program, [*keep, "--resume"])
            assert code == 1 and "damaged" in message and message.count("\n") == 1, (path, message)
            path.write_bytes(whole)
    code, _, message = run(program, [*job, "--checkpoint", folder / "no" / "such", "--every", 1])
    assert code == 1 and "cannot write" in message and message.count("\n") == 1, message
    code, _, message = run(program, [*job, "--resume"])
    assert code == 2 and "needs --checkpoint" in message, message
    if program.name == "lp_regression":
        refuses_other_jobs(program, keep)
        code, _, message = run(program, [*keep, "--resume"])
        assert code == 0 and written(folder / "broken") == want, f"resumed after its end: {message}"
        check_safetensors(folder / "signal2-factored-3")


with tempfile.TemporaryDirectory() as scratch:
    survives(pathlib.Path(sys.argv[1]), pathlib.Path(scratch))
print("the same files")
