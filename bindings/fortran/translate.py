# SPDX-License-Identifier: MIT
"""Write the Fortran module depthopt_c from the C headers: constants, types field by field, functions by their names.

usage: translate.py HEADER... > depthopt_c.f90
       translate.py --layout c|fortran HEADER...      a program that prints where every field of every type is
"""
import pathlib
import re
import sys

NUMBERS = {"int": "integer(c_int)", "ptrdiff_t": "integer(c_ptrdiff_t)", "size_t": "integer(c_size_t)",
           "double": "real(c_double)", "int64_t": "integer(c_int64_t)", "uint64_t": "integer(c_int64_t)",
           "long long": "integer(c_long_long)", "uint32_t": "integer(c_int32_t)"}
# Pointers that may be NULL, and pointers to more than one thing, by the names that the headers give them.
OPTIONAL = {"options", "batch", "trials", "report", "reason", "value", "sigma", "eigenvalues", "allocator"}
ARRAYS = {"dims", "rows", "grid", "trials", "params", "grads", "hidden", "slope", "sigma", "eigenvalues", "rates"}
HEAD = """! SPDX-License-Identifier: MIT
! Made from the C headers by translate.py; do not edit.
!> What depthopt's C headers declare, by the same names; what it does is said there. Programs use the module depthopt.
!>
!> Handles are type(c_ptr). An argument that may be NULL in C is optional here. Numbers that are uint64_t in C are
!> integer(c_int64_t) of the same bits. Functions that return C strings end in _c: module depthopt makes Fortran strings.
module depthopt_c
    use, intrinsic :: iso_c_binding
    implicit none
    public
"""


def clean(path):
    return re.sub(r"/\*.*?\*/", "", pathlib.Path(path).read_text(), flags=re.S)


class Headers:
    def __init__(self, paths):
        self.text = "".join(clean(path) for path in paths)
        find = lambda pattern: re.findall(pattern, self.text, re.S)
        self.enums = dict(find(r"typedef enum (\w+) \{(.*?)\}"))
        self.structs = dict(find(r"typedef struct (\w+) \{(.*?)\} \w+;"))
        self.handles = {name for name in find(r"typedef struct (\w+) \w+;")}
        self.callbacks = {name: (result, args) for result, name, args in find(r"typedef ([\w ]+?) \(\*(\w+)\)\((.*?)\);")}
        self.defines = find(r"#define (DOPT_\w+) (\d+)\n")
        initial = find(r"#define \w+_INIT[\s\\]+\{((?:[^{}]|\{[^{}]*\})*)\}")
        self.defaults = {re.search(r"sizeof\((\w+)\)", text)[1]: text for text in initial}
        self.functions = find(r"DOPT_API\s+([^;()]*?)(dopt_\w+)\(([^;]*)\);")

    def kind(self, name):
        return NUMBERS.get(name) or ("integer(c_int)" if name in self.enums else
                                     "type(c_funptr)" if name in self.callbacks else f"type({name})")

    def fields(self, struct):
        """(name, Fortran type, dimension) of each field."""
        for line in self.structs[struct].split(";"):
            line = " ".join(line.split())
            function = re.match(r".*\(\*(\w+)\)\(", line)
            if function:
                yield function[1], "type(c_funptr)", ""
            elif line:
                base, names = re.match(r"(?:const )?(long long|\w+) (.*)", line).groups()
                for name in names.split(","):
                    stars, plain, extent = re.match(r"\s*(\**)\s*(\w+)(?:\[(\d+)\])?", name).groups()
                    yield plain, "type(c_ptr)" if stars else self.kind(base), f"({extent})" if extent else ""

    def ordered(self):
        """The structs, each after those that it holds."""
        names = []

        def add(name):
            for _, kind, _ in self.fields(name):
                inner = re.match(r"type\((dopt_\w+)\)", kind)
                if inner and inner[1] not in names:
                    add(inner[1])
            if name not in names:
                names.append(name)

        for name in self.structs:
            add(name)
        return names

    def argument(self, text, callback):
        """(Fortran declaration, name with dimension, name)."""
        const, base, stars, name, array = re.match(
            r"(const )?(long long|\w+) ?(\**)(?:const )?(\w+)(\[\d*\])?$", text.strip()).groups()
        if base in self.handles:
            return ("type(c_ptr), value" if len(stars) == 1 else "type(c_ptr), intent(inout)"), name, name
        if base == "char" and not callback:
            return "character(kind=c_char), intent(in)", name + "(*)", name
        if base in ("void", "char"):
            return "type(c_ptr), value", name, name
        if not stars and not array:
            return self.kind(base) + ", value", name, name
        optional = ", optional" if name in OPTIONAL and not (callback and name == "value") else ""
        return (f"{self.kind(base)}, intent({'in' if const else 'inout'}){optional}",
                name + "(*)" * (name in ARRAYS or bool(array)), name)


