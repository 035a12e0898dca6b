# SPDX-License-Identifier: MIT
"""Habits of the terminal: --help, near misses, exit codes, colours, completion.

usage: terminal.py [--with COMPLETION DEPTHOPT] PROGRAM...      DEPTHOPT: the command that runs the programs by name
"""
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile

completion, depthopt, programs = None, None, sys.argv[1:]
if programs[0] == "--with":
    completion, depthopt, *programs = programs[1:]
failures = []


def check(condition, what):
    if not condition:
        failures.append(what)


def run(*command, **kind):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, **kind)


def options_of(text):
    return re.findall(r"^  (--[a-z-]+)", text, re.M)


def screen(program):
    """--help fits a screen, has one example whose options exist, and tells the exit codes."""
    name, done = pathlib.Path(program).name, run(program, "--help")
    lines, known = done.stdout.splitlines(), options_of(done.stdout)
    check(done.returncode == 0 and not done.stderr and lines, f"{name} --help: {done}")
    check(len(lines) <= 40 and max(map(len, lines)) <= 80, f"{name} --help: {len(lines)} lines, up to {max(map(len, lines))} wide")
    check(lines[0].startswith(f"usage: {name} "), f"{name}: {lines[0]}")
    check(sum(line.startswith("example: ") for line in lines) == 1, f"{name}: not one example")
    check("exit status: 0 done; 1 the data or all runs failed; 2 the command line is wrong" in done.stdout, f"{name}: exit codes")
    for option in re.findall(r" (--[a-z-]+)", next(line for line in lines if line.startswith("example: "))):
        check(option in known or name == "depthopt", f"{name}: {option} of the example is no option")
    return known


def near_misses(program, known):
    """Two letters of an option swapped: the message names the option. Something far off: no suggestion."""
    for option in known:
        typo = option[:2] + option[3] + option[2] + option[4:] if len(option) > 5 else option
        if typo not in known:
            done = run(program, typo, "1")
            check(done.returncode == 2 and f"did you mean {option}?" in done.stderr and done.stderr.count("\n") == 1,
                  f"{program} {typo}: {done.stderr}")
    done = run(program, "--zyxwvut")
    check(done.returncode == 2 and "did you mean" not in done.stderr and "no such option" in done.stderr, f"{program}: {done}")


def on_terminal(*command, **environment):
    """What a program writes when its output is a terminal."""
    master, slave = pty.openpty()
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=subprocess.DEVNULL, env={**os.environ, **environment})
    os.close(slave)
    text = b""
    try:
        while part := os.read(master, 4096):
            text += part
    except OSError:  # the other end is closed
        pass
    check(child.wait() == 0, f"{command}: exit code")
    return text.decode()


def colours(program):
    command = (program, "--steps", "20", "--lr", "0.001", "--method", "gd", "--quiet")
    plain = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    os.environ.pop("NO_COLOR", None)
    check("\033[32mwinner" in on_terminal(*command, TERM="xterm"), "no colour on a terminal")
    check("\033" not in on_terminal(*command, TERM="xterm", NO_COLOR="1"), "colour under NO_COLOR")
    check("\033" not in on_terminal(*command, TERM="dumb"), "colour on a dumb terminal")
    check("\033" not in run(*command, env={**plain, "TERM": "xterm"}).stdout, "colour in a pipe")


def complete(*words):
    script = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _depthopt; printf "%s\\n" "${COMPREPLY[@]}"'
    return run("bash", "-c", script, completion, *words).stdout.split()


def completions(folder):
    """The words that bash offers are those of --help, and files and folders where these are wanted."""
    pathlib.Path(folder, "table.csv").touch()
    pathlib.Path(folder, "sub").mkdir()
    for program in programs:
        name = pathlib.Path(program).name
        known = options_of(run(program, "--help").stdout)
        check(complete(program, "--") == known, f"{name} <Tab>: {complete(program, '--')}")
        check(complete(depthopt, name, "--") == known, f"depthopt {name} <Tab>: {complete(depthopt, name, '--')}")
    names = sorted(pathlib.Path(program).name for program in programs)
    check(sorted(set(complete(depthopt, "")) - {"--help", "--list", "--version"}) == names, f"depthopt <Tab>: {complete(depthopt, '')}")
    lp = next(program for program in programs if program.endswith("lp_regression"))
    check(complete(lp, "--data", f"{folder}/t") == [f"{folder}/table.csv"], "files")
    check(sorted(complete(lp, "--out", f"{folder}/")) == [f"{folder}/programs", f"{folder}/sub"], "folders")
    check(complete(lp, "--p", "") == [], f"a number: {complete(lp, '--p', '')}")


def by_name(folder):
    """`depthopt PROGRAM` is PROGRAM."""
    os.mkdir(f"{folder}/programs")
    for program in programs:
        os.symlink(os.path.abspath(program), f"{folder}/programs/{pathlib.Path(program).name}")
    os.environ["DEPTHOPT_PROGRAMS"] = f"{folder}/programs"
    screen(depthopt)
    for program in programs:
        done = run(depthopt, pathlib.Path(program).name, "--help")
        check(done.stdout == run(program, "--help").stdout, f"depthopt {program}")
    done = run(depthopt, "nothing")
    check(done.returncode == 2 and "no such program" in done.stderr and "did you mean" not in done.stderr, f"{done}")
    for wrong, right in (("lp_regresion", "lp_regression"), ("--lits", "--list")):
        done = run(depthopt, wrong)
        check(done.returncode == 2 and f"did you mean {right}?" in done.stderr, f"{done}")


for program in programs:
    near_misses(program, screen(program))
if depthopt:
    with tempfile.TemporaryDirectory() as folder:
        by_name(folder)
        completions(folder)
    colours(next(program for program in programs if program.endswith("lp_regression")))
print("\n".join(failures) or f"{len(programs)} programs behave")
sys.exit(bool(failures))
