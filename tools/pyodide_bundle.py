"""Builds the Pyodide bundle from which workerd boots Python, out of the npm package `pyodide`.

workerd would fetch this bundle from the internet. It is one unpacked Cap'n Proto message, and all
of its content is in the npm package, so it can be built here:

    u32  number of segments - 1 (0)      u32  size of the segment in 8-byte words
    root pointer -> struct { 1 pointer } -> list of modules, each a struct of
        data word   u16 module type (2: internal), u16 kind (0: JavaScript, 1: Wasm, 2: data)
        4 pointers  0: name (text), 1: content (data), 2 and 3: unused

The JavaScript glue is written for browsers and Node.js. workerd forbids code generation and has no
clock or entropy at start-up, so some calls in the glue are redirected to functions that workerd
provides. Without a redirect the runtime would start and fail much later, so the number of each
redirect's occurrences is checked: another version of Pyodide fails here, with the redirect's name.
"""

import argparse
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WORD = 8
MODULE_DATA_WORDS = 1
MODULE_POINTERS = 4
MODULE_WORDS = MODULE_DATA_WORDS + MODULE_POINTERS
INTERNAL_MODULE = 2
JAVASCRIPT, WASM, DATA = 0, 1, 2
LIST_OF_BYTES, LIST_OF_STRUCTS = 2, 7

# workerd's replacements for forbidden calls, imported in the glue's first line.
PRELUDE = """\
import {
  location, addEventListener, getRandomValues, monotonicDateNow,
  newWasmModule, wasmInstantiate, patchedLoadLibData,
} from "pyodide-internal:builtin_wrappers";
const noEval = () => { throw new Error("eval is not allowed in a Worker"); };
"""


@dataclass(frozen=True, slots=True)
class Redirect:
    """A text in the glue, its number of occurrences, and its replacement."""

    old: str
    count: int
    new: str


REDIRECTS = (
    Redirect("new WebAssembly.Module(", 4, "newWasmModule("),
    Redirect("WebAssembly.instantiate(", 2, "wasmInstantiate("),
    Redirect("Date.now", 22, "monotonicDateNow"),
    Redirect("crypto.getRandomValues(", 1, "getRandomValues(Module, "),
    Redirect("reportUndefinedSymbols()}", 1, "Module.reportUndefinedSymbolsNoOp()}"),
    # The memory of a native module, at its address in the snapshot.
    Redirect("getMemory(", 1, "Module.getMemoryPatched(Module, libName, "),
    Redirect("eval(func)", 2, "noEval(func)"),
    Redirect("eval(data)", 1, "noEval(data)"),
    Redirect("eval(UTF8ToString(ptr))", 3, "noEval(UTF8ToString(ptr))"),
    Redirect(
        "export default _createPyodideModule;",
        1,
        "export default _createPyodideModule;\nexport { _createPyodideModule };\n",
    ),
)

# The function that finds a native module's file; its whole body is replaced.
LOAD_LIB_DATA = Redirect(
    "function loadLibData(){",
    1,
    "function loadLibData(){"
    "var found=patchedLoadLibData(Module,libName,flags.rpath);"
    "return flags.loadAsync?Promise.resolve(found):found}",
)
AFTER_LOAD_LIB_DATA = "function getExports(){"


class GlueError(Exception):
    """The glue is of another Pyodide than these redirects are for."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module of the bundle."""

    name: str
    kind: int
    content: bytes


def check_count(glue: str, redirect: Redirect) -> None:
    """GlueError with the redirect's text unless it occurs exactly `count` times."""
    found = glue.count(redirect.old)
    if found != redirect.count:
        raise GlueError(
            f"redirect `{redirect.old}` occurs {found} times in pyodide.asm.mjs, "
            f"expected {redirect.count}: this is another Pyodide than tools/pyodide_bundle.py "
            "was written for, so its redirects need to be reviewed."
        )


