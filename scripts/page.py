# SPDX-License-Identifier: MIT
"""Make index.html of what the studies found, and if asked the tables and pictures of docs/reproduction.md.

usage: page.py DIR [DOCUMENT]
    DIR has a folder for each study, with its results.json and figures. Of DOCUMENT, what follows its line "<!-- tables" is
    made anew, and figures of the paper go to the folder of its name.
"""
import html
import json
import pathlib
import shutil
import sys

ORDER = ["equivalence", "figure_1", "depth_and_p", "adaptive", "vanishing", "memory", "preconditioner", "circulation", "two_points",
         "flow", "completion", "real_depth"]
TITLES = {
    "equivalence": "Equivalence (theorem 1)",
    "figure_1": "The rule through training (figure 1)",
    "depth_and_p": "Depth and p (figure 2)",
    "adaptive": "Against adaptive methods (figures 3 and 4)",
    "vanishing": "Vanishing gradients and identity initialisation (figure 5, left)",
    "memory": "Memory of past gradients (observation 1)",
    "preconditioner": "The preconditioner seen (claims 1 and 2)",
    "circulation": "No regulariser can do it (theorem 2)",
    "two_points": "The two-point problem (section 7)",
    "flow": "Gradient flow",
    "completion": "Matrix completion and sensing",
    "real_depth": "Beyond the paper: real-valued and infinite depth",
}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.3rem; margin-top: 2.5rem; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; font-size: .9rem; }
th, td { border-bottom: 1px solid #e4e4e4; padding: .3rem .6rem; text-align: left; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.v { white-space: nowrap; font-weight: 600; } .holds { color: #1a7f37; } .holds-partly { color: #9a6700; }
.does-not-reproduce { color: #c0252b; }
img { width: 100%; max-width: 56rem; border: 1px solid #eee; }
code { background: #f4f4f4; padding: .1rem .3rem; font-size: .85rem; overflow-wrap: anywhere; }
figure { margin: 1.2rem 0; } figcaption { font-size: .9rem; color: #555; } details { margin: .6rem 0; }
nav li { margin: .1rem 0; }
"""


def load(folder):
    found = []
    for path in sorted(folder.glob("*/results.json")):
        study = json.loads(path.read_text())
        study["folder"] = path.parent.name
        found.append(study)
    return sorted(found, key=lambda s: (ORDER.index(s["name"]), s["folder"]))


def number(x):
    return "-" if x is None else x if isinstance(x, str) else f"{x:.4g}"


def ratio(row):
    p, o = row["published"], row["ours"]
    return f"{o / p:.3f}" if isinstance(o, float) and isinstance(p, (int, float)) and p else "-"


def verdict(v):
    return f'<span class="v {v.replace(" ", "-")}">{v}</span>'


def cost(study):
    cpu = study.get("processor_seconds")
    return f'{study["seconds"]:.0f} s' + (f", {cpu:.0f} s of a processor" if cpu else "")


def source(study):
    if "data" not in study:
        return "no data"
    return f'{study["data"]}, {study["rows"]} rows, {study["features"]} features'


def section(study):
    esc = html.escape
    out = [f'<p>{esc(study["about"])}</p>' if study["first"] else "",
           f'<p><code>{esc(study["command"])}</code><br>{esc(source(study))}; {cost(study)}'
           f'{", quick" if study["quick"] else ""}</p>', "<table><tr><th>verdict</th><th>claim</th><th>numbers</th></tr>"]
    out += [f'<tr><td>{verdict(c["verdict"])}</td><td>{esc(c["claim"])}</td><td>{esc(c["numbers"])}</td></tr>'
            for c in study["claims"]]
    out.append("</table>")
    for f in study["figures"]:
        base = f'{study["folder"]}/{f["name"]}'
        out.append(f'<figure><img src="{base}.svg" alt="{esc(f["title"])}"><figcaption>{esc(f["title"])} '
                   f'(<a href="{base}.csv">numbers</a>, <a href="{base}.gp">gnuplot script</a>)</figcaption></figure>')
    if study["compared"]:
        out.append('<details open><summary>published and ours</summary><table><tr><th>what</th><th class="n">published</th>'
                   '<th class="n">ours</th><th class="n">ratio</th></tr>')
        out += [f'<tr><td>{esc(r["what"])}</td><td class="n">{number(r["published"])}</td>'
                f'<td class="n">{number(r["ours"])}</td><td class="n">{ratio(r)}</td></tr>' for r in study["compared"]]
        out.append("</table></details>")
    if study["numbers"]:
        out.append('<details><summary>more numbers</summary><table>')
        out += [f'<tr><td>{esc(r["what"])}</td><td class="n">{number(r["value"])}</td></tr>' for r in study["numbers"]]
        out.append("</table></details>")
    return "\n".join(out)


def count(studies):
    all_of = [c["verdict"] for s in studies for c in s["claims"]]
    return ", ".join(f"{all_of.count(v)} {v}" for v in ("holds", "holds partly", "does not reproduce"))


def page(studies):
    esc = html.escape
    out = ['<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
           f"<title>Depth as an optimizer: the paper rerun</title><style>{STYLE}</style></head><body>",
           "<h1>Every claim and every figure, run</h1>",
           "<p>Arora, Cohen, Hazan, <em>On the Optimization of Deep Networks: Implicit Acceleration by "
           "Overparameterization</em>, ICML 2018, rerun with depthopt. Lines are ours, points are read off the published "
           f"figures (error 1 to 3 %). Claims: {count(studies)}.</p>",
           "<table><tr><th>verdict</th><th>claim</th></tr>"]
    out += [f'<tr><td>{verdict(c["verdict"])}</td><td><a href="#{s["folder"]}">{esc(c["claim"])}</a></td></tr>'
            for s in studies for c in s["claims"]]
    out.append("</table>")
    for s in studies:
        out.append((f'<h2>{esc(TITLES[s["name"]])}</h2>' if s["first"] else "") + f'<div id="{s["folder"]}">')
        out.append(section(s) + "</div>")
    return "\n".join([*out, "</body></html>\n"])


def pictures(study, folder, pictured):
    """Of a study with published curves, its figures, copied to the folder `pictured`."""
    for figure in study["figures"] if study["compared"] and "data" in study else []:
        name = f'{figure["name"]}.svg'
        shutil.copy(folder / study["folder"] / name, pictured / name)
        yield f'![{figure["title"].replace("|error|", "error")}]({pictured.name}/{name})\n'


def markdown(studies, folder, pictured):
    out = []
    for s in studies:
        if s["first"]:
            out.append(f'\n## {TITLES[s["name"]]}\n')
        out.append(f'`{s["command"]}` ({source(s)}; {cost(s)})\n')
        out += pictures(s, folder, pictured)
        out.append("| verdict | claim | numbers |\n|---|---|---|")
        out += [f'| {c["verdict"]} | {c["claim"]} | {c["numbers"]} |'.replace("|error|", "error") for c in s["claims"]]
        if s["compared"]:
            out.append("\n| | published | ours | ratio |\n|---|---|---|---|")
            out += [f'| {r["what"]} | {number(r["published"])} | {number(r["ours"])} | {ratio(r)} |' for r in s["compared"]]
        if s["numbers"]:
            out.append("\n| | ours |\n|---|---|")
            out += [f'| {r["what"].replace("|", chr(92) + "|")} | {number(r["value"])} |' for r in s["numbers"]]
        out.append("")
    return "\n".join(out)


def main():
    folder = pathlib.Path(sys.argv[1])
    studies = load(folder)
    if not studies:
        sys.exit(f"{folder}: no results.json in any folder")
    for i, s in enumerate(studies):
        s["first"] = i == 0 or studies[i - 1]["name"] != s["name"]
    (folder / "index.html").write_text(page(studies))
    if len(sys.argv) > 2:
        document = pathlib.Path(sys.argv[2])
        pictured = document.with_suffix("")
        pictured.mkdir(exist_ok=True)
        text = document.read_text()
        end = text.index("\n", text.index("<!-- tables")) + 1
        document.write_text(f"{text[:end]}\nClaims: {count(studies)}.\n{markdown(studies, folder, pictured)}")
    print(count(studies))


main()
