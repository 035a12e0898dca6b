# SPDX-License-Identifier: MIT
"""The quick studies of the paper: what they write is complete, and what is exact holds.

usage: studies.py PAGE PROGRAM...      PAGE: scripts/page.py
"""
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

page, programs = sys.argv[1], [pathlib.Path(p) for p in sys.argv[2:]]
folder = pathlib.Path(tempfile.mkdtemp())
failures = []


def check(condition, what):
    if not condition:
        failures.append(what)


def run(program, *options):
    return subprocess.run([program, *map(str, options)], capture_output=True, text=True, timeout=1000)


for program in programs:
    out = folder / program.name
    done = run(program, "--quick", "--quiet", "--out", out)
    check(done.returncode == 0, f"{program.name}: {done.stderr}")
    if done.returncode != 0:
        continue
    results = json.loads((out / "results.json").read_text())
    check(results["quick"] and results["command"] == f"examples/{program.name} --quick", f"{program.name}: {results['command']}")
    check(results["claims"] and results["figures"], f"{program.name}: no claims or no figures")
    for claim in results["claims"]:
        check(claim["verdict"] == "holds", f"{program.name}: {claim}")
        check(claim["claim"] in done.stdout and claim["numbers"] in done.stdout, f"{program.name}: not printed: {claim}")
    for figure in results["figures"]:
        rows = list(csv.DictReader((out / f"{figure['name']}.csv").open()))
        check(rows and all(len(r) == 4 and r["y"] for r in rows), f"{program.name}: {figure['name']}.csv")
        check((out / f"{figure['name']}.gp").exists(), f"{program.name}: {figure['name']}.gp")
        svg = out / f"{figure['name']}.svg"
        check("no picture" in done.stderr or "</svg>" in svg.read_text(), f"{program.name}: {svg.name}")
    check(run(program, "--help").stdout.startswith(f"usage: {program.name}"), f"{program.name}: --help")
    bad = run(program, "--frobnicate", "1")
    check(bad.returncode == 2 and "--frobnicate: no such option" in bad.stderr and not bad.stdout, f"{program.name}: {bad}")
    missing = run(program, "--quick", "--out", folder / "no" / "such")
    check(missing.returncode == 1 and missing.stderr.count("\n") == 1, f"{program.name}: {missing}")

made = subprocess.run([sys.executable, page, folder], capture_output=True, text=True)
check(made.returncode == 0 and "0 does not reproduce" in made.stdout, str(made))
html = (folder / "index.html").read_text()
for program in programs:
    check(f'id="{program.name}"' in html and f"{program.name}/" in html, f"{program.name} is not on the page")

print("\n".join(failures) or f"{len(programs)} studies in order")
sys.exit(bool(failures))
