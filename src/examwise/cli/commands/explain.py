"""``examwise explain RUN STORE --method NAME --out DIR``: where a run saw what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.core.errors import ExitStatus, InputError
from examwise.explain import BAG_EXPLAINERS, IMAGE_EXPLAINERS

_DESCRIPTION = """Explain what a run says of the exams of a store: by maps of slices, held against
boxes and masks where the store has them, or by a value for every slice of every exam. Patients
from whom the run has learned are left out."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Explain."""
    parser = make_parser("explain", _DESCRIPTION)
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained run")
    parser.add_argument("store", metavar="STORE", help="exam store")
    parser.add_argument(
        "--method",
        required=True,
        metavar="NAME",
        help=f"maps of slices: {', '.join(IMAGE_EXPLAINERS)}; "
        f"values of slices: {', '.join(BAG_EXPLAINERS)}",
    )
    parser.add_argument("--out", type=Path, required=True, help="new folder for explanations")
    parser.add_argument("--finding", default="any", help="what is explained (default: any)")
    parser.add_argument(
        "--slices",
        metavar="WHICH",
        help="which slices get a map: annotated (with a box or mask of the finding; default), "
        "positive (by their label), or called (positive by the run)",
    )
    parser.add_argument(
        "--max-slices",
        type=int,
        help="most slices with a map, spread over exams; 0: all (default: 200)",
    )
    parser.add_argument(
        "--option",
        nargs="+",
        action="extend",
        default=[],
        dest="options",
        metavar="NAME=VALUE",
        help="the method's own options, such as n_steps=64",
    )
    parser.add_argument(
        "--randomise",
        action="store_true",
        help="explain the same model with random weights as well: its maps must differ",
    )
    parser.add_argument(
        "--background",
        help='what stands for "nothing here": mean (the mean slice of the store; default), or '
        "a number of HU",
    )
    parser.add_argument(
        "--split",
        help="this part of the store: train, validation or test (default: test, or a store "
        "without parts whole)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of whatever is drawn")
    parser.add_argument("--device", default="auto", help="as PyTorch names it")
    options = parse(parser, argv)
    output = Output(common(options))
    given = {**_image_options(options), "options": _method_options(options.options)}

    from examwise.cli.explained_text import explained_text
    from examwise.explain.explain import explain_store

    summary = explain_store(
        str(options.run),
        options.store,
        str(options.out),
        method=options.method,
        finding=options.finding,
        split=options.split,
        seed=options.seed,
        device=options.device,
        progress=output.progress,
        **given,
    )
    return output.result(asdict(summary), explained_text(summary))


def _image_options(options: Any) -> dict[str, Any]:
    """Return what was said of maps; refused where the method makes none."""
    said = {
        "slices": options.slices,
        "max_slices": options.max_slices,
        "background": options.background,
    }
    said = {name: value for name, value in said.items() if value is not None}
    if said and options.method in BAG_EXPLAINERS:
        name = next(iter(said)).replace("_", "-")
        raise InputError(
            where=f"--{name}",
            expected="a method that makes maps of slices",
            got=options.method,
            remedy="leave it out: every slice gets a value",
        )
    if options.randomise:
        said["randomise"] = True
    if said.get("max_slices") == 0:
        said["max_slices"] = None
    if said.get("background", "mean") != "mean":
        try:
            said["background"] = float(options.background)
        except ValueError:
            raise InputError(
                where="--background", expected="mean, or a number of HU", got=options.background
            ) from None
    return said


def _method_options(words: Sequence[str]) -> dict[str, Any]:
    """Return options from words NAME=VALUE, values as in YAML."""
    import yaml

    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals) or name in found:
            raise InputError(
                where="--option",
                expected="NAME=VALUE, each name once",
                got=word,
                remedy="write for example --option n_steps=64",
            )
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            found[name] = value
        if not isinstance(found[name], bool | int | float | str):
            found[name] = value
    return found
