# SPDX-License-Identifier: MIT
"""lp_regression on small good and bad files, and with bad options.  usage: readers.py LP_REGRESSION"""
import csv
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

program = sys.argv[1]
folder = pathlib.Path(tempfile.mkdtemp())
failures = []


def run(*options):
    return subprocess.run([program, *map(str, options)], capture_output=True, text=True, timeout=100)


def check(condition, what):
    if not condition:
        failures.append(what)


def table(content, name="t", pack=False):
    path = folder / name
    data = content.encode()
    path.write_bytes(gzip.compress(data) if pack else data)
    return path


def good(content, rows, features, *options, **kind):
    done = run("--data", table(content, **kind), "--steps", 20, "--lr", "0.01", "--method", "gd", "--quiet", *options)
    check(done.returncode == 0 and f"{rows} rows, {features} features" in done.stdout,
          f"{content[:30]!r}: {done.stdout}{done.stderr}")


def bad(content, *messages, options=()):
    done = run("--data", table(content), "--steps", 5, *options)
    check(done.returncode == 1 and not done.stdout and done.stderr.count("\n") == 1, f"{content[:30]!r}: {done}")
    for message in messages:
        check(message in done.stderr, f"{content[:30]!r}: {message!r} is not in {done.stderr!r}")


def usage(message, *options):
    done = run(*options)
    check(done.returncode == 2 and not done.stdout and message in done.stderr and done.stderr.count("\n") == 1,
          f"{options}: {done}")


gas = "1;10.5 1:1 2:2.5\n2;20 1:2 2:1\n1;35 1:4 2:-3e0\n1;41 1:5 2:7\n"
good(gas, 4, 2)
good(gas.replace("\n", "\r\n"), 4, 2)
good(gas, 3, 2, "--class", "1")
good(gas, 4, 2, pack=True)
good("-1 1:1 3:2 \n+1 2:1\n-1 3:7\n1 1:4\n", 4, 3)
good("a,b,c\n1,2,3\n4,5,7\n7,8,8\n1,9,4\n", 4, 2)
good('"a","b","c"\n"1",2,3\n4,5,7\n7,8,8\n', 3, 2, "--target", "a")
good("1\t2\t3\n4\t5\t7\n7\t9\t8\n", 3, 2, "--target", "1")
good("\n 1, 2 ,3\n4 , 5,7\n7,9,8\n", 3, 2)
good("\ufeff" + "a,b,c\n1,2,3\n4,5,7\n7,8,8\n", 3, 2, "--target", "a")
good("\ufeff" + "1,2,3\n4,5,7\n7,9,8\n", 3, 2)
good("\ufeff" + gas, 4, 2)
good("a,b,a\n1,2,3\n4,5,7\n7,8,8\n1,9,4\n", 4, 2, "--target", "1")
bad("\ufeff", "the file is empty")
good("1,2,5,3\n4,5,5,7\n7,9,5,8", 3, 2)

bad("", "the file is empty")
bad("1,2\0,3\n4,5,6\n", "t:1: expected text, found a NUL byte")
bad(gas + "1;7 1:x\n", "t:5:7: expected a finite number, found 'x'")
bad(gas + "1 7 1:3\n", "t:5:2: expected the end of the number")
bad("1 2:3 2:4\n", "t:1:7: expected an index larger than the one before, found '2:4'")
bad("1 0:3\n", "t:1:3: expected an index from 1 to 1000000, found '0:3'")
bad("1 99999999999:3\n", "t:1:3: expected an index from 1 to 1000000, found '99999999999:'")
bad("1 3\n", "t:1:4: expected ':' after the index, found the end of the line")
bad("1,2,3\n4,nan,6\n", "t:2:3: expected a finite number, found 'nan,6'")
bad("1,2,3\n4,1e999,6\n", "t:2:3: expected a finite number")
bad("1,2,3\n4,0x10,6\n", "t:2:3: expected a finite number")
bad("1,2,3\n4,5\n", "t:2:4: expected another field: as many as in the first line, found the end of the line")
bad("1,2,3\n4,5,6,7\n", "t:2:6: expected the end of the line")
bad("1,2,3\n4,,6\n", "t:2:3: expected a finite number, found ',6'")
bad('a,b\n1,"2\n', "t:2:3: expected a closing quote")
bad("a,b\n1,2\n", "t:1: --target z: no such column; there are a,b\n", options=("--target", "z"))
bad("3,4\n1,2\n", "t:1: --target 9: no such column; there are 2, without names", options=("--target", 9))
bad("a,b,a\n1,2,3\n", "t:1: --target a: 2 columns have that name", options=("--target", "a"))
bad("a,b\n", "t: no row below the header")
bad("a;b;y\n1;2;3\n", "t:1:2: expected commas or tabs between fields, found ';b;y'")
bad("a,b\n1,2\n3,2\n", "constant")
bad(gas, "no row of class 9", options=("--class", "9"))
(folder / "cut.gz").write_bytes(gzip.compress(gas.encode() * 1000)[:200])
cut = run("--data", folder / "cut.gz")
check(cut.returncode == 1 and "cut off or damaged" in cut.stderr, str(cut))
missing = run("--data", folder / "missing")
check(missing.returncode == 1 and "No such file" in missing.stderr, str(missing))

