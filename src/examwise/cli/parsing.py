"""Parsers of all commands: the common options, and one clear line for a wrong word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from examwise.cli.plain_words import PlainHelp, wrong_type
from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor


@dataclass(frozen=True)
class Common:
    """Options that every command has.

    Attributes:
        json: Write the result as one JSON object on standard output.
        quiet: Write nothing but errors (and the JSON, if asked for).
    """

    json: bool
    quiet: bool


def make_parser(command: str, description: str) -> ArgumentParser:
    """Return a parser with the common options."""
    parser = ArgumentParser(
        prog=f"examwise {command}",
        description=description,
        exit_on_error=False,
        formatter_class=PlainHelp,
    )
    parser.add_argument("--json", action="store_true", help="write the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="write nothing but errors")
    return parser


def add_stores(parser: ArgumentParser, *, stores: str, external: str) -> None:
    """Add ``--store`` and ``--external-store``, each a list.

    Args:
        parser: The command's.
        stores: What the first are for.
        external: What the others are for.
    """
    for option, name, words in (
        ("--store", "stores", stores),
        ("--external-store", "external_stores", external),
    ):
        parser.add_argument(
            option,
            nargs="+",
            action="extend",
            default=[],
            dest=name,
            metavar="STORE",
            help=words,
        )


def add_workers(parser: ArgumentParser) -> None:
    """Add ``--workers``."""
    parser.add_argument("--workers", type=int, help="processes; default: one a processor core")


def add_cluster(parser: ArgumentParser) -> None:
    """Add ``--ray``, which stands in for ``--workers``."""
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="use the processors of a Ray cluster instead: auto (the one this machine belongs to), "
        "host:port, or local; every node must see the same files under the same paths, and so the "
        "output is a URL or a folder that all of them share (needs the extra 'ray')",
    )


def add_engine(parser: ArgumentParser) -> None:
    """Add what says where runs are trained: on this machine, on its GPUs, or on a cluster."""
    add_workers(parser)
    add_cluster(parser)
    parser.add_argument(
        "--devices",
        metavar="LIST",
        help="GPUs of this machine, as in 0,1, that runs are dealt out to, each to one; default: "
        "all. Runs on frozen features take a processor core each instead",
    )
    parser.add_argument(
        "--runs-per-device", type=int, metavar="N", help="runs that share a GPU; default: 1"
    )


def add_identity(parser: ArgumentParser) -> None:
    """Add ``--identity``."""
    parser.add_argument(
        "--identity",
        type=Path,
        help="folder of the key and crosswalks, outside every store; default: "
        "$EXAMWISE_IDENTITY, else examwise/identity in your data folder",
    )


def parse(parser: ArgumentParser, argv: Sequence[str]) -> Namespace:
    """Parse, or say in one line what is wrong.

    Raises:
        InputError: If the words do not fit the command.
    """
    try:
        return parser.parse_args(list(argv))
    except (ArgumentError, UnicodeDecodeError, RecursionError) as error:
        if wrong := wrong_type(str(error)):
            option, expected, got = wrong
            raise InputError(
                where=f"{parser.prog} --{option}",
                expected=expected,
                got=got,
                remedy=f"see {parser.prog} --help",
            ) from error
        raise InputError(
            where=parser.prog,
            expected="options as in its --help",
            got=error,
            remedy=f"see {parser.prog} --help",
        ) from error


def common(options: Namespace) -> Common:
    """Return the common options."""
    return Common(json=options.json, quiet=options.quiet)


def chosen_executor(options: Namespace) -> Executor:
    """Return the executor that ``--workers`` or ``--ray`` names.

    Raises:
        InputError: If both are given, or what is given cannot be had.
    """
    from examwise.core.executors import make_cluster_executor, make_executor

    if options.ray is None:
        return make_executor(worker_count(options.workers))
    _require_without("--ray", "--workers", options.workers, "workers")
    return make_cluster_executor(options.ray)


def engine_of(options: Namespace) -> Executor:
    """Return the executor of runs, by the options of :func:`add_engine`.

    Where ``--devices`` names GPUs, this process sees no others from here on.

    Raises:
        InputError: If options contradict each other, or what they name cannot be had.
    """
    from examwise.core.executors import make_cluster_executor, make_executor
    from examwise.core.executors.device_list import DeviceList

    shared = 1 if options.runs_per_device is None else options.runs_per_device
    if shared < 1:
        raise InputError(where="--runs-per-device", expected="1 or more", got=shared)
    if options.ray is not None:
        _require_without("--ray", "--workers", options.workers, "workers")
        _require_without("--ray", "--devices", options.devices, "devices")
        return make_cluster_executor(options.ray, runs_per_device=shared)
    n_workers = worker_count(options.workers)

    from examwise.training.visible_devices import devices_to_use

    devices = devices_to_use(options.devices)
    if options.runs_per_device is not None and not devices:
        raise InputError(
            where="--runs-per-device",
            expected="a GPU that PyTorch finds",
            got="none on this machine",
            remedy="leave it out; --workers says how many runs share the processor",
        )
    return make_executor(n_workers, devices=DeviceList(devices, shared) if devices else None)


def _require_without(option: str, other: str, given: object, what: str) -> None:
    if given is not None:
        raise InputError(
            where=f"{other} and {option}",
            expected="one of them at most",
            got="both",
            remedy=f"leave {other} out: a cluster has the {what} that it has",
        )


def worker_count(wanted: int | None) -> int:
    """Return the number of processes to use.

    Raises:
        InputError: If fewer than one is asked for.

    Example:
        >>> worker_count(3)
        3
    """
    if wanted is None:
        import os

        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if wanted < 1:
        raise InputError(where="--workers", expected="1 or more", got=wanted)
    return wanted
