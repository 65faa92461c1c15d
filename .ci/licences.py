#!/usr/bin/env python3
"""Print the licence of every package that beleg brings along; exit status 1 where one is none that beleg may depend on.

    .venv/bin/python .ci/licences.py            # what is installed, the tests' packages too
    .venv/bin/python .ci/licences.py --markdown

What each package says of itself counts: its SPDX expression, else its classifiers, else its licence field.
"""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution

# Packages whose metadata does not say it; looked up in the licence file that each carries.
KNOWN = {"atheris": "Apache-2.0", "axe-playwright-python": "MIT"}
# A licence that reaches over to what uses the package, or that forbids some use.
FORBIDDEN = re.compile(
    r"AGPL|Affero|SSPL|Server Side Public|BUSL|Business Source|Commons Clause|Elastic-2|Elastic License|Non-?Commercial"
    r"|\bCC-BY-NC|Proprietary|(?<![LA])GPL(?!.*(?:exception|linking))|(?<!Lesser )General Public License",
    re.IGNORECASE,
)
ALSO_PERMISSIVE = re.compile(r"MIT|BSD|Apache|ISC|PSF|Python Software|MPL|LGPL|Lesser", re.IGNORECASE)


def licence(package: Distribution) -> str:
    """Return what a package says its licence is, "" where it says nothing."""
    fields = package.metadata
    if fields.get("License-Expression"):
        return fields["License-Expression"]
    classified = [
        line.rsplit("::", 1)[1].strip() for line in fields.get_all("Classifier", []) if line.startswith("License ::")
    ]
    classified = [one for one in classified if one != "OSI Approved"]
    if classified:
        return " OR ".join(classified)
    written = (fields.get("License") or "").strip().splitlines()
    return written[0][:80] if written else KNOWN.get(normal(package.name), "")


def is_allowed(said: str) -> bool:
    """Whether beleg may depend on a package of this licence; of several to choose from, one that is allowed suffices.

    >>> is_allowed("MIT"), is_allowed("AGPL-3.0-only"), is_allowed("GPL-2.0 OR MIT"), is_allowed("")
    (True, False, True, False)
    """
    choices = re.split(r"\s+OR\s+", said)
    return bool(said) and any(not FORBIDDEN.search(choice) for choice in choices)


def normal(name: str) -> str:
    """Return a package's name as the registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(name: str) -> dict[str, Distribution]:
    """Return the installed packages that one needs, with all its extras."""
    found: dict[str, Distribution] = {}
    waiting = [(name, True)]
    while waiting:
        wanted, with_extras = waiting.pop()
        if normal(wanted) in found:
            continue
        try:
            package = distribution(wanted)
        except PackageNotFoundError:
            continue  # of another platform, or an extra that is not installed
        found[normal(wanted)] = package
        needed = [line for line in package.requires or [] if with_extras or "extra ==" not in line]
        waiting += [(re.match(r"[\w.-]+", line)[0], False) for line in needed]
    found.pop(normal(name), None)
    return dict(sorted(found.items()))


def main() -> int:
    """Print the table."""
    packages = closure("beleg")
    rows = [(name, package.version, licence(package)) for name, package in packages.items()]
    for name, version, said in rows:
        row = f"| {name} | {version} | {said} |" if "--markdown" in sys.argv else f"{name:40} {version:18} {said}"
        sys.stdout.write(f"{row}\n")
    refused = [f"{name}: {said or 'says nothing of its licence'}" for name, _, said in rows if not is_allowed(said)]
    sys.stderr.write("\n".join(["", f"{len(rows)} packages, {len(refused)} refused", *refused, ""]))
    return 1 if refused or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
