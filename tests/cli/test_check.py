"""`evenkeel check`: every problem with its line, or a summary."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from evenkeel.check.command import command
from evenkeel.check.examination import examine, problems_of
from evenkeel.check.toml_lines import TomlLines
from lb.config.reading.problems import Place

app = typer.Typer()
app.command()(command)

GOOD = """\
[[pools]]
name = "primary"
origins = [
  { name = "a", address = "a.acme.io" },
  { name = "b", address = "b.acme.io", enabled = false },
]

[[load_balancers]]
name = "service.acme.io"
default_pools = ["primary"]
fallback_pool = "primary"
"""


def run(*arguments: str) -> tuple[int, str]:
    """Return a run's exit code and what it printed."""
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def written(folder: Path, text: str) -> Path:
    """Return a new file with a text."""
    file = folder / "lb.toml"
    file.write_text(text, "utf-8")
    return file


def test_the_shipped_file_is_good() -> None:
    """Without an argument, the Worker's own file is checked."""
    code, output = run()

    assert code == 0
    assert "good" in output
    assert "service.example.com" in output


def test_a_good_file_is_summed_up(tmp_path: Path) -> None:
    """The summary has load balancers, their pools and origins."""
    code, output = run(str(written(tmp_path, GOOD)))

    assert code == 0
    assert [line.rstrip() for line in output.splitlines()[1:]] == [
        "service.acme.io  steering_policy off, session_affinity none",
        "└── primary  no monitor, fallback_pool",
        "    ├── a  https://a.acme.io",
        "    └── b  https://b.acme.io  disabled",
    ]


def test_rules_are_summed_up(tmp_path: Path) -> None:
    """Each has its condition on one line; pools for some requests only are named too."""
    rules = """
[[load_balancers.rules]]
name = "beta"
condition = '''
  ssl
  and http.cookie contains "beta"
'''
overrides = { pools = ["beta"] }

[[load_balancers.rules]]
disabled = true
"""
    beta = '[[pools]]\nname = "beta"\norigins = [{ name = "c", address = "c.example.com" }]\n'
    code, output = run(str(written(tmp_path, beta + GOOD + rules)))

    assert code == 0
    lines = [line.rstrip() for line in output.splitlines()]
    assert '├── rule beta  ssl and http.cookie contains "beta"' in lines
    assert "├── rule without a name  every request  disabled" in lines
    assert "└── beta  no monitor, for some requests only" in lines


def test_a_mistake_in_a_condition_is_shown(tmp_path: Path) -> None:
    """A caret marks the place."""
    rule = "[[load_balancers.rules]]\ncondition = 'ssl and http.hst eq \"a\"'\n"
    file = written(tmp_path, GOOD + rule)
    code, output = run(str(file))

    assert code == 1
    assert output.splitlines() == [
        (
            f"{file}:13: column 9: there is no field http.hst; did you mean http.host?"
            " @ $.load_balancers[0].rules[0].condition"
        ),
        '    ssl and http.hst eq "a"',
        "            ^",
    ]


def test_every_problem_has_its_line(tmp_path: Path) -> None:
    """Problems are in the order of lines; a missing key has the line of its table."""
    file = written(
        tmp_path,
        GOOD.replace('address = "a.acme.io"', 'address = "10.0.0.1", weight = 2')
        .replace("enabled = false", 'enabled = "no"')
        .replace('fallback_pool = "primary"', "failover.tries = 0"),
    )
    code, output = run(str(file))

    assert code == 1
    assert output.splitlines() == [
        (
            f"{file}:4: is an address of a private network, which no Worker reaches: give a public "
            "hostname of the tunnel (Cloudflare answers requests to any IP address with error "
            "1003) @ $.pools[0].origins[0].address"
        ),
        f"{file}:4: must be from 0 to 1, not 2 @ $.pools[0].origins[0].weight",
        (
            f"{file}:5: must be true or false, not text: write false, without quotes "
            "@ $.pools[0].origins[1].enabled"
        ),
        f"{file}:8: missing: this key must be given @ $.load_balancers[0].fallback_pool",
        f"{file}:11: must be from 1 to 20, not 0 @ $.load_balancers[0].failover.tries",
    ]
    assert output.splitlines() == [str(each) for each in problems_of(file)]


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\nb = \nc = 3\n", 2), ("a = 1\n\nb = [1,\n", 4), ("a = 1\na = 2\n", 2), ("", 1)],
)
def test_a_syntax_error_has_its_line(tmp_path: Path, text: str, line: int) -> None:
    """It is the line where the file stops being TOML, or the first line of an empty file."""
    (located,) = problems_of(written(tmp_path, text))

    assert located.line == line


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    """A missing file, a folder or a binary file has another exit code than a bad file."""
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")

    assert run(str(tmp_path / "none.toml")) == (
        2,
        f"{tmp_path / 'none.toml'}: cannot be read: no such file or directory\n",
    )
    assert run(str(tmp_path)) == (2, f"{tmp_path}: cannot be read: is a directory\n")
    assert run(str(binary)) == (
        2,
        f"{binary}: cannot be read: not UTF-8 text (save it with the encoding UTF-8)\n",
    )


