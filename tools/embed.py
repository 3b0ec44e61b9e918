#!/usr/bin/env python3
"""Makes a C source out of a folder of files: a struct asset_set (core/http/asset.h).

    embed.py --name web_assets --folder web --source web_assets.c --blob web_assets.bin
             --depfile web_assets.d

The bytes of all files, and of their gzip forms where those are smaller, lie in the blob one after
another; the source takes it in with .incbin and has the table. The same files give the same output:
sorted by path, gzip without a time stamp. Scripts that sites load are embedded twice: X.js without
comments and spaces, X.orig.js as it was written. What several pages share is a file below parts/, which is not
served; a line "<!-- part NAME -->" of a page becomes parts/NAME.html, indented like that line.
"""
import argparse
import gzip
import hashlib
import os
import re
import sys

# Debian's modules, also for a Python that does not come from Debian.
sys.path.append("/usr/lib/python3/dist-packages")
import rjsmin

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
NOT_SERVED_NAMES = {"meson.build", "README", "README.md"}
NOT_SERVED_ENDINGS = (".h", "~", ".orig", ".swp")
ALIGNMENT = 16
PARTS = "parts/"
PART = re.compile(r"^([ \t]*)<!-- part (\w+) -->\n", re.MULTILINE)
MINIFIED = ("identity/include.js", "identity/provisioning_api.js", "identity/authentication_api.js")


def is_served(name):
    hidden = name.startswith(".")
    return not hidden and name not in NOT_SERVED_NAMES and not name.endswith(NOT_SERVED_ENDINGS)


def walk(folder):
    """Paths below the folder, sorted by their bytes, and all folders that were looked into."""
    paths, folders = [], []
    for root, subfolders, names in os.walk(folder):
        subfolders[:] = [s for s in subfolders if not s.startswith(".")]
        folders.append(root)
        for name in filter(is_served, names):
            paths.append(os.path.relpath(os.path.join(root, name), folder).replace(os.sep, "/"))
    return sorted(paths, key=lambda p: p.encode()), folders


def content_type(path):
    ending = os.path.splitext(path)[1].lower()
    if ending not in CONTENT_TYPES:
        sys.exit(f"embed.py: {path}: no content type is known for \"{ending}\"; add it to CONTENT_TYPES")
    return CONTENT_TYPES[ending]


def c_string(text):
    plain = all(" " <= c <= "~" for c in text)
    if not plain or "\\" in text or '"' in text:
        sys.exit(f"embed.py: {text!r}: only plain characters can be in a path")
    return f'"{text}"'


class Blob:
    def __init__(self):
        self.data = bytearray()

    def add(self, name, content):
        """A C initialiser for the place of content in the blob."""
        if not content:
            return '{ "", 0 }'
        self.data += bytes(-len(self.data) % ALIGNMENT)
        at = len(self.data)
        self.data += content
        return f"{{ {name}_blob + {at}, {len(content)} }}"


def with_parts(folder, path, page):
    """A page with the parts that it names."""
    def part(match):
        name = os.path.join(folder, PARTS, match[2] + ".html")
        if not os.path.exists(name):
            sys.exit(f"embed.py: {path}: there is no {PARTS}{match[2]}.html")
        with open(name, encoding="utf-8") as file:
            return "".join(match[1] + line for line in file)
    return PART.sub(part, page.decode()).encode()


def read_all(folder, paths):
    """The files as they are embedded: pairs of path and content, sorted by path."""
    files = {}
    for path in (p for p in paths if not p.startswith(PARTS)):
        with open(os.path.join(folder, path), "rb") as file:
            files[path] = file.read()
        if path.endswith(".html"):
            files[path] = with_parts(folder, path, files[path])
        if path in MINIFIED:
            files[path.removesuffix(".js") + ".orig.js"] = files[path]
            files[path] = rjsmin.jsmin(files[path].decode()).strip().encode() + b"\n"
    return sorted(files.items(), key=lambda pair: pair[0].encode())


def row(path, content, name, blob):
    packed = gzip.compress(content, 9, mtime=0)
    place = blob.add(name, content)
    packed_place = blob.add(name, packed if len(packed) < len(content) else b"")
    digest = hashlib.sha256(content).hexdigest()[:10]
    return (f"\t{{ .path = {c_string(path)},\n"
            f"\t    .content_type = \"{content_type(path)}\",\n"
            f"\t    .bytes = {place},\n"
            f"\t    .gzip = {packed_place},\n"
            f"\t    .hash = \"{digest}\" }},\n")


def source(name, rows, blob, blob_path, set_digest):
    declared = f"extern const struct asset_set {name};\n"
    head = f"/* Made by tools/embed.py. */\n#include \"core/http/asset.h\"\n\n{declared}\n"
    if not rows:
        return head + f"const struct asset_set {name} = {{ NULL, 0, \"\" }};\n"
    symbol = f"{name}_blob"
    # The digest makes the source differ whenever the blob does, for compilers that cache.
    digest = hashlib.sha256(blob).hexdigest()
    return (head +
            f"/* {digest} */\n"
            "__asm__(\".pushsection .rodata, \\\"a\\\"\\n\"\n"
            f"\t\".balign {ALIGNMENT}\\n\"\n"
            f"\t\".globl {symbol}\\n\"\n"
            f"\t\".hidden {symbol}\\n\"\n"
            f"\t\"{symbol}:\\n\"\n"
            f"\t\".incbin {escaped(blob_path)}\\n\"\n"
            "\t\".popsection\\n\");\n\n"
            f"extern const char {symbol}[] __attribute__((visibility(\"hidden\")));\n\n"
            f"static const struct asset {name}_rows[] = {{\n{''.join(rows)}}};\n\n"
            f"const struct asset_set {name} = {{ {name}_rows, {len(rows)}, \"{set_digest}\" }};\n")


def escaped(path):
    """A file name for .incbin inside a C string."""
    if '"' in path or "\\" in path or "\n" in path:
        sys.exit(f"embed.py: {path}: the build folder's name has a quote, a backslash or a line end")
    return f'\\"{path}\\"'


def write_depfile(path, target, inputs):
    escaped_inputs = [i.replace("\\", "\\\\").replace(" ", "\\ ") for i in inputs]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{target}: {' '.join(escaped_inputs)}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("name", "folder", "source", "blob"):
        parser.add_argument("--" + option, required=True)
    parser.add_argument("--depfile")
    args = parser.parse_args()

    paths, folders = walk(args.folder)
    blob = Blob()
    rows = [row(path, content, args.name, blob) for path, content in read_all(args.folder, paths)]
    with open(args.blob, "wb") as file:
        file.write(blob.data)
    with open(args.source, "w", encoding="utf-8") as file:
        set_digest = hashlib.sha256("".join(rows).encode()).hexdigest()[:10]
        file.write(source(args.name, rows, bytes(blob.data), os.path.abspath(args.blob), set_digest))
    if args.depfile:
        # The folders too, so that a new file is seen.
        inputs = folders + [os.path.join(args.folder, p) for p in paths]
        write_depfile(args.depfile, args.source, inputs)


if __name__ == "__main__":
    main()
