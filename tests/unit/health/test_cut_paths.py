"""Cut answers: whether their origin or their path is at fault."""

from __future__ import annotations

import pytest

from lb.health.cut_paths import (
    CUTS_COUNT_FOR,
    LONGEST_PATH,
    MOST_PATHS,
    REPEATED_FOR,
    Blame,
    CutPaths,
)
from lb.model import Ejection, Origin, OriginKey
from support.make import balancer_of, origin, pool

POOL = pool("p", "one", "two", "three")
ONE, TWO, THREE = POOL.origins
PATH, UNCLEAR, ORIGIN = Blame.PATH, Blame.UNCLEAR, Blame.ORIGIN


class Scene:
    """Answers that end one way or the other, one second after another."""

    def __init__(self, enough: int = 2) -> None:
        self.cuts = CutPaths()
        self.lb = balancer_of(POOL, ejection=Ejection(consecutive_failures=enough - 1))
        self.now = 1000.0
        self.cleared: list[OriginKey] = []
        """The origins that the latest cut has cleared."""

    def cut(self, origin: Origin, path: str, wait: float = 1.0) -> Blame:
        self.now += wait
        blame, cleared = self.cuts.cut(self.lb, origin, path, self.now)
        self.cleared = list(cleared)
        return blame

    def whole(self, origin: Origin, path: str, wait: float = 1.0) -> bool:
        self.now += wait
        return self.cuts.whole(self.lb, origin, path, self.now)

    def concerns(self, origin: Origin, path: str) -> bool:
        return self.cuts.concerns(self.lb, origin, path, self.now)

    def suspects(self, origin: Origin) -> bool:
        return self.cuts.suspects(origin.key, self.now)


def test_a_path_that_is_cut_everywhere_is_to_blame() -> None:
    """One URL that every origin cut off ejected one after the other."""
    made = Scene()
    assert [made.cut(ONE, "/x"), made.cut(ONE, "/x")] == [UNCLEAR, UNCLEAR]
    assert made.cut(TWO, "/x") is PATH
    assert made.cleared == [ONE.key]
    assert [made.cut(ONE, "/x"), made.cut(TWO, "/x"), made.cut(THREE, "/x")] == [PATH] * 3
    assert not any(made.suspects(origin) for origin in POOL.origins)


def test_the_blame_of_a_path_leaves_other_cuts_on_record() -> None:
    """Only the path's own cuts are taken back."""
    made = Scene(enough=3)
    made.cut(ONE, "/x")
    made.cut(ONE, "/y")
    assert (made.cut(TWO, "/x"), made.cleared) == (PATH, [])
    assert made.suspects(ONE)
    assert [made.cut(ONE, "/x"), made.cut(ONE, "/z")] == [PATH, UNCLEAR]
    assert made.cut(ONE, "/w") is ORIGIN


def test_the_blame_of_a_path_ends() -> None:
    """A minute after its latest cut elsewhere, a path is like any other."""
    made = Scene()
    made.cut(ONE, "/x")
    assert made.cut(TWO, "/x") is PATH
    assert made.cut(TWO, "/x", CUTS_COUNT_FOR - 1) is UNCLEAR
    assert made.cut(ONE, "/x", CUTS_COUNT_FOR) is UNCLEAR


@pytest.mark.parametrize("enough", [2, 3, 6])
def test_different_paths_convict_an_origin(enough: int) -> None:
    """So many different paths in a row convict an origin, and each further cut does again."""
    made = Scene(enough)
    found = [made.cut(ONE, f"/{number}") for number in range(enough)]
    assert found == [*[UNCLEAR] * (enough - 1), ORIGIN]
    assert made.cut(ONE, "/0") is ORIGIN


def test_the_same_path_again_adds_nothing() -> None:
    """A path that only one origin was asked for proves nothing, however often it is cut."""
    made = Scene()
    assert {made.cut(ONE, "/x") for _ in range(100)} == {UNCLEAR}
    assert made.cut(ONE, "/y") is ORIGIN


