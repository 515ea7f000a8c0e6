"""The items of STARD, for studies of diagnostic accuracy."""

from __future__ import annotations

from examwise.reporting.checklists.items import Checklist, Item

STARD = Checklist(
    name="STARD 2015",
    about="Standards for Reporting Diagnostic Accuracy Studies (Bossuyt et al., BMJ, 2015).",
    items=(
        Item("1", "Title or abstract says that accuracy is studied", ("measures",)),
        Item("2", "Structured abstract"),
        Item("3", "Background, intended use of the test", ()),
        Item("4", "Aims and hypotheses", ("aim", "hypothesis")),
        Item("5", "Whether data were planned before the tests were made", ("direction",)),
        Item("6", "Which patients could enter", ("eligibility",)),
        Item("7", "How they were found"),
        Item("8", "Where and when"),
        Item("9", "Whether consecutive, random or chosen", ("selection",)),
        Item("10a", "The test that is studied, in detail", ("model", "training")),
        Item("10b", "The reference standard, in detail", ("reference",)),
        Item("11", "Why this reference standard"),
        Item("12a", "Cut-offs of the test, and whether set beforehand", ("cut_offs",)),
        Item("12b", "Cut-offs of the reference standard", ("reference",)),
        Item("13a", "What was known to those who made the test", ("blinding",)),
        Item("13b", "What was known to those who made the reference standard"),
        Item("14", "Methods for estimates and comparisons", ("measures", "uncertainty")),
        Item("15", "Indeterminate results", ("missing",)),
        Item("16", "Missing data", ("missing",)),
        Item("17", "Analyses of variability, and which were planned", ("robustness",)),
        Item("18", "Intended sample size", ("power",)),
        Item("19", "Flow of patients, drawn", ("flow",)),
        Item("20", "Who the patients are", ("parts",)),
        Item("21a", "Severity among those with the finding", ("severity",)),
        Item("21b", "What those without the finding had instead"),
        Item("22", "Time and treatment between test and reference standard"),
        Item("23", "Results of the test against the reference standard", ("cross_table",)),
        Item("24", "Accuracy with its precision", ("performance", "accuracy")),
        Item("25", "Harm by the tests"),
        Item("26", "Limitations", ("limitations",)),
        Item("27", "What follows for practice"),
        Item("28", "Registration", ("protocol",)),
        Item("29", "Full protocol", ("protocol",)),
        Item("30", "Funding"),
    ),
)
