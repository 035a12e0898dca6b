#!/bin/sh
# SPDX-License-Identifier: MIT
# pip makes a wheel, which works in an environment of its own, without an installed library. Skips without Debian's
# python3-mesonpy, python3-pip and python3-venv (or the same by pip).
# usage: wheel.sh PROJECT_DIR PYTHON
set -eu
root=$(cd "$1" && pwd)
python=$2
for module in mesonpy pip venv; do
    "$python" -c "import $module" 2>/dev/null || { echo "skipped: $python has no module $module"; exit 77; }
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
quietly() { "$@" >"$tmp/log" 2>&1 || { cat "$tmp/log"; exit 1; }; }
unset PYTHONPATH LD_LIBRARY_PATH

# The backend writes beside the sources, so these are copies; and nothing comes from an index.
mkdir "$tmp/source"
cd "$root"
cp -R pyproject.toml meson.build meson_options.txt LICENSE bindings include src "$tmp/source"
cd "$tmp"
quietly "$python" -m pip wheel --no-index --no-deps --no-build-isolation --wheel-dir wheels ./source
"$python" -m zipfile -l wheels/depthopt-*.whl | sed 1d | awk '{ print $1 }' >files
if grep -v -E '^depthopt(/|-[0-9.]*\.dist-info/)' files; then
    echo "only the package belongs into the wheel"
    exit 1
fi

# NumPy and cffi are the system's.
quietly "$python" -m venv --system-site-packages fresh
quietly fresh/bin/python -m pip install --no-index wheels/depthopt-*.whl
OPENBLAS_NUM_THREADS=1 fresh/bin/python - "$tmp/fresh" <<'END'
import importlib.metadata
import pathlib
import sys

import numpy as np

import depthopt

assert pathlib.Path(depthopt.__file__).is_relative_to(sys.argv[1]), depthopt.__file__
assert importlib.metadata.version("depthopt") == depthopt.__version__
maps = pathlib.Path("/proc/self/maps")
assert not maps.exists() or "libdepthopt" not in maps.read_text(), "it uses an installed library"
w, grad = np.diag([4.0, 9.0]), np.ones((2, 2))
depthopt.e2e_update(w, grad, depth=2, lr=0.1)  # at depth 2, P_W(G)_rc = (s_r + s_c) G_rc
assert np.allclose(w, np.diag([4.0, 9.0]) - 0.1 * np.array([[8.0, 13.0], [13.0, 18.0]]), rtol=1e-14)
print("depthopt", depthopt.__version__, "from", pathlib.Path(depthopt.__file__).parent.relative_to(sys.argv[1]))
END
