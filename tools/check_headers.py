#!/usr/bin/env python3
"""Every header compiles alone, with gcc and with clang. Prints what does not; exit 1 if any."""
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Headers of libpq and LuaJIT lie in folders of their own.
EXTRA = subprocess.run(["pkg-config", "--cflags", "libpq", "luajit"], capture_output=True, text=True,
                       check=True).stdout.split()
FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", ".", *EXTRA,
         "-fsyntax-only", "-x", "c", "-"]


def compile_alone(job):
    compiler, header = job
    done = subprocess.run([compiler, *FLAGS], input=f'#include "{header}"\n', cwd=ROOT,
                          capture_output=True, text=True)
    return "" if done.returncode == 0 else f"{header} does not compile alone:\n{done.stderr}"


def main():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.h"], cwd=ROOT,
                         capture_output=True, text=True, check=True).stdout
    headers = [h for h in out.split() if (ROOT / h).exists()]
    jobs = [(c, h) for c in ("gcc", "clang") for h in headers]
    with ThreadPoolExecutor(2) as pool:
        findings = [f for f in pool.map(compile_alone, jobs) if f]
    print("\n".join(findings) if findings else f"headers: {len(headers)} compile alone")
    return 1 if findings else 0


sys.exit(main())