def test_a_whole_answer_ends_the_row() -> None:
    """Whatever path it is for, a whole answer clears its origin."""
    made = Scene()
    made.cut(ONE, "/x")
    assert (made.whole(ONE, "/z"), made.suspects(ONE)) == (True, False)
    assert made.cut(ONE, "/y") is UNCLEAR
    assert made.suspects(ONE)
    assert not made.whole(TWO, "/y")
    assert made.suspects(ONE)


def test_one_path_for_everything() -> None:
    """An origin that cuts the only path there is, which another one delivers, is to blame."""
    made = Scene()
    assert made.cut(ONE, "/index.php") is UNCLEAR
    made.whole(TWO, "/index.php")
    assert made.cut(ONE, "/index.php") is UNCLEAR  # as one bad file would be
    assert made.cut(ONE, "/index.php", REPEATED_FOR) is ORIGIN


def test_one_bad_file_of_an_origin_that_is_well() -> None:
    """A path that one origin alone cuts off does not convict it while others are whole."""
    made = Scene()
    for _ in range(10):
        assert made.cut(ONE, "/bad") is UNCLEAR
        made.whole(TWO, "/bad")
        made.whole(ONE, "/good")


def test_a_path_that_is_whole_somewhere_is_not_to_blame() -> None:
    """With two broken origins of three, the paths of the service would all be to blame."""
    made = Scene()
    made.cut(ONE, "/index.php")
    assert made.cut(TWO, "/index.php") is PATH
    assert made.concerns(THREE, "/index.php")
    made.whole(THREE, "/index.php")
    assert [made.cut(ONE, "/index.php"), made.cut(TWO, "/index.php")] == [UNCLEAR, UNCLEAR]
    made.whole(THREE, "/index.php", REPEATED_FOR)
    assert [made.cut(ONE, "/index.php"), made.cut(TWO, "/index.php")] == [ORIGIN, ORIGIN]


def test_old_cuts_are_forgotten() -> None:
    """A cut per hour is no row, and a quiet minute leaves nothing behind."""
    made = Scene()
    assert not made.cuts.paths
    for number in range(5):
        assert made.cut(ONE, f"/{number}", 3600.0) is UNCLEAR
    assert made.cuts.paths
    made.now += CUTS_COUNT_FOR
    assert not made.suspects(ONE)
    assert not made.cuts.paths


def test_memory_is_bounded() -> None:
    """The paths that are kept are few and short, whatever clients ask for."""
    made = Scene(enough=10_000)
    for number in range(5 * MOST_PATHS):
        made.cut(ONE, f"/{number}" + "x" * 10_000, 0.001)
    kept = made.cuts.paths
    assert len(kept) == MOST_PATHS
    assert max(len(path) for _, path in kept) == LONGEST_PATH
    assert f"/{5 * MOST_PATHS - 1}xxx" in next(reversed(kept))[1]


def test_what_is_worth_watching_for() -> None:
    """Whole answers matter of origins and for paths with cuts on record."""
    made = Scene()
    assert not made.concerns(ONE, "/x")
    made.cut(ONE, "/x")
    assert made.concerns(ONE, "/y")
    assert made.concerns(TWO, "/x")
    assert not made.concerns(TWO, "/y")


def test_another_load_balancer_may_serve_something_else() -> None:
    """The same path of two load balancers, each cut by an origin of its own, is not one path."""
    made = Scene()
    made.cut(ONE, "/")
    made.lb = balancer_of(POOL, name="other.example.com", ejection=made.lb.ejection)
    assert made.cut(TWO, "/") is UNCLEAR
    assert made.cut(TWO, "/x") is ORIGIN


def test_one_server_in_two_pools_is_no_second_witness() -> None:
    """A path is not to blame because one server cuts it off under two names."""
    made = Scene()
    made.cut(ONE, "/x")
    assert made.cut(origin("again", "q", url=ONE.url), "/x") is UNCLEAR
    assert made.cut(TWO, "/x") is PATH
