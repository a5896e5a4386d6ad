"""What became of a network that was imported, as a report."""

from __future__ import annotations

from archsim.network.importers.report import ImportReport
from archsim.report.table import Report, report


def import_report(found: ImportReport) -> Report:
    """Return what an import found, mapped, assumed, left out, refused and wrote, line by line."""
    return report(*found.lines())
