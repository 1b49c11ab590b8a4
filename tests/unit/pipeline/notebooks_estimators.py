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
    "simplex": (
        ESTIMATORS,
        "from sklearn.linear_model import QuantileRegressor\nnp.random.seed(1)",
        DATA,
        "m=QuantileRegressor(solver='revised simplex').fit(X,y)",
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
    "pipeline fit": (
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\n"
        "from sklearn.linear_model import LogisticRegression\nX=np.arange(10.).reshape(-1,1)\n"
        "y=(X[:,0]>4).astype(int)\nsc=StandardScaler()\np=make_pipeline(sc, LogisticRegression())",
        "p.fit(X,y)",
        "print(sc.mean_, p.predict(X))",
    ),
    "warm start": (
        "from sklearn.linear_model import SGDClassifier\nX=np.arange(20.).reshape(-1,1)\n"
        "y=(X[:,0]>9).astype(int)\nm=SGDClassifier(random_state=0)",
        "m.partial_fit(X,y,classes=[0,1])",
        "m.partial_fit(X,y)",
        "print(m.coef_)",
    ),
    "set_params": (
        "from sklearn.tree import DecisionTreeClassifier\nm=DecisionTreeClassifier(random_state=0)",
        "m.set_params(max_depth=3)",
        "print(m.max_depth)",
    ),
    "random_state int var": (
        "from sklearn.cluster import KMeans\nnp.random.seed(0)\nrs=np.random.RandomState(1)\nX=rs.rand(20,2)",
        "k=KMeans(2,random_state=rs,n_init=1).fit(X)",
        "print(rs.rand(), k.inertia_)",
    ),
    "scipy stats": (
        "from scipy import stats\nnp.random.seed(2)",
        "x=stats.norm.rvs(size=3)\nprint(x)",
        "print(stats.norm.rvs(size=2))",
    ),
    "scipy optimize callback": (
        "from scipy.optimize import minimize\nlog=[]\ndef f(x):\n    log.append(1)\n    return ((x-1)**2).sum()",
        "r=minimize(f,[0.])",
        "print(len(log)>0, r.success)",
    ),
    "curve_fit": (
        "from scipy.optimize import curve_fit\nx=np.arange(5.)\ny=2*x",
        "p,c=curve_fit(lambda x,a: a*x, x, y)",
        "print(p)",
    ),
    "datetime": (
        "t0=datetime.datetime(2020,1,1)",
        "t1=t0+datetime.timedelta(days=1)",
        "print(t1)",
    ),
    "an estimator that draws without an option for it": (
        "from sklearn.datasets import load_digits\nfrom sklearn.manifold import Isomap\nnp.random.seed(0)",
        "X = load_digits().data[:220] + np.random.rand(220, 1)",
        "projected = Isomap(n_components=2).fit_transform(X)\nprint(projected[0], np.random.rand())",
        "print(np.random.rand())",
    ),
}
