"""The failure of a local run."""

from evenkeel.output.errors import Exit, Failure


class LocalRunError(Failure):
    """A local run that cannot start, or has ended by itself."""

    def __init__(self, message: str) -> None:
        super().__init__(Exit.NO, message)
