"""What a tuning came to, for a terminal."""

from __future__ import annotations

from pathlib import Path

from examwise.cli.terms_text import terms_text
from examwise.studies.tuning.config import TuningConfig
from examwise.studies.tuning.records import trial_name
from examwise.studies.tuning.tune import TuningSummary

_OBJECTIVES = {"loss": "validation loss", "auc": "AUC of the validation exams"}


def tuning_text(summary: TuningSummary, out: str, config: TuningConfig) -> str:
    """Say what the best trial is, and how to train with its options."""
    others = [
        f"{number} {words}"
        for number, words in (
            (summary.n_stopped, "stopped early"),
            (summary.n_failed, "failed, for reasons in trials.parquet"),
        )
        if number
    ]
    counts = ", ".join([f"{summary.n_done} trials done", *others])
    lines = [
        f"{out}: {counts}; {summary.n_done_before} finished before",
        f"Best: {trial_name(summary.best_trial)}, {_OBJECTIVES[config.objective]} "
        f"{summary.best_objective:.4f}",
    ]
    lines += [f"  {name}: {value}" for name, value in summary.best_options.items()]
    lines.append(
        "The figure is that of the best of several, and so too good; other exams judge. "
        f"Its run: {summary.best_run}; to train with its options: examwise train STORE --config "
        f"{summary.best_config} --out RUN"
    )
    lines.append(terms_text(summary.data_terms))
    return "\n".join(lines)


def sweep_text(sweep: Path, script: Path, options: Path) -> str:
    """Say what to do with the files of a sweep."""
    return (
        f"{sweep}, {script.name} and {options.name} written. In {sweep.parent.resolve()}: wandb "
        f"sweep {sweep.name}, then the wandb agent command that it prints. The server sees "
        f"{sweep.name} and what each run sends, the other two files stay here."
    )
