# SPDX-License-Identifier: MIT
"""lp_regression, killed and interrupted over and over, ends with the numbers of a run that was left alone.

usage: resume.py LP_REGRESSION
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

program = sys.argv[1]
job = ["--method", "factored,e2e,adam,momentum", "--depth", "3", "--lr", "0.003", "--steps", "6000",
       "--batch", "64", "--seed", "7", "--threads", "2"]
random.seed(5)


def run(folder, *more, wait=None, number=None):
    """Exit code; after `wait` seconds the signal `number` is sent."""
    child = subprocess.Popen([program, *job, "--out", folder, *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if number is not None:
        time.sleep(wait)
        child.send_signal(number)
    message = child.communicate()[1]
    return child.returncode, message


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


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    start = time.time()
    code, message = run(folder / "alone", "--quiet")
    assert code == 0, message
    seconds = time.time() - start
    want = (folder / "alone" / "curves.csv").read_text()
    for number in (signal.SIGKILL, signal.SIGINT):
        name = f"signal{int(number)}"
        keep = ["--checkpoint", folder / name, "--every", "200", "--quiet"]
        code, tries, resume = 1, 0, []
        while code != 0:
            tries += 1
            chosen = number if tries <= 12 else None
            code, message = run(folder / "broken", *keep, *resume, wait=random.uniform(0.1, 0.5) * seconds, number=chosen)
            assert code in (0, -int(number), 130), (code, message)
            assert code != 130 or "--resume goes on" in message, message
            resume = ["--resume"]
        print(f"{name}: {tries} processes")
        assert (folder / "broken" / "curves.csv").read_text() == want, "another curve"
        tensors, meta = read_safetensors(folder / f"{name}-factored-3")
        assert meta["format"] == "depthopt.trainer" and tensors["steps"] == (6000,) and len(tensors["w"]) == 128
        assert tensors["option.lr"] == (0.003,) and len(tensors["factor.1"]) == 128, tensors.keys()
    code, message = run(folder / "broken", "--resume")
    assert code == 2 and "needs --checkpoint" in message, message
    code, message = run(folder / "broken", "--checkpoint", folder / "signal2", "--resume", "--seed", "8")
    assert code == 1 and "option.seed is 7, the trainer's is 8" in message, message
print("the same curves")
