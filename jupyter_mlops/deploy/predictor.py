"""The one way to use a model: checks, preprocessing, the model, outputs. In notebooks, in batch, and in the server."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.deploy.bundle import Bundle
from jupyter_mlops.deploy.checks import rows_from
from jupyter_mlops.deploy.engines import LABELS, PROBABILITIES, Engine, EstimatorEngine
from jupyter_mlops.deploy.schema import ModelSchema, Rows
from jupyter_mlops.errors import StepError, UsageError
from jupyter_mlops.notebook.names import printable

__all__ = ["ModelFailure", "Predictor"]


class ModelFailure(StepError):
    """The model itself raised, on rows that fit its signature."""


@dataclass(frozen=True, eq=False)
class Predictor:
    """A model that is ready to be asked.

    Args:
        schema: What it takes and gives.
        engine: What computes.
        padding: To which multiple rows are filled up, so that none depends on those beside it; None if that can't be
            had, and rows of one call must stay together.
    """

    schema: ModelSchema
    engine: Engine
    padding: int | None = 1

    @classmethod
    def of(cls, bundle: Bundle) -> Predictor:
        """Load what a bundle holds.

        Raises:
            UsageError: It can't be loaded here.
            InfrastructureError: A file changed since the bundle was read.
        """
        return cls(bundle.schema, bundle.engine(), bundle.padding)

    @classmethod
    def of_value(cls, value: Any, schema: ModelSchema) -> Predictor:
        """Use an object that was loaded otherwise."""
        return cls(schema, EstimatorEngine([value], schema), 1)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of all outputs."""
        return tuple(item.name for item in self.schema.outputs)

    def rows(self, data: Any) -> Rows:
        """Check a frame, a dict of columns, a list of dicts, a list of rows or an array.

        Raises:
            InputError: They don't fit; it names the column.
        """
        return rows_from(data, self.schema)

    def run(self, rows: Rows, outputs: Collection[str] | None = None) -> dict[str, Any]:
        """Return arrays by the names of outputs, a row for each row.

        Args:
            rows: That were checked against this model's schema.
            outputs: Which; all by default.

        Raises:
            ModelFailure: The model raised, or gave something of another length.
        """
        wanted = self.outputs if outputs is None else outputs
        count = len(rows)
        try:
            found = self.engine.run(rows.padded(self.padding or 1), wanted)
        except UsageError:
            raise
        except Exception as error:
            text = printable(" ".join(str(error).split()))[:300]
            raise ModelFailure(f"The model failed on these rows: {type(error).__name__}: {text}") from error
        for name, values in found.items():
            if not values.ndim or len(values) < count:
                raise ModelFailure(
                    f"The model gave {name} of the shape {list(values.shape)} for {count} rows; each needs a value."
                )
            if len(values) > count:
                found[name] = values[:count]
        return found

    def predict(self, data: Any) -> Any:
        """Return what the model says of rows: labels, or numbers.

        Raises:
            InputError: The rows don't fit; it names the column.
            ModelFailure: The model raised.
        """
        return self.run(self.rows(data), (LABELS,))[LABELS]

    def predict_proba(self, data: Any) -> Any:
        """Return the probability of each class, in the order of ``schema.classes``.

        Raises:
            UsageError: The model gives none.
            InputError: The rows don't fit; it names the column.
            ModelFailure: The model raised.
        """
        if PROBABILITIES not in self.outputs:
            raise UsageError("The model gives no probabilities.")
        return self.run(self.rows(data), (PROBABILITIES,))[PROBABILITIES]
