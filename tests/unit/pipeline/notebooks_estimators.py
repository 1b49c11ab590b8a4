"""Small notebooks whose estimators draw, or do not, from the seeded generator."""

from __future__ import annotations

__all__ = ["NOTEBOOKS"]

ESTIMATORS = (
    "imports",
    "from sklearn.pipeline import make_pipeline, Pipeline\n"
    "from sklearn.preprocessing import StandardScaler\n"
    "from sklearn.linear_model import LogisticRegression, Ridge\n"
    "from sklearn.ensemble import RandomForestClassifier, BaggingClassifier\n"
    "from sklearn.model_selection import cross_val_score, GridSearchCV, KFold\n",
)
DATA = "np.random.seed(0)\nX=np.arange(40.).reshape(-1,1)\ny=(X[:,0]%3>1).astype(int)"

NOTEBOOKS: dict[str, tuple[str | tuple[str, str], ...]] = {
    "meta seeded": (
        ESTIMATORS,
        DATA,
        "p=make_pipeline(StandardScaler(),LogisticRegression()).fit(X,y)\nprint(p.score(X,y))",
        "print(np.random.rand())",
    ),
    "meta unseeded forest": (
        ESTIMATORS,
        DATA,
        "p=make_pipeline(StandardScaler(),RandomForestClassifier(3)).fit(X,y)\nprint(p.score(X,y))",
        "print(np.random.rand())",
    ),
    "meta clone set_params": (
        ESTIMATORS,
        DATA,
        "p=Pipeline([('a',StandardScaler()),('c',LogisticRegression())])",
        "p.set_params(c=RandomForestClassifier(3))\np.fit(X,y)",
        "print(np.random.rand())",
    ),
    "meta cv unseeded": (
        ESTIMATORS,
        DATA,
        "print(cross_val_score(RandomForestClassifier(3),X,y))",
        "print(np.random.rand())",
    ),
    "meta cv shuffle": (
        ESTIMATORS,
        DATA,
        "print(cross_val_score(LogisticRegression(),X,y,cv=KFold(3,shuffle=True)))",
        "print(np.random.rand())",
    ),
    "meta bagging": (
        ESTIMATORS,
        DATA,
        "b=BaggingClassifier(LogisticRegression(),n_estimators=3).fit(X,y)",
        "print(np.random.rand())",
    ),
    "set random_state attr": (
        ESTIMATORS,
        DATA,
        "m=RandomForestClassifier(3,random_state=0)\nm.random_state=None",
        "m.fit(X,y)",
        "print(np.random.rand())",
    ),
    "loop models": (
        ESTIMATORS,
        DATA,
        "models={'a':LogisticRegression(),'b':RandomForestClassifier(3)}",
        "for k,m in models.items():\n    m.fit(X,y)",
        "print(np.random.rand())",
    ),
    "fn builds": (
        ESTIMATORS,
        ("functions", "def build(kind):\n    return make_pipeline(StandardScaler(), kind())"),
        DATA,
        "m=build(RandomForestClassifier)",
        "m.fit(X,y)",
        "print(np.random.rand())",
    ),
    "solver saga": (
        ESTIMATORS,
        DATA,
        "m=LogisticRegression(solver='saga',max_iter=5).fit(X,y)",
        "print(np.random.rand())",
    ),
    "solver var": (
        ESTIMATORS,
        DATA,
        "for s in ['lbfgs','sag']:\n    m=LogisticRegression(solver=s,max_iter=5).fit(X,y)",
        "print(np.random.rand())",
    ),
    "kwargs": (
        ESTIMATORS,
        DATA,
        "kw=dict(solver='saga',max_iter=5)\nm=LogisticRegression(**kw)",
        "m.fit(X,y)",
        "print(np.random.rand())",
    ),
    "kwargs2": (
        ESTIMATORS,
        DATA,
        "def mk(**kw):\n    return LogisticRegression(max_iter=5,**kw)\nm=mk(solver='saga')",
        "m.fit(X,y)",
        "print(np.random.rand())",
    ),
}
