# SPDX-License-Identifier: MIT
"""Make man pages: section 3 of the public headers, section 1 of what programs say on --help.

usage: man.py 3 VERSION OUT HEADER...      man.py 1 VERSION OUT PROGRAM...
"""
import pathlib
import re
import shutil
import subprocess
import sys

section, version, out, sources = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), [pathlib.Path(name) for name in sys.argv[4:]]
COMMENT = re.compile(r"/\*\*\n?(?!<)(.*?)\*/\n(.*?)(?=\n\n(?! )|\n/\*\*|\Z)", re.S)
TYPE = re.compile(r"^(?:typedef (?:struct|enum) dopt_\w+ |} )(dopt_\w+);|^typedef [^;]*?\(\*(dopt_\w+)\)", re.M)
FUNCTION = re.compile(r"^(?:DOPT_API|static inline) ([^{;]*?\b(dopt_\w+)\([^{;]*\))", re.M)


def escape(text):
    text = text.replace("\\", r"\e").replace("-", r"\-")
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return r"\&" + text if text[:1] in ".'" else text


def verbatim(lines):
    return [".RS 4", ".nf", *(escape(line) for line in lines), ".fi", ".RE"]


def tagged(line):
    """A line of the kind "@param[in] name  text" as the head of a paragraph, or None."""
    hit = re.match(r"@param(?:\[([\w,]*)\])?\s+((?:\w+,\s*)*\w+)\s*(.*)", line)
    if hit:
        return [".TP", rf"\fI{escape(hit[2])}\fR" + (f" [{hit[1]}]" if hit[1] else ""), escape(hit[3])]
    hit = re.match(r"@retval\s+((?:DOPT_\w+,\s*)*\w+)\s*(.*)", line)
    if hit:
        return [".TP", rf"\fB{escape(hit[1])}\fR", escape(hit[2])]
    hit = re.match(r"@returns?\s*(.*)", line)
    return [".TP", "returns", escape(hit[1])] if hit else None


def prose(comment):
    """The text of a comment in the language of man pages."""
    lines = [re.sub(r"^ ?\*? ?", "", line).rstrip() for line in comment.strip("\n").splitlines()]
    done, block, tags = [], [], False
    for line in [*lines, ""]:
        if line.startswith("    ") and not tags:
            block.append(line[4:])
            continue
        if block and not line:
            block.append("")
            continue
        if block:
            done += [*verbatim(block[:-1] if not block[-1] else block), ".PP"]
            block = []
        head = tagged(line)
        if head:
            done += head
            tags = True
        elif not line:
            done.append(".PP")
            tags = False
        elif line.startswith("- "):
            done += [r".IP \(bu 2", escape(line[2:])]
        elif not line.startswith("@file"):
            done.append(escape(line.strip()))
    while block and not block[-1]:
        block.pop()
    done += verbatim(block) if block else []
    text = "\n".join(line for line in done if line)
    text = re.sub(r"(\.PP\n)+(?=\.PP|\.TP|\.IP|\Z)", "", text + "\n")
    return re.sub(r"\A(\.PP\n)+", "", text)


def page(name, number, about, body):
    body = re.sub(r"(\.S[HS] .*\n)(\.PP\n)+", r"\1", re.sub(r"(\.PP\n)+(?=\.PP|\.S[HS]|\.TP|\Z)", "", body))
    title = f'.TH {name.upper()} {number} "" "depthopt {version}" "depthopt"\n.SH NAME\n'
    (out / f"{name}.{number}").write_text(title + about + "\n" + body)


def prototype(hit):
    """A declaration without what stands before its type; its further lines move to the left as well."""
    moved = len(hit[0]) - len(hit[1])
    return re.sub(rf"\n {{{moved}}}", "\n", hit[1])


