# SPDX-License-Identifier: MIT
"""Every link between the Markdown files of a folder leads to a file, and to a heading where it names one.

usage: links.py DIR [PART...]      PART: what of DIR to look at, by default all
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1]).resolve()
bad, links, headings = [], 0, {}


def prose(path):
    text = re.sub(r"<!--.*?-->", "", path.read_text(), flags=re.S)
    return re.sub(r"`[^`\n]*`", lambda match: match[0].replace("](", "] ("), re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M))


def anchors(path):
    """As GitHub makes them of headings."""
    if path not in headings:
        text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.S | re.M)
        titles = re.findall(r"^#+ (.*)$", text, flags=re.M)
        headings[path] = {re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", title).lower()).strip().replace(" ", "-") for title in titles}
    return headings[path]


def files():
    for part in sys.argv[2:] or ["."]:
        path = root / part
        yield from [path] if path.is_file() else sorted(path.rglob("*.md"))


for page in files():
    for address in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        name, _, anchor = address.partition("#")
        if re.match(r"[a-z]+:", address):
            continue
        links += 1
        to = (page.parent / name).resolve() if name else page
        if not to.exists():
            bad.append(f"{page.relative_to(root)}: {address} leads nowhere")
        elif anchor and to.suffix == ".md" and anchor not in anchors(to):
            bad.append(f"{page.relative_to(root)}: {address} names no heading")
print("\n".join(bad) or f"{links} links lead somewhere")
sys.exit(bool(bad) or links == 0)