def wrapped(line):
    if len(line) <= 120:
        return line
    at = line.rfind(",", 0, 117) + 1
    return line[:at] + " &\n            " + line[at:].strip()


def procedure(headers, result, name, args, callback=False):
    result, label = result.strip(), name
    arguments = [headers.argument(a, callback) for a in args.split(",") if a.strip() != "void"]
    if result.endswith("*"):
        kind = "type(c_ptr)"
        name += "_c" * ("char" in result)
    else:
        kind = None if result == "void" else headers.kind(result)
    bind = f'bind(c, name="{label}")' if label != name else "bind(c)"
    what = "function" if kind else "subroutine"
    yield wrapped(f"        {kind + ' ' if kind else ''}{what} {name}({', '.join(a[2] for a in arguments)}) {bind}")
    yield "            import"
    for kind, declared, _ in arguments:
        yield f"            {kind} :: {declared}"
    yield f"        end {what}"


def default(kind, text):
    if kind in ("type(c_ptr)", "type(c_funptr)"):
        return " = c_null_" + kind[7:-1]
    if kind.startswith("type("):
        return ""  # its own defaults, all zero
    if "INFINITY" in text or "sizeof" in text:
        return " = 0"  # set by the constructor in module depthopt
    return " = " + text + "_c_double" * (kind == "real(c_double)")


def split(text):
    """At the commas outside of braces."""
    return [part.strip() for part in re.sub(r"\{[^{}]*\}", "{}", text.replace("\\", "")).split(",")]


def module(headers):
    yield HEAD
    for name, body in headers.enums.items():
        for constant, value in re.findall(r"(\w+) = (-?\d+)", body):
            yield f"    integer(c_int), parameter :: {constant} = {value}"
    for constant, value in headers.defines:
        yield f"    integer(c_int), parameter :: {constant} = {value}"
    for struct in headers.ordered():
        values = split(headers.defaults.get(struct, ""))
        yield f"\n    type, bind(c) :: {struct}"
        for i, (name, kind, extent) in enumerate(headers.fields(struct)):
            yield f"        {kind} :: {name}{extent}{default(kind, values[i] if len(values) > 1 else '0')}"
        yield "    end type"
    yield "\n    abstract interface"
    for name, (result, args) in headers.callbacks.items():
        yield from procedure(headers, result, name, args, callback=True)
    yield "    end interface\n\n    interface"
    for result, name, args in headers.functions:
        yield from procedure(headers, result, name, args)
    yield "    end interface\nend module"


def layout_c(headers):
    yield "#include <stddef.h>\n#include <stdio.h>\n#include <depthopt/depthopt.h>\nint main(void)\n{"
    for struct in headers.ordered():
        yield f"    {{\n    {struct} s;"
        for name, _, _ in headers.fields(struct):
            yield f'    printf("{struct} {name} %d %d\\n", (int)offsetof({struct}, {name}), (int)sizeof s.{name});'
        yield f'    printf("{struct} size %d\\n", (int)sizeof s);\n    }}'
    yield "    return 0;\n}"


def layout_fortran(headers):
    yield "program layout\n    use depthopt_c\n    implicit none"
    for struct in headers.ordered():
        yield f"    block\n        type({struct}), target :: s"
        for name, _, _ in headers.fields(struct):
            yield f"        print '(a, i0, 1x, i0)', '{struct} {name} ', at(c_loc(s%{name})) - at(c_loc(s)), &\n            c_sizeof(s%{name})"
        yield f"        print '(a, i0)', '{struct} size ', c_sizeof(s)\n    end block"
    yield """contains
    integer(c_intptr_t) function at(p)
        type(c_ptr), intent(in) :: p
        at = transfer(p, at)
    end function
end program"""


if sys.argv[1] == "--layout":
    lines = {"c": layout_c, "fortran": layout_fortran}[sys.argv[2]](Headers(sys.argv[3:]))
else:
    lines = module(Headers(sys.argv[1:]))
print("\n".join(lines))
