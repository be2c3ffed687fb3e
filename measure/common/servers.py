"""Servers from Debian's packages as peers: how each is found and started."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from evenkeel.dev.runtime import free_port
from measure.common.peers import Place, Running
from measure.common.process import Started

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
"""Debian's folders for servers, which are not in every user's PATH."""


@dataclass(frozen=True, slots=True)
class Program:
    """A server's executable."""

    name: str
    package: str
    """Its Debian package."""
    arguments: Sequence[str]
    """Command line after the executable; $folder and $config are replaced with paths."""


NGINX = Program("nginx", "nginx-light", ("-e", "stderr", "-p", "$folder/", "-c", "$config"))
HAPROXY = Program("haproxy", "haproxy", ("-db", "-f", "$config"))
CADDY = Program("caddy", "caddy", ("run", "--adapter", "caddyfile", "--config", "$config"))


def find_executable(name: str) -> str | None:
    """The path of an executable; None if it is not installed."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), SBIN))
    return shutil.which(name, path=path)


@dataclass(frozen=True, slots=True)
class Server:
    """A program with one configuration. All files that it writes go into its own folder."""

    name: str
    program: Program
    config: str
    """Template: $port, $first, $second, $folder, $user and the names in `values` are replaced."""
    values: Mapping[str, str] = field(default_factory=dict)
    served_by: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    find: Callable[[str], str | None] = find_executable

    def missing(self) -> str:
        """The program and its package if it is not installed, else ""."""
        if self.find(self.program.name):
            return ""
        return f"{self.program.name} is not installed (Debian's package {self.program.package})"

    def start(self, place: Place) -> Running:
        """Start it."""
        folder, port = place.new_folder(), free_port()
        config = folder / "config"
        config.write_text(self.configured(folder, port, *place.origins[:2]))
        command: list[str | Path] = [
            self.find(self.program.name) or self.program.name,
            *(
                Template(argument).substitute(folder=folder, config=config)
                for argument in self.program.arguments
            ),
        ]
        # Files that a program keeps in its user's home go into the folder too.
        homes = {name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
        environment = {**homes, **self.environment}
        return Running(port, Started(place.family, command, folder, environment))

    def configured(self, folder: Path, port: int, first: int, second: int) -> str:
        """The configuration with this folder and these ports."""
        return Template(self.config).substitute(
            self.values,
            folder=folder,
            port=port,
            first=first,
            second=second,
            user=user_line(os.geteuid()),
        )


def user_line(uid: int) -> str:
    """The directive that keeps nginx's worker root; without it, it would become nobody."""
    return "" if uid else f"user {pwd.getpwuid(uid).pw_name};"
