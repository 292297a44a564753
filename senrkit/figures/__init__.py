"""The charts of a run: each a function of a `RunFolder` that gives the figure, the table under it and one sentence.
`by_lea` does so for the LEAs of a batch.

All share one order of schools (most to do first) and one color, pattern and sign per action. None shows a name, and
none but the timeline is about one student.
"""

from __future__ import annotations

from senrkit.figures.batch import by_lea
from senrkit.figures.census import enrollment_counts
from senrkit.figures.chart import Chart
from senrkit.figures.differences import by_field, by_grade
from senrkit.figures.markup import page
from senrkit.figures.schools import by_school, findings_by_school, reasons_by_school
from senrkit.figures.timeline import student_timeline
from senrkit.figures.trend import trend, weeks

__all__ = [
    "Chart", "by_field", "by_grade", "by_lea", "by_school", "enrollment_counts", "findings_by_school", "page",
    "reasons_by_school", "student_timeline", "trend", "weeks",
]  # fmt: skip