def test_a_path_is_printed_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines stay short, and editors can open the path."""
    written(tmp_path, GOOD.replace("[[pools]]", "[[pool]]"))
    monkeypatch.chdir(tmp_path)

    code, output = run("lb.toml")

    assert code == 1
    assert output.splitlines()[0].startswith("lb.toml:1: unknown key; did you mean")
    assert run(str(tmp_path / "lb.toml")) == (code, output)


def test_markup_in_a_file_is_only_text(tmp_path: Path) -> None:
    """Brackets in a name are not colours."""
    file = written(tmp_path, GOOD.replace('name = "a"', 'name = "[red]a[/red]"'))
    code, output = run(str(file))

    assert code == 0
    assert "[red]a[/red]" in output
    assert not isinstance(examine(file), tuple)


LINES = r"""
title = "x"
a.b."c.d" = 1

[admin]
path = "/lb"

[[pools]]                       # 8
name = "one"
origins = [                     # 10
  # a comment
  { name = "a" }, { name = "b" },
  { name = "z", address = "x" },
]

[[pools]]                       # 16
name = "two"

[[pools.origins]]               # 19
name = "c"
header.Host = [                 # 21
  "h"
]

[pools.origins.extra]           # 25
"quot\u00e9d" = true

[[pools.origins]]               # 28
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("$", 1),
        ("$.title", 2),
        ('$.a.b["c.d"]', 3),
        ("$.admin", 5),
        ("$.admin.path", 6),
        ("$.pools", 8),
        ("$.pools[0]", 8),
        ("$.pools[0].name", 9),
        ("$.pools[0].origins", 10),
        ("$.pools[0].origins[0].name", 12),
        ("$.pools[0].origins[1]", 12),
        ("$.pools[0].origins[2].address", 13),
        ("$.pools[1]", 16),
        ("$.pools[1].origins[0]", 19),
        ("$.pools[1].origins[0].header.Host", 21),
        ("$.pools[1].origins[0].header.Host[0]", 22),
        ("$.pools[1].origins[0].extra", 25),
        ('$.pools[1].origins[0].extra["quot\\u00e9d"]', 26),
        ("$.pools[1].origins[1]", 28),
        # a missing value has the line of the table around it
        ("$.pools[1].origins[1].name", 28),
        ("$.pools[0].monitor", 8),
        ("$.nothing[3].at.all", 1),
    ],
)
def test_every_way_of_writing_a_value_has_its_line(path: str, line: int) -> None:
    """Tables, lists of tables, inline tables, dotted and quoted keys, and long lists work."""
    assert TomlLines(LINES)[path] == line


def values(value: object, place: Place) -> list[str]:
    """Return the paths of everything in a document."""
    found = [place.text]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += values(inner, place / key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += values(inner, place / index)
    return found


def test_every_value_of_a_document_has_a_line_of_its_own() -> None:
    """The two parsers find the same values in a file."""
    lines = TomlLines(LINES)

    for path in values(tomllib.loads(LINES), Place()):
        assert path in lines, path


@given(st.text(alphabet='[]{}="\'.,#\n ab1é\\"'))
def test_no_text_confuses_the_search_for_lines(text: str) -> None:
    """A malformed file has lines too."""
    lines = TomlLines(text)

    assert 1 <= lines["$.a[0].b"] <= text.count("\n") + 1
