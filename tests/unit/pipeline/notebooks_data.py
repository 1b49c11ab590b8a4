"""Small notebooks that work on tables, arrays and estimators from step to step."""

from __future__ import annotations

__all__ = ["NOTEBOOKS"]

NOTEBOOKS: dict[str, tuple[str, ...]] = {
    "feature funcs mutate": (
        "df=pd.DataFrame({'a':[1,2,3],'b':list('xyx')})\ndef add_features(d):\n    d['c']=d['a']*2\n    return d",
        "df2=add_features(df)",
        "print(df.columns.tolist(), df2 is df)",
    ),
    "copy then mutate": (
        "df=pd.DataFrame({'a':[1,2,3]})\nbase=df.copy()",
        "df['z']=0",
        "print(base.columns.tolist(), df.columns.tolist())",
    ),
    "list of frames": (
        "frames=[pd.DataFrame({'a':[i]}) for i in range(3)]",
        "for f in frames:\n    f['b']=f['a']+1",
        "print(pd.concat(frames))",
    ),
    "dict of models": (
        "from sklearn.linear_model import LinearRegression\n"
        "ms={'a':LinearRegression(),'b':LinearRegression()}\nX=np.arange(4.).reshape(-1,1)\ny=X[:,0]*2",
        "for m in ms.values():\n    m.fit(X,y)",
        "print({k:m.coef_.round(3).tolist() for k,m in ms.items()})",
    ),
    "results accumulate": (
        "results=[]",
        "results.append(('a',1))",
        "results.append(('b',2))",
        "print(pd.DataFrame(results))",
    ),
    "results dict accumulate": (
        "scores={}",
        "scores['a']=1",
        "scores['b']=2",
        "print(scores)",
    ),
    "train_test_split seeded": (
        "from sklearn.model_selection import train_test_split\nnp.random.seed(0)\n"
        "X=np.arange(20).reshape(10,2)\ny=np.arange(10)",
        "a,b,c,d=train_test_split(X,y,test_size=.3)\nprint(b)",
        "print(np.random.rand())",
    ),
    "df iterrows mutate": (
        "df=pd.DataFrame({'a':[1,2]})",
        "for i,row in df.iterrows():\n    df.at[i,'b']=row['a']*2",
        "print(df)",
    ),
    "df apply closure": (
        "n=0\ndf=pd.DataFrame({'a':[1,2]})",
        "def f(v):\n    global n\n    n+=1\n    return v*n\ndf['b']=df['a'].apply(f)",
        "print(n, df)",
    ),
    "df pipe": (
        "df=pd.DataFrame({'a':[1,2]})\ndef inc(d, by):\n    d['a']+=by\n    return d",
        "out=df.pipe(inc, 3)",
        "print(df, out is df)",
    ),
    "assign lambda": (
        "k=3\ndf=pd.DataFrame({'a':[1,2]}).assign(b=lambda d: d.a*k)",
        "k=10",
        "print(df, k)",
    ),
    "pd categorical": (
        "s=pd.Series(['a','b']).astype('category')",
        "s=s.cat.add_categories(['c'])",
        "print(s.cat.categories.tolist())",
    ),
    "pd multiindex": (
        "df=pd.DataFrame({'a':[1,2]},index=pd.MultiIndex.from_tuples([('x',1),('y',2)],names=['p','q']))",
        "df.loc[('x',1),'a']=9",
        "print(df)",
    ),
    "pd dt": (
        "df=pd.DataFrame({'t':pd.date_range('2020-01-01',periods=2)})",
        "df['y']=df['t'].dt.year",
        "print(df)",
    ),
    "pd sample frac": (
        "np.random.seed(3)\ndf=pd.DataFrame({'a':range(6)})",
        "tr=df.sample(frac=.5)\nte=df.drop(tr.index)",
        "print(tr.index.tolist(), te.index.tolist(), np.random.rand())",
    ),
    "pd groupby apply": (
        "df=pd.DataFrame({'k':list('aab'),'v':[1,2,3]})",
        "out=df.groupby('k')['v'].transform('mean')\ndf['m']=out",
        "print(df)",
    ),
    "pd merge keep": (
        "a=pd.DataFrame({'k':[1,2],'v':[3,4]})\nb=pd.DataFrame({'k':[1,2],'w':[5,6]})",
        "a=a.merge(b)",
        "b['w']=0",
        "print(a,b)",
    ),
    "np inplace ops": (
        "a=np.ones(3)\nb=a",
        "a+=1\na*=2\na[:]=a-1",
        "print(b)",
    ),
    "np sort inplace": (
        "a=np.array([3,1,2])",
        "a.sort()\na.resize(4,refcheck=False)",
        "print(a)",
    ),
    "np view chain": (
        "a=np.arange(12).reshape(3,4)\nr=a[1]\nc=a[:,2]",
        "r[:]=0\nc+=100",
        "print(a)",
    ),
    "np swapaxes": (
        "a=np.arange(6).reshape(2,3)\nb=np.swapaxes(a,0,1)\nc=np.broadcast_to(a[0],(2,3))",
        "b[0,0]=77",
        "print(a,c)",
    ),
    "np fromfunction": (
        "log=[]\ndef f(i,j):\n    log.append(1)\n    return i+j",
        "print(np.fromfunction(f,(2,2)))",
        "print(log)",
    ),
    "np random legacy mix": (
        "np.random.seed(0)\nrs=np.random.mtrand._rand",
        "print(rs.rand())",
        "print(np.random.rand())",
    ),
    "np random get bitgen": (
        "np.random.seed(0)\nidx=np.random.permutation(5)",
        "idx2=np.random.choice(5,2,replace=False)\nprint(idx2)",
        "print(np.random.normal(), idx)",
    ),
    "sk pipeline step access": (
        "from sklearn.pipeline import Pipeline\nfrom sklearn.preprocessing import StandardScaler\n"
        "p=Pipeline([('s',StandardScaler())])\nX=np.arange(4.).reshape(-1,1)",
        "p.fit(X)",
        "p.named_steps['s'].mean_[0]=100",
        "print(p.transform(X))",
    ),
    "sk shared estimator": (
        "from sklearn.tree import DecisionTreeRegressor\nt=DecisionTreeRegressor(random_state=0)\n"
        "models=[t]\nX=np.arange(4.).reshape(-1,1)\ny=X[:,0]",
        "models[0].fit(X,y)",
        "print(t.predict([[1.]]))",
    ),
    "sk func transformer": (
        "from sklearn.preprocessing import FunctionTransformer\nk=2\ndef mul(X): return X*k\n"
        "ft=FunctionTransformer(mul)",
        "k=3",
        "print(ft.transform(np.ones((1,1))))",
    ),
    "sk custom estimator": (
        "from sklearn.base import BaseEstimator, TransformerMixin\n"
        "class T(BaseEstimator, TransformerMixin):\n    def fit(self,X,y=None):\n"
        "        self.m_=X.mean(0)\n        return self\n    def transform(self,X): return X-self.m_\n"
        "X=np.arange(4.).reshape(-1,1)",
        "from sklearn.pipeline import make_pipeline\np=make_pipeline(T()).fit(X)",
        "print(p.transform(X).ravel())",
    ),
    "sk scorer": (
        "from sklearn.metrics import make_scorer\ncalls=[]\ndef sc(y,p):\n    calls.append(1)\n"
        "    return 0.0\ns=make_scorer(sc)",
        "from sklearn.linear_model import LinearRegression\n"
        "from sklearn.model_selection import cross_val_score\n"
        "print(cross_val_score(LinearRegression(),np.arange(10.).reshape(-1,1),np.arange(10.),scori"
        "ng=s,cv=2))",
        "print(len(calls))",
    ),
    "sk columns": (
        "from sklearn.datasets import load_iris\ndf=load_iris(as_frame=True).frame\ny=df.pop('target')",
        "df['t2']=y*2",
        "print(df.shape, y.sum())",
    ),
    "to_pickle": (
        "pd.DataFrame({'a':[1]}).to_pickle('p.pkl')",
        "print(pd.read_pickle('p.pkl'))",
    ),
    "to_sql": (
        "import sqlite3\ncon=sqlite3.connect('x.db')\n"
        "pd.DataFrame({'a':[1]}).to_sql('t',con,index=False)\ncon.commit()",
        "print(pd.read_sql('select * from t',con))",
    ),
    "to_json lines": (
        "pd.DataFrame({'a':[1,2]}).to_json('l.json',orient='records',lines=True)",
        "print(pd.read_json('l.json',lines=True))",
    ),
    "plt style ctx": (
        "with plt.style.context('ggplot'):\n    a=plt.rcParams['axes.facecolor']",
        "print(a, plt.rcParams['axes.facecolor'])",
    ),
    "rcparams update": (
        "plt.rcParams.update({'font.size':20})\nplt.rc('lines',linewidth=9)",
        "print(plt.rcParams['font.size'], plt.rcParams['lines.linewidth'])",
    ),
    "rcdefaults": (
        "plt.rcParams['font.size']=20",
        "import matplotlib as mpl\nmpl.rcdefaults()",
        "print(plt.rcParams['font.size'])",
    ),
    "pandas set_option ctx": (
        "pd.set_option('display.float_format', lambda x: f'{x:.1f}')",
        "print(pd.DataFrame({'a':[1.234]}))",
        "pd.reset_option('display.float_format')",
        "print(pd.DataFrame({'a':[1.234]}))",
    ),
    "np errstate": (
        "with np.errstate(divide='ignore'):\n    x=np.float64(1)/0",
        "print(x, np.geterr()['divide'])",
    ),
    "inplace series ops": (
        "df=pd.DataFrame({'a':[1,None,3]})",
        "df['a']=df['a'].fillna(0)\ndf.dropna(inplace=True)\ndf.reset_index(drop=True,inplace=True)",
        "print(df)",
    ),
    "query @": (
        "lim=1\ndf=pd.DataFrame({'a':[1,2]})",
        "lim=0",
        "print(df.query('a>@lim'))",
    ),
}
