#!/usr/bin/env python3
"""Checks what the compiler does not: includes point one way, banned functions are not called,
only clock.c reads clocks, files say what they are for. Prints one line per finding; exit 1 if any."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# A folder may include itself and folders of lower rank. Equal rank means siblings: not allowed,
# except for the pairs below. See doc/STYLE.md.
RANK = {
    "core/base": 0, "core/ev": 1, "core/conf": 1, "core/grace": 1, "core/obs": 2, "core/tls": 2,
    "core/rpc": 3, "core/http": 3, "core/offload": 4, "core/realtime": 4, "core/store": 4, "core/blob": 5, "core/helper": 5, "core": 5, "core/role": 6, "core/offload/nats": 7,
    # The lab knows the runtime and nothing of what it measures.
    "web": 5, "lab": 7, "accounts": 7, "accounts/courier": 8, "services/identity": 9, "services/pairs": 9, "services/pairs/picture": 10, "services/sync": 9,
    "services/symbols": 9, "services": 10,
    "cmd": 11,
}
# Tests and benchmarks may use everything.
FREE = ("test/",)

BANNED = r"strcpy|strcat|sprintf|vsprintf|strtok|gets|atoi|atol|localtime|gmtime|rand|random|system|alloca"
CLOCKS = r"time|gettimeofday|clock_gettime"
SLEEPS = r"sleep|usleep|nanosleep"


def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h"],
                         cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(p) for p in out.split() if (ROOT / p).exists()]


def strip_code(text):
    """Code without comments and string contents, with its line structure."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    text = re.sub(r'"(\\.|[^"\\\n])*"', '""', text)
    return re.sub(r"//[^\n]*", "", text)


def check_includes(path, text, report):
    folder = str(path.parent)
    if folder not in RANK:
        report(path, 1, f"folder {folder} has no rank in tools/check_layers.py")
        return
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not match:
            continue
        target = Path(match.group(1))
        if not (ROOT / target).exists():
            report(path, number, f"include {target} is not written from the root of the tree")
            continue
        other = str(target.parent)
        if target.name.endswith("_priv.h") and other != folder:
            report(path, number, f"{target} is private to its folder")
        if other != folder and RANK.get(other, 99) >= RANK[folder]:
            report(path, number, f"{folder} may not include {other} (upward or sideways)")


def check_calls(path, text, report):
    code = strip_code(text)
    for number, line in enumerate(code.split("\n"), 1):
        match = re.search(rf"(?<![\w.>])({BANNED})\s*\(", line)
        if match and not path.name.endswith("_test.c"):
            report(path, number, f"{match.group(1)}() is banned")
        if path.name not in ("clock.c", "clock_test.c"):
            match = re.search(rf"(?<![\w.>])({CLOCKS})\s*\(", line)
            if match:
                report(path, number, f"only core/base/clock.c reads clocks ({match.group(1)})")
        match = re.search(rf"(?<![\w.>])({SLEEPS})\s*\(", line)
        if match and not path.name.endswith("_test.c"):
            report(path, number, f"{match.group(1)}() blocks the loop")


def check_shape(path, text, report):
    if not text.startswith("/*"):
        report(path, 1, "a file opens with a comment that says what it is for")
    if path.suffix == ".h":
        inner = re.sub(r"^(core|services|test)/", "", str(path))
        guard = "PLIMSOLL_" + re.sub(r"\W", "_", inner).upper()
        if f"#ifndef {guard}" not in text:
            report(path, 1, f"include guard is not {guard}")
    lines = text.count("\n")
    if lines > 700:
        report(path, 1, f"{lines} lines; split it (at most 700)")
    start = None
    for number, line in enumerate(text.split("\n"), 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            if number - start > 90:
                report(path, start, f"function of {number - start} lines (at most 90)")
            start = None


def main():
    findings = []

    def report(path, line, what):
        findings.append(f"{path}:{line}: {what}")

    names = {}
    for path in tracked():
        text = (ROOT / path).read_text()
        check_shape(path, text, report)
        if not str(path).startswith(FREE):
            check_includes(path, text, report)
            check_calls(path, text, report)
        if path.name in names:
            report(path, 1, f"the file name {path.name} is taken by {names[path.name]}")
        names[path.name] = path
    print("\n".join(findings) if findings else "layers: ok")
    return 1 if findings else 0


sys.exit(main())
