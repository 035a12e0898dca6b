# SPDX-License-Identifier: MIT
"""scripts/fetch-data: nothing is downloaded without --download, and other rows than the expected ones are refused.

usage: fetch_data.py FETCH_DATA      with DEPTHOPT_DATA: the expected rows are accepted, from the archive too
The network is a curl of our own, which hands out an archive of the same form.
"""
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

script = sys.argv[1]
folder = pathlib.Path(tempfile.mkdtemp())
archive, curl = folder / "gas.zip", folder / "curl"
curl.write_text(f'#!/bin/sh\n[ "$1" = -fL ] || exit 9\ntouch {folder}/called\ncp {archive} "$3"\n')
curl.chmod(0o755)
environment = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}")
failures = []


def expect(code, text, *options):
    done = subprocess.run([script, *map(str, options)], capture_output=True, text=True, env=environment, timeout=50)
    if done.returncode != code or text not in done.stdout + done.stderr:
        failures.append(f"{options}: {done}")


def pack(rows):
    """Two batches in an archive in the archive, other classes between the rows."""
    with zipfile.ZipFile(folder / "inner.zip", "w") as inner:
        inner.writestr("Dataset/batch1.dat", b"".join(b"2;5 1:1\n" + row for row in rows[1::2]))
        inner.writestr("Dataset/batch2.dat", b"".join(row.replace(b"\n", b" \r\n") for row in rows[::2]))
    with zipfile.ZipFile(archive, "w") as outer:
        outer.write(folder / "inner.zip", "Dataset.zip")


expect(0, "https://archive.ics.uci.edu/")
expect(1, "/nowhere: cannot be read\n", "--check", "/nowhere")
if (folder / "called").exists():
    failures.append("something was downloaded without --download")
pack([b"1;10.000000 1:1.000000\n", b"1;20.000000 1:2.000000\n"])
expect(1, "not the expected rows", "--download", folder / "few")
with gzip.open(folder / "few/ethanol.dat.gz") as file:
    rows = sorted(file.read().splitlines())
    if rows != [b"1;10.000000 1:1.000000", b"1;20.000000 1:2.000000"]:
        failures.append(f"rows of class 1: {rows}")
known = pathlib.Path(os.environ.get("DEPTHOPT_DATA", "/nowhere")) / "gas/ethanol.dat.gz"
if known.exists():
    expect(0, "the expected 2565 rows", "--check", known)
    with gzip.open(known) as file:
        rows = file.read().splitlines(keepends=True)
    pack(rows)
    expect(0, "the expected 2565 rows", "--download", folder / "all")
    pack(rows[1:])
    expect(1, "not the expected rows", "--download", folder / "all")
print("\n".join(failures) or "as expected")
sys.exit(bool(failures))
