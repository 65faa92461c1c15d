#!/usr/bin/env python3
"""Write .ci/constraints.txt: the versions that are tested, with the SHA-256 of the files for this platform.

    .venv/bin/python .ci/pin.py [EXTRA…]

To install exactly that: pip install --require-hashes -r .ci/constraints.txt && pip install --no-deps .
pip resolves what pyproject.toml names, with the extras test and mcp and those given; nothing is installed.
"""

import json
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = ROOT / ".ci" / "constraints.txt"


def resolved(extras: list[str]) -> list[dict[str, object]]:
    """Return what pip would install, as its report describes it."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        what = f"{ROOT}[{','.join(extras)}]"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
        subprocess.run([*command, "--report", str(report), what], check=True)  # noqa: S603
        return json.loads(report.read_text("utf-8"))["install"]


def line(package: dict) -> str:
    """Return the requirement of one package, with the hash of the file that was chosen."""
    metadata, archive = package["metadata"], package["download_info"]["archive_info"]
    sha256 = archive.get("hashes", {}).get("sha256") or archive["hash"].removeprefix("sha256=")
    name = re.sub(r"[-_.]+", "-", metadata["name"]).lower()
    return f"{name}=={metadata['version']} --hash=sha256:{sha256}"


def main() -> None:
    """Write the file."""
    extras = sorted({"test", "mcp", *sys.argv[1:]})
    lines = sorted(line(package) for package in resolved(extras) if "dir_info" not in package["download_info"])
    python = ".".join(platform.python_version_tuple()[:2])
    where = f"Python {python} on {sys.platform} {platform.machine()}"
    head = f"# Made by .ci/pin.py for {where}, extras {', '.join(extras)}; torch is its build without CUDA.\n"
    TARGET.write_text(head + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
