"""The upload of `wrangler deploy`, taken from its dry run without a network."""

import os
import py_compile
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evenkeel.dev import checkout

# The free plan accepts 3 MB; the limit is far lower, because size costs start-up time.
LARGEST_UPLOAD_KIB = 1200.0


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of the upload and the output of wrangler."""
    # Compiled files beside the sources are normal in a checkout.
    py_compile.compile(str(checkout.SOURCE / "entry.py"))
    folder = tmp_path_factory.mktemp("upload")
    command: list[str | Path] = [checkout.node(), checkout.WRANGLER, "deploy", "--dry-run"]
    said = subprocess.run(
        [*command, f"--outdir={folder}"],
        cwd=checkout.ROOT,
        env=checkout.tool_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    return folder, said.stdout


def test_the_upload_is_the_worker_and_nothing_else(dry_run: tuple[Path, str]) -> None:
    """The upload holds the entry, the balancer and its configuration, and nothing else."""
    folder, _ = dry_run
    uploaded = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    sources = {
        path.relative_to(checkout.SOURCE).as_posix()
        for kind in ("*.py", "*.html")
        for path in checkout.SOURCE.rglob(kind)
    }
    # wrangler adds a README for the reader of the folder.
    assert uploaded == {*sources, "loadbalancer.toml", "README.md"}
    assert "entry.py" in uploaded
    assert "lb/worker/request/edge.py" in uploaded
    assert "lb/admin/pages/status.html" in uploaded


def test_the_upload_is_small(dry_run: tuple[Path, str]) -> None:
    """The size that wrangler reports stays far below the platform's limit."""
    _, said = dry_run
    found = re.search(r"Total Upload: ([\d.]+) KiB / gzip: ([\d.]+) KiB", said)
    assert found is not None
    print(found[0])
    assert float(found[1]) < LARGEST_UPLOAD_KIB


COPIED = ("cli", "src", "Makefile", "wrangler.toml")
LINKED = (".venv", "node_modules", ".cache")
COMMAND = """\
#!/bin/sh
# `evenkeel` of this checkout; uploads end before the network.
test "$1" = wrangler && set -- "$@" --dry-run
exec {python} -m evenkeel "$@"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that can be edited."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        source = checkout.ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    for name in LINKED:
        (folder / name).symlink_to(checkout.ROOT / name)
    command = folder / "bin" / "evenkeel"
    command.parent.mkdir()
    command.write_text(COMMAND.format(python=sys.executable))
    command.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("old", "new", "status", "said"),
    [
        ("", "", 2, "is a placeholder: put your own host name in its place @ $.pools"),
        ("# ORIGINS = .*", 'ORIGINS = "203.0.113.7"', 2, "origin 1: a Worker cannot send"),
        ("# ORIGINS = .*", 'ORIGINS = "nas.local"', 2, "origin 1: is a name of a local network"),
        ("# ORIGINS = .*", 'ORIGINS = "a.acme.io, b.acme.io"', 0, "wrangler.toml: good"),
    ],
    ids=["as shipped", "IP address", "LAN", "good"],
)
def test_make_deploy_refuses_what_cannot_work(
    made: Path, old: str, new: str, status: int, said: str
) -> None:
    """`make deploy` called the placeholder file good while ORIGINS had an IP address."""
    text = (checkout.ROOT / "wrangler.toml").read_text()
    (made / "wrangler.toml").write_text(re.sub(old, new, text) if old else text)
    path = os.pathsep.join(str(made / name) for name in ("cli", "src"))
    ran = subprocess.run(
        ["make", "deploy", "--old-file=toolchain", f"BIN={made / 'bin'}"],
        cwd=made,
        env={**checkout.tool_environment(), "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == status, ran.stdout + ran.stderr
    assert said in ran.stdout
    assert ("Total Upload" in ran.stdout) is (status == 0)
