"""Notifications: their fields, and which of them each type of sink has."""

# ruff: noqa: FBT003 (in a table, a default stands where every other default stands)
from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lb.config.reading.host_names import endpoint_problem
from lb.config.reading.names import OBJECT_NAME
from lb.config.reading.secret_names import secret_name_problem
from lb.config.reading.tables import REQUIRED, Field, Record, Table
from lb.config.reading.values import Boolean, ListOf, Number, Ref, Reference, Text, choice_of
from lb.model import Notification, SinkType

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.config.reading.problems import Reader
    from lb.model import Pool

_CONFIDENTIAL = (
    "is a secret as a whole, since whoever knows it can write there: store it with "
    "`wrangler secret put NAME`, and write `secret = NAME` instead"
)
_SECRET_PLACES = re.compile(
    r"https://(?:hooks\.slack\.com/|(?:\w+\.)?discord(?:app)?\.com/api/"
    r"|api\.telegram\.org/bot|[\w.-]+\.webhook\.office\.com/|chat\.googleapis\.com/)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
"""RFC 5322 3.4.1 without comments and quoting: what fits into a header as it is."""


def _url_problem(url: str) -> str | None:
    if not url:
        return None
    return _CONFIDENTIAL if _SECRET_PLACES.match(url) else endpoint_problem(url)


def _address_problem(address: str) -> str | None:
    if not address or _ADDRESS.fullmatch(address):
        return None
    return "must be one e-mail address such as ops@example.com"


def _matching_or_empty(pattern: str, message: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern)
    return lambda text: None if not text or compiled.fullmatch(text) else message


def _types(key: str) -> list[str]:
    return [f"`{kind.value}`" for kind in SinkType if key in kind.keys.all]


def _for_types(key: str) -> str:
    *others, last = _types(key)
    return f"for {', '.join(others)} and {last}" if others else f"for {last}"


_EMAIL_ADDRESS = Text(most=320, rule=_address_problem, words="e-mail address", secret=True)

NOTIFICATION = Table(
    name="notifications",
    doc="Whom to tell of incidents, and how. [What each type needs](notifications.md).",
    fields=(
        Field("name", OBJECT_NAME, REQUIRED, "For people; it stands in what is sent."),
        Field("type", choice_of(SinkType), REQUIRED, "What it is sent to."),
        Field("enabled", Boolean(), True, "Whether anything is sent."),
        Field(
            "pools",
            ListOf(kind=Reference("pool"), most=1000),
            [],
            "The pools that it is about; none: all.",
        ),
        Field(
            "notify_after",
            Number(0, 86_400),
            60,
            "Seconds that a state must have lasted before it is told.",
        ),
        Field(
            "secret",
            Text(most=64, rule=secret_name_problem, secret=True, words="name of a secret"),
            "",
            "The name of a secret of the Worker, never the secret itself.",
        ),
        Field(
            "url",
            Text(most=2048, rule=_url_problem, words="URL", secret=True),
            "",
            f"Where it is sent, {_for_types('url')}.",
        ),
        Field(
            "topic",
            Text(
                most=64,
                rule=_matching_or_empty(r"[A-Za-z0-9_-]+", "must have letters, digits, - and _"),
            ),
            "",
            f"The topic, {_for_types('topic')}.",
        ),
        Field(
            "chat_id",
            Text(
                most=64,
                rule=_matching_or_empty(
                    r"-?[0-9]+|@[A-Za-z0-9_]+", 'must be a number in quotes, or "@channel"'
                ),
            ),
            "",
            f"The chat, {_for_types('chat_id')}.",
        ),
        Field("to", _EMAIL_ADDRESS, "", f"The recipient, {_for_types('to')}."),
        Field("sender", _EMAIL_ADDRESS, "", f"The sender's address, {_for_types('sender')}."),
        Field(
            "binding",
            Text(
                most=64,
                least=1,
                rule=_matching_or_empty(r"[A-Za-z_][A-Za-z0-9_]*", "is not a binding's name"),
            ),
            "LB_EMAIL",
            f"The name of the `send_email` binding, {_for_types('binding')}.",
        ),
    ),
)


_OF_SOME = [field.key for field in NOTIFICATION.fields if any(_types(field.key))]


def make_notification(
    record: Record, pool_of: Callable[[Ref], Pool | None], reader: Reader
) -> Notification:
    """The notification that a record describes."""
    refs = [ref for ref in record.items("pools") if isinstance(ref, Ref)]
    pools = tuple(pool.name for ref in refs if (pool := pool_of(ref)))
    kind = record.values.get("type")
    if isinstance(kind, SinkType):
        _check_keys(record, kind, reader)
    return record.build(
        Notification,
        name=record.text("name"),
        type=kind if isinstance(kind, SinkType) else SinkType.WEBHOOK,
        pools=pools,
    )


def _check_keys(record: Record, kind: SinkType, reader: Reader) -> None:
    keys, given = kind.keys, {key for key in _OF_SOME if record.values.get(key)}
    for key in keys.needs:
        if key not in given and reader.fine(record.at, key):
            reader.refuse(record.at / key, f'missing: type = "{kind.value}" needs it')
    one_of = keys.needs_one_of
    if one_of and reader.fine(record.at, *one_of) and given.isdisjoint(one_of):
        reader.refuse(record.at, f'type = "{kind.value}" needs {" or ".join(one_of)}')
    for key in _OF_SOME:
        if key in given and key not in keys.all:
            reader.refuse(record.at / key, f'type = "{kind.value}" has no such key')
    if keys.url_needs and "url" in given and keys.url_needs not in given:
        reader.refuse(
            record.at / "url", f"needs {keys.url_needs}; without it the secret is the whole URL"
        )