def header_page(path):
    text = path.read_text()
    include = re.search(r"@file (\S+)", text)[1]
    blocks = [(hit[1], hit[2]) for hit in COMMENT.finditer(text)]
    about = next(line for line in re.sub(r"^ ?\* ?", "", blocks[0][0], flags=re.M).splitlines() if line and line[0] != "@").rstrip(".")
    functions = [(list(FUNCTION.finditer(code)), comment) for comment, code in blocks if FUNCTION.match(code)]
    types = [(comment, code) for comment, code in blocks[1:] if code.startswith(("typedef", "#define DOPT"))]
    names = [hit[2] for hits, _ in functions for hit in hits] + [hit[1] or hit[2] for _, code in types for hit in TYPE.finditer(code)]
    name = "depthopt" if path.stem == "depthopt" else f"depthopt_{path.stem}"
    body = [".SH SYNOPSIS", ".nf", f"#include <{include}>"]
    body += [escape(prototype(hit)) + ";" for hits, _ in functions for hit in hits]
    library = "depthopt-mpi" if path.stem == "mpi" else "depthopt"
    body += [".PP", f"cc prog.c $(pkg\\-config \\-\\-cflags \\-\\-libs {escape(library)})", ".fi", ".SH DESCRIPTION", prose(blocks[0][0])]
    if types:
        body.append(".SH TYPES")
        for comment, code in types:
            body += [".PP", prose(comment), *verbatim(code.splitlines())]
    if functions:
        body.append(".SH FUNCTIONS")
        for hits, comment in functions:
            declared = "\n".join(map(prototype, hits))
            body += [f".SS {', '.join(hit[2] for hit in hits)}", *verbatim(declared.splitlines()), ".PP", prose(comment)]
    body += [".SH SEE ALSO", r"\fBdepthopt\fR(3), \fBdepthopt\fR(1)"]
    page(name, 3, f"{', '.join([name, *names])} \\- {escape(about)}", "\n".join(line.rstrip("\n") for line in body) + "\n")
    for other in names:
        (out / f"{other}.3").write_text(f".so man3/{name}.3\n")


def program_page(path, also):
    text = subprocess.run([path.resolve(), "--help"], capture_output=True, text=True, check=True).stdout
    usage, *rest = text.splitlines()
    name = path.name if path.name == "depthopt" else f"depthopt-{path.name}"
    start = rest.index("")
    example = next(i for i, line in enumerate(rest) if line.startswith("example: "))
    status = next(i for i, line in enumerate(rest) if line.startswith("exit status: "))
    body = [".SH SYNOPSIS", escape(usage.removeprefix("usage: ").replace(path.name, name.replace("-", " ", 1), 1)), ".SH DESCRIPTION"]
    body += [escape(line) for line in rest[:start]] + [".SH OPTIONS"]
    end = rest.index("programs:") if "programs:" in rest else example
    for line in rest[start + 1:end]:
        option = re.match(r"  ((?:PROGRAM )?--\S+(?: [A-Z]\S*)?)\s+(.*)", line)
        body += [".TP", rf"\fB{escape(option[1])}\fR", escape(option[2])] if option else [escape(line.strip()) if line else ".PP"]
    body += [".SH EXAMPLE", ".nf", escape(rest[example].removeprefix("example: ")), ".fi", ".SH EXIT STATUS"]
    body += [escape(line.removeprefix("exit status: ").strip()) for line in rest[status:]]
    body += [".SH ENVIRONMENT", ".TP", "NO_COLOR", "no colours on a terminal either", ".TP", "OPENBLAS_NUM_THREADS", "threads of the BLAS; 1 is best for most runs",
             ".SH SEE ALSO", ", ".join(rf"\fB{escape(other)}\fR({number})" for other, number in also if other != name)]
    about = "run the programs that come with depthopt" if path.name == "depthopt" else " ".join(rest[:start]).split(". One of")[0].rstrip(".")
    page(name, 1, f"{escape(name)} \\- {escape(about)}", "\n".join(line for line in body if line) + "\n")


shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
related = [("depthopt", 1), *((f"depthopt-{path.name}", 1) for path in sources if path.name != "depthopt"), ("depthopt", 3)]
for source in sources:
    header_page(source) if section == "3" else program_page(source, related)
