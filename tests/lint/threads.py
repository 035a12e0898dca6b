# SPDX-License-Identifier: MIT
"""docs/threads.md says once of every public function when it may run.  usage: threads.py PROJECT_DIR"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
headers = "".join(path.read_text() for path in sorted((root / "include" / "depthopt").iterdir()))
functions = set(re.findall(r"^DOPT_API [^;(]*?(dopt_\w+)\(", headers, re.M))
table = (root / "docs" / "threads.md").read_text().split("## Function by function")[1]
listed = re.findall(r"`(dopt_\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("|")))
bad = [f"{name} is not listed" for name in sorted(functions - set(listed))]
bad += [f"{name} is no public function" for name in sorted(set(listed) - functions)]
bad += [f"{name} is listed twice" for name in sorted({name for name in listed if listed.count(name) > 1})]
print("\n".join("docs/threads.md: " + text for text in bad) or f"{len(functions)} functions in order")
sys.exit(bool(bad))
