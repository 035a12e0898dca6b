# SPDX-License-Identifier: MIT
"""Compile and run every code block of the README and of docs/.

usage: blocks.py ROOT BUILD CC [FLAG]...

Every block is fenced and names its language. What stands in an HTML comment right before it says how it is run:

    (nothing)            c: a program, or the next gap of the surroundings; sh, python: run; text: only shown
    <!-- around ... -->  c: surroundings for the fragments from here on; each line "@block" is a gap, filled in order
    <!-- file: PATH -->  a file of the project, word for word (tests/lint/quotes.py), which is tested elsewhere
    <!-- save: NAME -->  is saved under this name for the blocks after it, and run by them
    <!-- output -->      text: what the block before it printed; numbers to 2 %, "..." stands for anything
    <!-- slow -->        run in the project's folder where DEPTHOPT_SLOW is set
    <!-- needs: FILE --> files of DEPTHOPT_DATA (FILE.py: a Python module), without which it is left out
    <!-- not run: WHY -->

The blocks of a page share a folder, in which the examples are too. DEPTHOPT_DATA and DEPTHOPT_PAGE, a part of a page's name, are read.
"""
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import tempfile

root, build, compiler = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:]
BLOCK = re.compile(r"(?:<!-- (?P<how>[\w ]+?)(?:: (?P<word>.*?)| (?=-->)|\n(?P<text>.*?))\s*-->\n+)?^```(?P<lang>\S*)\n(?P<code>.*?)^```$", re.S | re.M)
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
environment = {
    **os.environ, "LD_LIBRARY_PATH": str(build / "src"), "PKG_CONFIG_PATH": str(build / "meson-uninstalled"), "CC": compiler[0],
    "PATH": f"{build / 'examples'}:{os.environ['PATH']}", "DEPTHOPT_PROGRAMS": str(build / "examples"), "OPENBLAS_NUM_THREADS": "1",
    "PYTHONPATH": str(build / "bindings/python")
}
sys.path.append(environment["PYTHONPATH"])
data = pathlib.Path(os.environ.get("DEPTHOPT_DATA", "/nowhere"))
slow = "DEPTHOPT_SLOW" in os.environ
count, skipped, failures = {}, [], []


class Failure(Exception):
    pass


def run(command, folder, **kind):
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=1500, **kind)
    if done.returncode != 0:
        raise Failure(f"exit code {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout


def run_c(code, folder):
    (folder / "block.c").write_text(code)
    run([*compiler, "block.c", "-o", "block", "-Wno-misleading-indentation", f"-L{build / 'src'}", "-ldepthopt", "-lm"], folder)
    return run(["./block"], folder)


def same_line(want, got):
    head, dots, _ = want.partition("...")
    if dots:
        got = got[:len(got) - len(got.lstrip()) + len(head.lstrip()) + 8]  # enough for numbers of other lengths
    numbers = NUMBER.findall(head), NUMBER.findall(got)
    words = NUMBER.sub("#", head).split(), NUMBER.sub("#", got).split()
    if dots:
        words, numbers = (words[0], words[1][:len(words[0])]), (numbers[0], numbers[1][:len(numbers[0])])
    close = all(abs(float(a) - float(b)) <= 0.02 * abs(float(a)) + 1e-300 for a, b in zip(*numbers))
    return words[0] == words[1] and len(numbers[0]) == len(numbers[1]) and close


def compare(want, got):
    """Every line of `want` is a line of `got`, in this order; without "..." between them they follow each other."""
    lines, at, skip = got.splitlines(), 0, False
    for line in want.splitlines():
        if line.strip() == "...":
            skip = True
            continue
        while skip and at < len(lines) and not same_line(line, lines[at]):
            at += 1
        if at == len(lines) or not same_line(line, lines[at]):
            raise Failure(f"the page says\n    {line}\nbut the program\n    {lines[at] if at < len(lines) else '(nothing)'}")
        at, skip = at + 1, False


class Page:
    """The blocks of one page, in their folder."""

    def __init__(self, folder):
        self.folder, self.surroundings, self.gaps, self.printed = folder, None, [], None

    def c(self, code):
        if "int main(" in code:
            return run_c(code, self.folder)
        if self.surroundings is None:
            raise Failure("a fragment without surroundings")
        self.gaps.append(code)
        return None

    def finish(self):
        """Run the surroundings once all gaps are filled."""
        if self.surroundings is None:
            return
        parts, gaps = re.split(r"^@block\n", self.surroundings, flags=re.M), self.gaps
        self.surroundings, self.gaps = None, []
        if len(parts) != len(gaps) + 1:
            raise Failure(f"surroundings with {len(parts) - 1} gaps and {len(gaps)} fragments")
        self.printed = run_c("".join(a + b for a, b in zip(parts, [*gaps, ""])), self.folder)

    def block(self, how, word, text, lang, code):
        if how == "around":
            self.surroundings = text + "\n"
        if how == "needs" and not all([self.bring(name) for name in word.split()]):
            skipped.append(word)
            self.printed = None
        elif how == "save":
            (self.folder / word).write_text(code)
        elif how == "output":
            if lang != "text":
                raise Failure("an output is text")
            self.finish()
            if self.printed is not None:
                compare(code, self.printed)
        elif how == "slow" and not slow or how == "not run":
            skipped.append(how if how == "slow" else word)
            self.printed = None
        elif how != "file" and lang != "text":
            self.printed = self.start(lang, code, root if how == "slow" else self.folder)

    def start(self, lang, code, folder):
        if lang == "c":
            return self.c(code)
        if lang == "sh":
            return run(["sh", "-eu", "-c", code], folder)
        if lang == "python":
            return run([sys.executable, "-c", code], folder)
        raise Failure(f"a block of language {lang!r}")

    def bring(self, name):
        if name.endswith(".py"):
            return importlib.util.find_spec(name[:-3]) is not None
        top = name.split("/")[0]
        if (data / name).exists() and not (self.folder / top).exists():
            (self.folder / top).symlink_to(data / top)
        return (data / name).exists()


def attempt(where, action, *arguments):
    try:
        action(*arguments)
    except (Failure, subprocess.TimeoutExpired) as failure:
        failures.append(f"{where}: {failure}")


def check(path):
    text = path.read_text()
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
    for match in re.finditer(r"\n\n(    \S.*)", prose):
        if not re.match(r"    [-*\d|]", match[1]):
            failures.append(f"{path}: an indented block, which nothing tests: {match[1].strip()}")
    with tempfile.TemporaryDirectory() as name:
        page = Page(pathlib.Path(name))
        (page.folder / "examples").symlink_to(root / "examples")
        where = begin = str(path.relative_to(root))
        for match in BLOCK.finditer(text):
            where = f"{path.relative_to(root)}:{text[:match.start('code')].count(chr(10)) + 1}"
            if match["how"] == "around":
                attempt(begin, page.finish)
                begin = where
            attempt(where, page.block, *match.groups())
            count[match["lang"]] = count.get(match["lang"], 0) + 1
        attempt(begin, page.finish)


for path in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
    if os.environ.get("DEPTHOPT_PAGE", "") in str(path.relative_to(root)):
        check(path)
print("\n".join(failures) or ", ".join(f"{n} {lang}" for lang, n in sorted(count.items())) + " blocks in order")
for why in sorted(set(skipped)):
    print(f"not run here, {skipped.count(why)}: {why}")
sys.exit(bool(failures))
