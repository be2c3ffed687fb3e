"""docs/rules.md matches the language that it describes."""

from __future__ import annotations

import re
import tomllib

from evenkeel.docs.markdown import BEGIN, END
from evenkeel.docs.rules_page import PAGE, page_text
from lb.config import from_toml
from lb.expressions import condition
from lb.model import Config


def test_the_page_is_up_to_date() -> None:
    """`evenkeel schema` would change nothing."""
    page = PAGE.read_text("utf-8")

    assert page.count(BEGIN) == page.count(END) == 1
    assert page_text(page) == page


def test_the_examples_are_good() -> None:
    """Every TOML example on the page is valid."""
    page = PAGE.read_text("utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    names = ("primary", "beta", "slow", "frankfurt", "api", "stable", "canary")
    pools = "".join(
        f'[[pools]]\nname = "{name}"\norigins = [{{ name = "o", address = "{name}.test" }}]\n'
        for name in names
    )
    top = '[[load_balancers]]\nname = "*"\ndefault_pools = ["primary"]\nfallback_pool = "primary"\n'

    assert len(examples) == 5
    for example in examples:
        assert tomllib.loads(example)
        assert isinstance(from_toml(pools + top + example), Config), example


def test_the_conditions_in_the_text_are_good() -> None:
    """Comparisons between backticks are valid conditions."""
    page = PAGE.read_text("utf-8").partition(BEGIN)[0]
    shown = re.findall(r"`([a-z]+(?:\.[a-z_]+)+(?:\[[^`]*)? (?:eq|ne|contains) [^`]*)`", page)

    assert len(shown) >= 2
    for text in shown:
        assert callable(condition(text)), text
