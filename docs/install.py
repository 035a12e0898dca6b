# SPDX-License-Identifier: MIT
"""Make the documentation that is installed: all pages, the files that they link to, and links that lead there.

usage: install.py ROOT OUT DEPFILE DOCDIR INCLUDEDIR      the last two: where OUT and the headers are installed
"""
import os
import pathlib
import re
import shutil
import sys

sys.dont_write_bytecode = True
from pages import pages, place  # noqa: E402

root, out, depfile = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
folder, headers = pathlib.PurePosixPath(sys.argv[4]), pathlib.PurePosixPath(sys.argv[5])
used = []


def link(name, page):
    """A link of a page, as one of the page where it is installed. What is no page is copied."""
    address, _, anchor = name.partition("#")
    if re.match(r"[a-z]+:", name) or not address:
        return name
    source = (page.parent / address).resolve()
    if source.is_dir():
        source = source / "README.md"
    to = folder / place(root, source)
    if source.parent == root / "include/depthopt":
        to = headers / "depthopt" / source.name
    elif source.suffix != ".md":
        copy = out / place(root, source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        used.append(source)
    return os.path.relpath(to, (folder / place(root, page)).parent) + (f"#{anchor}" if anchor else "")


shutil.rmtree(out, ignore_errors=True)
for path in pages(root):
    used.append(path)
    parts = re.split(r"(^```.*?^```$)", path.read_text(), flags=re.S | re.M)
    parts[::2] = [re.sub(r"\]\(([^)\s]+)\)", lambda match, page=path: f"]({link(match[1], page)})", text) for text in parts[::2]]
    to = out / place(root, path)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text("".join(parts))
depfile.write_text(f"{out}: {' '.join(map(str, used))}\n")
