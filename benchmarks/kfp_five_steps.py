"""The five steps by hand as components of Kubeflow Pipelines, run by kfp.local in plain subprocesses.

python kfp_five_steps.py FOLDER
"""

import sys

from kfp import dsl, local
from kfp.dsl import Dataset, Input, Metrics, Model, Output

_component = dsl.component(install_kfp_package=False)


@_component
def load(frame: Output[Dataset]):  # type: ignore[no-untyped-def]
    from sklearn.datasets import load_breast_cancer

    load_breast_cancer(as_frame=True).frame.to_pickle(frame.path)


@_component
def prepare(frame: Input[Dataset], train: Output[Dataset], test: Output[Dataset], test_size: float, seed: int):  # type: ignore[no-untyped-def]
    import pickle
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from sklearn.model_selection import train_test_split

    table = pd.read_pickle(frame.path)
    features = table.drop(columns="target")
    features = features.assign(area_per_perimeter=features["mean area"] / features["mean perimeter"])
    features["log_area"] = np.log(features["mean area"])
    x_train, x_test, y_train, y_test = train_test_split(
        features, table["target"], test_size=test_size, stratify=table["target"], random_state=seed
    )
    print(x_train.describe().loc[["mean", "std"]])
    Path(train.path).write_bytes(pickle.dumps((x_train, y_train), protocol=5))
    Path(test.path).write_bytes(pickle.dumps((x_test, y_test), protocol=5))


@_component
def fit_forest(train: Input[Dataset], model: Output[Model], n_trees: int, seed: int):  # type: ignore[no-untyped-def]
    import pickle
    from pathlib import Path

    import pandas as pd
    from sklearn.ensemble import RandomForestClassifier

    x_train, y_train = pickle.loads(Path(train.path).read_bytes())
    forest = RandomForestClassifier(n_estimators=n_trees, random_state=seed)
    forest.fit(x_train, y_train)
    print(pd.Series(forest.feature_importances_, index=x_train.columns).nlargest(3))
    Path(model.path).write_bytes(pickle.dumps(forest, protocol=5))


@_component
def fit_linear(train: Input[Dataset], model: Output[Model]):  # type: ignore[no-untyped-def]
    import pickle
    from pathlib import Path

    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x_train, y_train = pickle.loads(Path(train.path).read_bytes())
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=500))
    cross_val_score(linear, x_train, y_train, cv=5)
    linear.fit(x_train, y_train)
    print(pd.Series(linear[-1].coef_[0], index=x_train.columns).nsmallest(3))
    Path(model.path).write_bytes(pickle.dumps(linear, protocol=5))


@_component
def compare(test: Input[Dataset], forest: Input[Model], linear: Input[Model], scores: Output[Metrics]):  # type: ignore[no-untyped-def]
    import pickle
    from pathlib import Path

    import pandas as pd
    from sklearn.metrics import accuracy_score, roc_auc_score

    x_test, y_test = pickle.loads(Path(test.path).read_bytes())
    models = {"forest": forest, "linear": linear}
    fitted = {name: pickle.loads(Path(model.path).read_bytes()) for name, model in models.items()}
    probabilities = pd.DataFrame(
        {name: model.predict_proba(x_test)[:, 1] for name, model in fitted.items()}, index=x_test.index
    )
    print(probabilities.corr())
    for name, column in probabilities.items():
        scores.log_metric(f"accuracy.{name}", accuracy_score(y_test, column > 0.5))
        scores.log_metric(f"roc_auc.{name}", roc_auc_score(y_test, column))


@dsl.pipeline(name="five-steps")
def five_steps(test_size: float = 0.25, n_trees: int = 150, seed: int = 11) -> None:
    """The same graph as ``notebooks/five_steps.ipynb``."""
    table = load()
    parts = prepare(frame=table.outputs["frame"], test_size=test_size, seed=seed)
    train, test = parts.outputs["train"], parts.outputs["test"]
    forest = fit_forest(train=train, n_trees=n_trees, seed=seed)
    linear = fit_linear(train=train)
    compare(test=test, forest=forest.outputs["model"], linear=linear.outputs["model"])


if __name__ == "__main__":
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[1])
    five_steps()
