# SPDX-License-Identifier: MIT
"""The pages of the documentation, in the order of their menu, and where each of them goes."""
import re

GUIDES = ["start", "which-form", "depth-and-rate", "your-own-gradient", "your-own-loss", "your-own-network", "checkpoints", "troubleshooting",
          "accuracy", "python", "from-nlopt", "from-pytorch", "from-scikit-learn"]
MENU = {
    "Guides": [f"docs/guides/{name}.md" for name in GUIDES],
    "Background": ["docs/math/e2e.md", "docs/reproduction.md", "docs/mnist_cnn.md", "docs/performance.md", "docs/numerics.md"],
    "Reference": ["docs/errors.md", "docs/threads.md", "docs/reliability.md", "docs/testing.md", "docs/distributed.md", "docs/clusters.md", "docs/abi.md",
                  "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "bindings/README.md"],
}


def pages(root):
    """All pages: the README, those of the menu, and what else there is under docs/ and bindings/."""
    listed = ["README.md", *(name for names in MENU.values() for name in names)]
    others = [path.relative_to(root).as_posix() for folder in ("docs", "bindings") for path in sorted((root / folder).rglob("*.md"))]
    return [root / name for name in dict.fromkeys([*listed, *others]) if (root / name).exists()]


def place(root, path):
    """Where a file goes, below the folder of the documentation: docs/ is that folder."""
    return re.sub(r"^docs/", "", path.relative_to(root).as_posix())
