# SPDX-License-Identifier: MIT
"""Make the pages of the site from the README and docs/, beside the headers that Doxygen has made, and check all links.

usage: site.py ROOT OUT
"""
import html
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

root, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
here = root / "docs/site"
sys.dont_write_bytecode = True
sys.path.insert(0, str(root / "docs"))
from pages import MENU, pages, place  # noqa: E402


def target(path):
    """Where the page of a Markdown file is."""
    name = place(root, path)
    return out / ("index.html" if name == "README.md" else re.sub(r"\.md$", ".html", name))


def title(path):
    return re.search(r"^# (.*)", path.read_text(), re.M)[1]


def relative(to, page):
    return pathlib.PurePath(os.path.relpath(to, page.parent)).as_posix()


def menu(page):
    parts = []
    for heading, names in MENU.items():
        parts.append(f"<h2>{heading}</h2><ul>")
        if heading == "Reference":
            parts.append(f'<li><a href="{relative(out / "headers/index.html", page)}">The headers</a></li>')
        for name in names:
            path = root / name
            if path.exists():
                mark = ' class="here"' if target(path) == page else ""
                parts.append(f'<li><a{mark} href="{relative(target(path), page)}">{html.escape(title(path))}</a></li>')
        parts.append("</ul>")
    return "\n".join(parts)


def header(name):
    """Doxygen's page of a header."""
    return out / "headers" / (name.replace("_", "__").replace(".", "_8") + ".html")


def link(match, path, page):
    """A link of the Markdown file, as one of its page. Files that are no pages are copied."""
    attribute, address = match[1], html.unescape(match[2])
    name, _, anchor = address.partition("#")
    if re.match(r"[a-z]+:", address) or not name:
        return match[0]
    source = (path.parent / urllib.parse.unquote(name)).resolve()
    if source.suffix == ".md":
        to = target(source)
    elif source.parent == root / "include/depthopt":
        to = header(source.name)
    elif source.is_dir():
        to = target(source / "README.md")
    else:
        to = out / place(root, source)
        to.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            shutil.copy(source, to)
    return f'{attribute}="{relative(to, page)}{"#" + anchor if anchor else ""}"'


def table(match):
    """A table that scrolls where its columns would be towers: room for words, for short cells, for sentences in a few lines."""
    rows = [[html.unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.S)]
            for row in match[1].split("<tr")[1:]]
    columns, letters = list(zip(*rows)), 0
    for column in columns:
        longest, word = max(map(len, column)), max((len(word) for cell in column for word in cell.split()), default=0)
        letters += 3 + max(min(word, 28), min(longest, 16), min(longest // 4, 22 if len(columns) < 3 else 44))
    return f'<div class="table"><table style="min-width: max(60%, {min(letters / 2, 54)}rem)">{match[1]}</table></div>'


def make(path):
    page = target(path)
    page.parent.mkdir(parents=True, exist_ok=True)
    text = re.sub(r"<!--.*?-->\n?", "", path.read_text(), flags=re.S)
    done = subprocess.run(
        ["pandoc", "--from", "gfm+tex_math_dollars", "--to", "html5", "--mathml", "--template", here / "template.html", "--wrap", "none",
         "--metadata", f"pagetitle={title(path)}", "-V", f"root={relative(out, page)}/", "-V", f"menu={menu(page)}"],
        input=text, capture_output=True, text=True, check=True)
    if done.stderr:
        sys.exit(f"{path}: {done.stderr}")
    head, body = done.stdout.split("<main>")
    body = re.sub(r'\b(href|src)="([^"]*)"', lambda match: link(match, path, page), body)
    body = re.sub(r"<code>([^<\n]{1,28})</code>", r'<code class="short">\1</code>', body)  # not to be broken at its hyphens
    body = re.sub(r"<code>([^<\n]{29,})</code>", lambda match: re.sub(r"([(,=])(?=\S)", r"\1<wbr>", match[0]), body)  # rather here
    body = re.sub(r"(?<=[>\s(])(\d[\d.]*e-\d+)(?=[^<>]*<)", r'<span class="number">\1</span>', body)  # nor these
    body = re.sub(r'(?<!">)(<img src="([^"]*)"[^>]*>)', r'<a href="\2">\1</a>', body)  # by itself it can be made larger
    body = re.sub(r"<table>(.*?)</table>", table, body, flags=re.S)
    page.write_text(f"{head}<main>{body}")


def check():
    """Every link within the site leads to a file, and to an anchor where it names one."""
    bad, anchors = [], {}
    for page in out.rglob("*.html"):
        for address in re.findall(r'\b(?:href|src)="([^"]*)"', page.read_text()):
            name, _, anchor = html.unescape(address).partition("#")
            if re.match(r"[a-z]+:|//", address):
                continue
            to = (page.parent / urllib.parse.unquote(name)).resolve() if name else page
            if not to.exists():
                bad.append(f"{page.relative_to(out)}: {address} leads nowhere")
            elif anchor and to.suffix == ".html" and "headers" not in page.parts:
                if to not in anchors:
                    anchors[to] = set(re.findall(r'\b(?:id|name)="([^"]*)"', to.read_text()))
                if anchor not in anchors[to]:
                    bad.append(f"{page.relative_to(out)}: {address} names no part of that page")
        if re.search(r'<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?//', page.read_text()):
            bad.append(f"{page.relative_to(out)}: loads something from the net")
    return bad


for page in (out / "headers").glob("*.html"):
    page.write_text(re.sub(r'(<div id="projectname">)depthopt', r'\1<a href="../index.html">depthopt</a>', page.read_text()))
shutil.copy(out / "headers/files.html", out / "headers/index.html")  # Doxygen's own is empty
shutil.copy(here / "style.css", out / "style.css")
for path in pages(root):
    make(path)
problems = check()
print("\n".join(problems) or f"{len(pages(root))} pages, {len(list((out / 'headers').glob('*.html')))} of headers: all links lead somewhere")
sys.exit(bool(problems))
