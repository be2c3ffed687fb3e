"""The test suite of Cloudflare's SDK against a running balancer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from evenkeel.dev import checkout
from support.toml import load_balancer, pool
from support.worker import running_worker

TOKEN = "a-token-of-forty-characters-for-the-tests"
FILE = pool("of-the-file", {"name": "o", "address": "file.example.com"}) + load_balancer(
    "file.example.com", "of-the-file"
)
SECONDS = 900
LEAST = 600
"""Tests that must pass; fewer mean that something keeps them from running."""


@pytest.mark.timeout(SECONDS + 60)
def test_the_tests_of_the_sdk_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All tests of the SDK that involve the server pass, and skipped tests are printed."""
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\n")
    with running_worker(FILE, env={"LB_ADMIN_TOKEN": TOKEN}) as worker:
        ran = subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "pytest",
                    "-q",
                    "-rs",
                    "--tb=short",
                    "-p",
                    "no:cacheprovider",
                ),
                *("-c", settings, f"--rootdir={checkout.SDK_TESTS}", "-p", "support.sdk_plugin"),
                *("-p", "no:anyio"),
                checkout.SDK_TESTS / "tests" / "api_resources",
            ],
            env={
                **os.environ,
                "PYTHONPATH": f"{checkout.SDK_TESTS}:{checkout.ROOT / 'tests'}",
                "EVENKEEL_ADMIN": f"{worker.url}/_lb",
                "EVENKEEL_TOKEN": TOKEN,
            },
            cwd=checkout.SDK_TESTS,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    print(ran.stdout[-20_000:], ran.stderr[-5000:])
    left_out: Counter[str] = Counter()
    for count, reason in re.findall(r"SKIPPED \[(\d+)\] \S+: (.*)", ran.stdout):
        left_out[reason] += int(count)
    with capsys.disabled():
        print(f"\nof the SDK's own tests: {ran.stdout.splitlines()[-1]}; not run:")
        for reason, number in left_out.items():
            print(f"  {number}: {reason}")
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert ran.returncode == 0
    assert passed is not None
    assert int(passed[1]) >= LEAST