usage("--p 0.5: must be a number from 1 up", "--p", "0.5")
usage("--depth 0: must be", "--depth", "0")
usage("--method sgd: must be", "--method", "sgd")
usage("--steps -1: must be", "--steps", "-1")
usage("--lr nan: must be", "--lr", "nan")
usage("--frobnicate: no such option", "--frobnicate", "1")
usage("--p: its value is missing; --help lists the options", "--p")
usage("--help 1: must be without a value", "--help=1")
usage("--target: needs --data FILE", "--target", "a")
usage("--class: needs --data FILE", "--class", "1")
for name, value in (("seed", 18446744073709551615), ("steps", 10**12)):
    usage(f"--{name} {value}: must be an integer from {'01'[name == 'steps']} to 999999999999", f"--{name}={value}")
check(run("-h").stdout == run("--help").stdout, "-h")
usage("integers", "--method", "factored", "--depth", "2.5")
usage("--depth: 2 is given twice", "--depth", "2,3,2", "--method", "e2e")
usage("--method: gd is given twice", "--method", "gd,gd")
check(run("--help").stdout.startswith("usage: lp_regression"), "--help")

blocked = folder / "file" / "out"
blocked.parent.touch()
done = run("--steps", 999999999999, "--lr", "1e-3", "--out", blocked)  # refused before the first of them
check(done.returncode == 1 and not done.stdout and "Not a directory" in done.stderr, str(done))
out = folder / "out"
done = run("--steps", 100, "--method", "gd,e2e,factored,adam", "--depth=2", "--lr=1e-3", "--out", out, "--record", 10)
check(done.returncode == 0 and "winner" in done.stdout, str(done))
rows = list(csv.DictReader(open(out / "curves.csv")))
check(list(rows[0]) == ["method", "depth", "lr", "step", "loss", "distance"], "columns")
check({r["method"] for r in rows} == {"gd", "e2e", "factored", "adam"}, "methods")
check({int(r["step"]) for r in rows} >= set(range(0, 101, 10)), "steps")
summary = json.load(open(out / "summary.json"))
for r in rows:
    check(abs(float(r["loss"]) - float(r["distance"]) - summary["optimum"]) < 1e-12, "distance")
check(len(summary["runs"]) == 4 and summary["optimum_certified"], "summary")
check((out / "curves.gp").exists() and ("no picture" in done.stderr or "</svg>" in (out / "curves.svg").read_text()), "svg")
again = run("--steps", 100, "--method", "gd,e2e,factored,adam", "--depth", "2", "--lr", "1e-3", "--out", out, "--record", 10)
check(list(csv.DictReader(open(out / "curves.csv"))) == rows, "a second run gives the same numbers")
huge = run("--steps", 100, "--method", "gd", "--lr", "1e9", "--quiet")
short = run("--data", table("1,2,3\n4,5,7\n"), "--p", 2, "--steps", 200, "--quiet")  # two points: gd is at 0 early
check(short.returncode == 0 and "nan" not in short.stdout and "\nwinner: gd at depth 1, 0 from the optimum" in short.stdout, str(short))
for content in ("1,2,3\n4,5,7\n", "1,2,3\n1,3,4\n1,5,9\n1,1,1\n"):  # ends that are rounding
    done = run("--data", table(content), "--p", 2, "--steps", 200, "--record", 200, "--quiet", "--out", folder / "short")
    ends = {r["method"] + r["depth"]: r for r in csv.DictReader(open(folder / "short" / "curves.csv"))}
    summary = json.load(open(folder / "short" / "summary.json"))
    check(all(float(r["distance"]) >= 0.0 for r in ends.values()), f"below the optimum: {ends}")
    check([int(r["step"]) for r in ends.values()] == [r["steps"] for r in summary["runs"]], f"no last loss: {ends}")
still = run("--steps", 40, "--method", "e2e", "--init-std", 0)
check(still.returncode == 1 and "no winner: no run left its start" in still.stdout, str(still))
check("e2e, depth 2: dopt_trainer_create: options->init_std is 0, and W = 0 is a fixed point" in still.stderr, still.stderr)
check("e2e, depth 3: the rate 1e-06 is the smallest that --lr auto tries" in still.stderr, still.stderr)
deep = run("--steps", 40, "--p", 60, "--method", "gd,adagrad")
check(deep.returncode == 0 and "gd, depth 1: the search gives up all rates from 1e-06 up; give --lr" in deep.stderr
      and "diverged after 0 steps" in deep.stdout and "winner: adagrad" in deep.stdout, str(deep))
group = run("--steps", 40, "--method", "gd,group_rmsprop", "--lr", "1e-2", "--quiet")
check(group.returncode == 0 and "\ngroup_rmsprop      1      0.01 " in group.stdout, str(group))
check(huge.returncode == 1 and "no winner: every run diverged" in huge.stdout, str(huge))

print("\n".join(failures) or "all in order")
sys.exit(bool(failures))
