"""Runs side by side in a notebook: a widget where there are widgets, HTML where there is none, text everywhere."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from jupyter_mlops import api, templates
from jupyter_mlops.widgets.frontend import has_frontend

if TYPE_CHECKING:
    import os

    from jupyter_mlops.tracking.charts import History
    from jupyter_mlops.tracking.compare_model import Comparison

__all__ = ["ComparisonView", "compare"]

_TABS = ("Metrics", "Parameters", "Code", "Data", "Steps", "Environment")


def compare(
    *runs: str, baseline: str | None = None, everything: bool = False, home: str | os.PathLike[str] | None = None
) -> ComparisonView:
    """Show how runs differ: metrics as bars, their histories as lines, parameters, code, data, steps, environment.

    Args:
        runs: At least two runs, or one besides the baseline: ids, beginnings of them, their words, or ``latest``.
        baseline: What the others are compared with; the first by default.
        everything: Whether what is equal is shown from the start.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Returns:
        What a notebook shows: a widget, else HTML, else text. Its ``comparison`` has the values.

    Raises:
        UsageError: A run is not on record, is meant twice, or there is nothing to compare it with.
        InfrastructureError: The store can't be used.
    """
    found = api.comparison(runs, baseline, home=home)
    return ComparisonView(found, api.metric_histories([run.run_id for run in found.runs], home=home), everything)


class ComparisonView:
    """How runs differ, to be looked at.

    Args:
        comparison: The values.
        histories: Of metrics that were reported more than once.
        everything: Whether what is equal is shown from the start.
    """

    def __init__(self, comparison: Comparison, histories: tuple[History, ...] = (), everything: bool = False) -> None:
        self.comparison = comparison
        self.histories = histories
        self.everything = everything

    def html(self, *, everything: bool | None = None) -> str:
        """Return the whole view as one piece of HTML that needs no script and no network."""
        return self._rendered(_TABS, self.everything if everything is None else everything, titles=True)

    @cached_property
    def widget(self) -> Any:
        """The view as an ipywidgets widget; None where there are none."""
        try:
            import ipywidgets
        except ImportError:
            return None
        pages = [ipywidgets.HTML() for _ in _TABS]
        switch = ipywidgets.Checkbox(value=self.everything, description="show what is equal", indent=False)

        def fill(everything: bool) -> None:
            for tab, page in zip(_TABS, pages, strict=True):
                page.value = self._rendered((tab,), everything, titles=False)

        fill(self.everything)
        switch.observe(lambda change: fill(change["new"]), "value")
        tabs = ipywidgets.Tab(children=pages)
        for position, tab in enumerate(_TABS):
            tabs.set_title(position, tab)
        head = ipywidgets.HTML(self._rendered((), self.everything, titles=False))
        return ipywidgets.VBox([head, tabs, switch])

    def __repr__(self) -> str:
        from jupyter_mlops.tracking.compare_text import comparison_text

        return "\n".join(line.text for line in comparison_text(self.comparison, everything=self.everything))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown: dict[str, Any] = {"text/plain": repr(self), "text/html": self.html()}
        if has_frontend() and self.widget is not None:
            view: Any = self.widget._repr_mimebundle_()
            # Frontends without widgets take the next best; the widget's own text would say nothing.
            shown |= {kind: data for kind, data in (view or {}).items() if kind not in shown}
        return shown

    def _rendered(self, tabs: tuple[str, ...], everything: bool, *, titles: bool) -> str:
        from jupyter_mlops.tracking import charts, formats
        from jupyter_mlops.tracking.lineage_text import short_run

        environment = templates.environment(templates.root() / "notebook", autoescape=True)
        environment.filters.update(
            duration=formats.duration,
            size=formats.size,
            parameter=formats.parameter,
            clock=formats.clock,
            short=short_run,
            color=charts.color,
        )
        comparison = self.comparison
        return environment.get_template("compare.html.j2").render(
            tabs=tabs,
            titles=titles,
            head=titles or not tabs,
            runs=comparison.runs,
            shown=comparison if everything else comparison.only_differences(),
            everything=everything,
            histories=self.histories,
            bars=charts.bars,
            width=charts.WIDTH,
            height=charts.HEIGHT,
        )