def redirect_load_lib_data(glue: str) -> str:
    """Replace the body of loadLibData."""
    check_count(glue, LOAD_LIB_DATA)
    start = glue.index(LOAD_LIB_DATA.old)
    end = glue.find(AFTER_LOAD_LIB_DATA, start)
    if end < 0:
        raise GlueError(f"`{AFTER_LOAD_LIB_DATA}` does not follow loadLibData in pyodide.asm.mjs.")
    return glue[:start] + LOAD_LIB_DATA.new + glue[end:]


def redirect_glue(glue: str) -> str:
    """The glue with all redirects; occurrences are counted before any change."""
    for redirect in REDIRECTS:
        check_count(glue, redirect)
    glue = redirect_load_lib_data(glue)
    for redirect in REDIRECTS:
        glue = glue.replace(redirect.old, redirect.new)
    return PRELUDE + glue


def struct_pointer(offset: int, data_words: int, pointers: int) -> bytes:
    """A pointer to a struct `offset` words after the end of the pointer."""
    return struct.pack("<iHH", offset << 2, data_words, pointers)


def list_pointer(offset: int, element: int, size: int) -> bytes:
    """A pointer to a list; `size` is in elements, or in words for a list of structs."""
    return struct.pack("<iI", offset << 2 | 1, size << 3 | element)


def padded(content: bytes) -> bytes:
    """The content, padded with zeros to whole words."""
    return content + bytes(-len(content) % WORD)


def encode(modules: Sequence[Module]) -> bytes:
    """The modules as one Cap'n Proto message: the fixed parts, then the blobs in order."""
    # Root pointer, the root's only pointer, the tag of the list, then the modules.
    fixed_words = 3 + MODULE_WORDS * len(modules)
    head = [
        struct_pointer(0, 0, 1),
        list_pointer(0, LIST_OF_STRUCTS, MODULE_WORDS * len(modules)),
        struct_pointer(len(modules), MODULE_DATA_WORDS, MODULE_POINTERS),
    ]
    blobs: list[bytes] = []
    next_blob = fixed_words
    for index, module in enumerate(modules):
        pointers_at = 3 + MODULE_WORDS * index + MODULE_DATA_WORDS
        head.append(struct.pack("<HHI", INTERNAL_MODULE, module.kind, 0))
        texts = (module.name.encode() + b"\0", module.content)
        for slot, blob in enumerate(texts):
            head.append(
                list_pointer(next_blob - (pointers_at + slot + 1), LIST_OF_BYTES, len(blob))
            )
            blobs.append(padded(blob))
            next_blob += len(blobs[-1]) // WORD
        head.append(bytes(WORD * (MODULE_POINTERS - len(texts))))
    return struct.pack("<II", 0, next_blob) + b"".join(head + blobs)


def bundle(pyodide: Path) -> bytes:
    """The bundle from an unpacked npm package `pyodide`."""
    glue = redirect_glue((pyodide / "pyodide.asm.mjs").read_text())
    prefix = "pyodideRuntime-internal:"
    return encode(
        [
            Module(prefix + "pyodide.asm", JAVASCRIPT, glue.encode()),
            Module(prefix + "pyodide.asm.wasm", WASM, (pyodide / "pyodide.asm.wasm").read_bytes()),
            Module(
                prefix + "python_stdlib.zip", DATA, (pyodide / "python_stdlib.zip").read_bytes()
            ),
        ]
    )


def write_bundle(pyodide: Path, target: Path) -> None:
    """Write the bundle to a file, completely or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(f".{os.getpid()}.part")
    draft.write_bytes(bundle(pyodide))
    draft.replace(target)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Build the Pyodide bundle for workerd.")
    parser.add_argument("pyodide", type=Path, help="the unpacked npm package")
    parser.add_argument("target", type=Path, help="the bundle to write")
    arguments = parser.parse_args()
    try:
        write_bundle(arguments.pyodide, arguments.target)
    except GlueError as error:
        raise SystemExit(f"pyodide bundle: {error}") from None


if __name__ == "__main__":
    main()
