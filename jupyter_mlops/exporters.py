"""``jupyter nbconvert --to mlops_kfp``: the file that ``jupyter mlops compile`` writes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import traitlets
from nbconvert.exporters import Exporter
from nbconvert.utils.exceptions import ConversionException

from jupyter_mlops import api
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.reading import parse_notebook

__all__ = ["KfpExporter"]


class KfpExporter(Exporter):
    """A notebook as a compiled pipeline of Kubeflow.

    Options: ``--KfpExporter.image=REFERENCE``, ``.image_pull_policy``, ``.pipeline_root``, ``.report=True``.
    """

    export_from_notebook = "Kubeflow pipeline (YAML)"
    output_mimetype = "text/yaml"

    image = traitlets.Unicode("", help="Container image of all steps that name none of their own.").tag(config=True)
    image_pull_policy = traitlets.CaselessStrEnum(
        ["", "Always", "IfNotPresent", "Never"], default_value="", help="For steps that set none."
    ).tag(config=True)
    pipeline_root = traitlets.Unicode("", help="Where artifacts go on the cluster.").tag(config=True)
    report = traitlets.Bool(False, help="Whether a last step reports how the run ended.").tag(config=True)

    @traitlets.default("file_extension")
    def _file_extension_default(self) -> str:
        return ".yaml"

    def from_filename(self, filename: str, resources: Any = None, **kw: Any) -> tuple[Any, dict[str, Any]]:
        """Compile a notebook's file; on the command line, what is wrong is told as ``jupyter mlops`` tells it."""
        try:
            return self._compiled(api.read_notebook(filename), resources)
        except MlopsError as error:
            print(_told(error), file=sys.stderr)
            raise SystemExit(error.exit_code) from None

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> tuple[Any, dict[str, Any]]:
        """Compile a notebook in memory.

        Raises:
            ConversionException: It can't be compiled.
        """
        metadata = (resources or {}).get("metadata") or {}
        path = Path(metadata.get("path") or "", f"{metadata.get('name') or 'notebook'}.ipynb")
        try:
            return self._compiled(parse_notebook(json.loads(json.dumps(nb)), path), resources)
        except MlopsError as error:
            raise ConversionException(_told(error)) from error

    def _compiled(self, source: Notebook, resources: Any) -> tuple[str, Any]:
        from jupyter_mlops.api.kubeflow import compile_notebook

        compiled = compile_notebook(
            source,
            image=self.image or None,
            image_pull_policy=self.image_pull_policy or None,
            pipeline_root=self.pipeline_root or None,
            report=self.report,
        )
        for note in compiled.notes:
            self.log.info(note)
        found = self._init_resources(resources)  # type: ignore[no-untyped-call]
        found["output_extension"] = self.file_extension
        return compiled.yaml, found


def _told(error: MlopsError) -> str:
    return f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else "")
