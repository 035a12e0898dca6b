# SPDX-License-Identifier: MIT
"""A fenced block that follows `<!-- file: PATH -->` must equal that file, and each numbered example must be quoted.

usage: quotes.py PROJECT_DIR
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
bad, quoted = [], set()
for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
    for hit in re.finditer(r"<!-- file: (\S+) -->\n```\w*\n(.*?)```\n", page.read_text(), re.S):
        quoted.add(hit[1])
        if (root / hit[1]).read_text() != hit[2]:
            bad.append(f"{page}: the quoted {hit[1]} differs from the file")
for example in sorted((root / "examples").glob("[0-9]*.c")):
    if f"examples/{example.name}" not in quoted:
        bad.append(f"{example} is quoted nowhere")
    if len(example.read_text().splitlines()) >= 80:
        bad.append(f"{example} has 80 lines or more")
print("\n".join(bad) or f"{len(quoted)} quotes in order")
sys.exit(bool(bad))
