"""A notebook's pipeline in a notebook: its graph, and the progress of its runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops import api
from jupyter_mlops.widgets.frontend import has_frontend
from jupyter_mlops.widgets.progress import RunView, page

if TYPE_CHECKING:
    from jupyter_mlops.engine.planning import RunPlan
    from jupyter_mlops.engine.result import RunResult
    from jupyter_mlops.notebook.model import Notebook
    from jupyter_mlops.pipeline.model import Pipeline as PipelineModel

__all__ = ["Pipeline"]


class Pipeline:
    """A notebook as a pipeline, to be looked at and run: ``Pipeline.from_notebook("churn.ipynb")``.

    Attributes:
        notebook: The notebook, as it was read.
        model: The pipeline as a value; what is wrong with the notebook is in its ``diagnostics``.
    """

    def __init__(self, notebook: Notebook, model: PipelineModel) -> None:
        self.notebook = notebook
        self.model = model

    @classmethod
    def from_notebook(cls, path: str | os.PathLike[str]) -> Pipeline:
        """Read and slice a notebook; nothing is executed.

        Raises:
            UsageError: The file can't be read.
            NotebookError: The file is not a Python notebook of nbformat 4.
        """
        notebook = api.read_notebook(Path(path))
        return cls(notebook, api.pipeline(notebook))

    def run(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        draw: Callable[[str, str], None] | None = None,
        **options: Any,
    ) -> RunResult:
        """Run it, in kernels of its own, and show the progress below the cell.

        Args:
            parameters: Values for declared parameters.
            draw: Given HTML and text, shows the progress; by default below the cell.
            options: Those of ``jupyter_mlops.run``.

        Returns:
            How it ended; a failure of the user's code is in the result, not raised.

        Raises:
            PipelineError: The notebook has errors; nothing was run or written.
            UsageError: A parameter, path or option makes no sense; nothing was run or written.
            InfrastructureError: The store can't be used.
        """
        view = RunView(self.model, then=options.pop("reporter", None), draw=draw)
        with view.shown():
            return api.run(self.notebook, parameters, sliced=self.model, reporter=view, **options)

    def dry_run(self, parameters: Mapping[str, Any] | None = None, **options: Any) -> RunPlan:
        """Find out which steps ``run`` would run and which reuse; arguments as for ``jupyter_mlops.dry_run``."""
        return api.dry_run(self.notebook, parameters, **options)

    def html(self, *, parameters: bool = True) -> str:
        """Return graph, parameters and problems as one piece of HTML that needs no script and no network."""
        listed = self.model.parameters if parameters else ()
        return page(self.model, status={}, parameters=listed, problems=self._problems())

    def __repr__(self) -> str:
        from jupyter_mlops.pipeline import drawing

        head = f"{self.model.name}: {len(self.model.steps)} steps, kernel {self.model.kernel}"
        return "\n".join((head, "", drawing.text_graph(self.model, width=98).rstrip("\n"), *self._problems()))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown: dict[str, Any] = {"text/plain": repr(self), "text/html": self.html()}
        if has_frontend() and (view := self._widget()) is not None:
            # Frontends without widgets take the next best; the widget's own text would say nothing.
            shown |= {kind: data for kind, data in (view or {}).items() if kind not in shown}
        return shown

    def _widget(self) -> Any:
        try:
            from jupyter_mlops.widgets.form import form
        except ImportError:
            return None
        return form(self)._repr_mimebundle_()

    def _problems(self) -> tuple[str, ...]:
        from jupyter_mlops.pipeline.places import cell_place as place

        return tuple(
            f"{place(self.notebook, item.cell, item.line, self.model)}: {item.severity} {item.code}: {item.message}"
            for item in self.model.diagnostics
            if item.severity != "info"
        )
