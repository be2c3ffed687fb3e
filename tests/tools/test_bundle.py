"""The Pyodide bundle: its format, and the refusal of unknown glue code."""

import re
import struct
from pathlib import Path

import pytest

import pyodide_bundle as tool


def known_glue() -> str:
    """Glue code that contains every redirected call as often as expected."""
    calls = " ".join(redirect.old for redirect in tool.REDIRECTS for _ in range(redirect.count))
    return f"{tool.LOAD_LIB_DATA.old}var old=1}}{tool.AFTER_LOAD_LIB_DATA}}} {calls}"


def read_pointer(words: memoryview, at: int) -> tuple[int, int, int]:
    """Return a pointer's kind, the word it points to, and its upper half."""
    low, high = struct.unpack_from("<iI", words, at * 8)
    return low & 3, at + 1 + (low >> 2), high


def read_bytes(words: memoryview, at: int) -> bytes:
    """Return the bytes that a pointer to a list of bytes points to."""
    kind, target, high = read_pointer(words, at)
    assert (kind, high & 7) == (1, 2)
    return bytes(words[target * 8 : target * 8 + (high >> 3)])


def test_a_message_reads_back_as_its_modules() -> None:
    """Names, kinds and contents of modules are where Cap'n Proto's encoding places them."""
    modules = [
        tool.Module("first", tool.JAVASCRIPT, b"export {}"),
        tool.Module("second.wasm", tool.WASM, b"\0asm" + bytes(range(13))),
        tool.Module("third.zip", tool.DATA, b""),
    ]
    message = tool.encode(modules)
    segments, size = struct.unpack_from("<II", message)
    words = memoryview(message)[8:]
    assert (segments, size * 8) == (0, len(words))
    assert read_pointer(words, 0) == (0, 1, 1 << 16)
    kind, tag, high = read_pointer(words, 1)
    assert (kind, high & 7, high >> 3) == (1, 7, 3 * tool.MODULE_WORDS)
    count, data_words, pointers = struct.unpack_from("<iHH", words, tag * 8)
    assert (count >> 2, data_words, pointers) == (3, 1, 4)
    found = []
    for index in range(3):
        at = tag + 1 + index * tool.MODULE_WORDS
        module_type, content_kind = struct.unpack_from("<HH", words, at * 8)
        assert module_type == tool.INTERNAL_MODULE
        name = read_bytes(words, at + 1)
        assert name.endswith(b"\0")
        found.append(tool.Module(name[:-1].decode(), content_kind, read_bytes(words, at + 2)))
    assert found == modules


def test_every_redirect_replaces_all_of_its_calls() -> None:
    """No call that the runtime forbids remains in glue code of the expected form."""
    glue = tool.redirect_glue(known_glue())
    assert glue.startswith(tool.PRELUDE)
    body = glue.removeprefix(tool.PRELUDE)
    forbidden = [
        r"new WebAssembly\.Module\(",
        r"WebAssembly\.instantiate\(",
        r"Date\.now",
        "crypto",
    ]
    assert [text for text in [*forbidden, r"\beval\(", "var old=1"] if re.search(text, body)] == []
    assert body.count("newWasmModule(") == 4
    assert body.count("monotonicDateNow") == 22
    assert "return flags.loadAsync?Promise.resolve(found):found}function getExports(){" in body
    assert body.endswith("export { _createPyodideModule };\n")


@pytest.mark.parametrize(
    "redirect", [*tool.REDIRECTS, tool.LOAD_LIB_DATA], ids=lambda redirect: redirect.old
)
def test_a_glue_with_one_call_more_is_refused_by_name(redirect: tool.Redirect) -> None:
    """An additional call in the glue code is an error that names the redirect and both counts."""
    with pytest.raises(tool.GlueError) as caught:
        tool.redirect_glue(known_glue() + redirect.old)
    said = f"redirect `{redirect.old}` occurs {redirect.count + 1} times in pyodide.asm.mjs, "
    assert str(caught.value).startswith(f"{said}expected {redirect.count}: ")


def test_a_glue_without_a_call_is_refused_by_name() -> None:
    """A missing call in the glue code is an error too."""
    glue = known_glue().replace("Date.now", "Date.then", 1)
    with pytest.raises(
        tool.GlueError, match=r"^redirect `Date\.now` occurs 21 times .* expected 22"
    ):
        tool.redirect_glue(glue)


def test_a_failed_build_leaves_no_bundle(tmp_path: Path) -> None:
    """A failed build leaves no incomplete bundle."""
    (tmp_path / "pyodide.asm.mjs").write_text("export default 1;")
    target = tmp_path / "out" / "bundle.bin"
    with pytest.raises(tool.GlueError):
        tool.write_bundle(tmp_path, target)
    assert list(target.parent.iterdir()) == []
