"""Small notebooks with easily missed uses of libraries: cells, with their tags where they are no steps."""

from __future__ import annotations

__all__ = ["NOTEBOOKS"]

NOTEBOOKS: dict[str, tuple[str | tuple[str, str], ...]] = {
    "values write": (
        "df=pd.DataFrame({'a':[1,2]})\nx=np.asarray([1,2])",
        "try:\n    df['a'].values[0]=9\nexcept ValueError: pass",
        "print(df)",
    ),
    "to_numpy write": ("x=np.array([[1,2],[3,4]])\ndf=pd.DataFrame(x,copy=False)", "x[0,0]=100", "print(df)"),
    "transpose view": ("x=np.arange(6).reshape(2,3)\ny=x.T\nz=y.ravel()", "y[0,0]=7", "print(x,z)"),
    "the flat iterator of an array": ("x=np.zeros((2,2))\nf=x.flat", "f[0]=1", "print(x)"),
    "np.asarray list of arrays": ("a=np.zeros(2)\nl=[a,a]", "l[0][0]=1", "print(a,l)"),
    "structured": ("x=np.zeros(2,dtype=[('a',int)])\nc=x['a']", "c[0]=3", "print(x)"),
    "a diagonal": ("x=np.eye(2)\nv=x.diagonal()\nw=x[:,0]", "w+=1", "print(x,v)"),
    "df alias column": ("df=pd.DataFrame({'a':[1,2]})\nd2=df", "d2['b']=1", "print(df)"),
    "df pop": ("df=pd.DataFrame({'a':[1,2],'b':[3,4]})", "s=df.pop('a')", "print(df,s)"),
    "df.columns assigned": ("df=pd.DataFrame({'a':[1,2]})", "df.columns=['z']", "print(df)"),
    "df.attrs": ("df=pd.DataFrame({'a':[1]})", "df.attrs['x']=[1]", "print(df.attrs)"),
    "df index.name": ("df=pd.DataFrame({'a':[1]})\ni=df.index", "i.name='k'", "print(df.index.name)"),
    "series of lists": ("rows=[[1],[2]]\ns=pd.Series(rows)", "rows[0].append(5)", "print(s)"),
    "frame of lists via apply": (
        "df=pd.DataFrame({'a':[[1],[2]]})",
        "df['a'].apply(lambda r: r.append(3))",
        "print(df)",
    ),
    "iterrows collect": (
        "df=pd.DataFrame({'a':[1,2]})\nout=[]",
        "for i,r in df.iterrows():\n    out.append(r['a'])",
        "print(out)",
    ),
    "groupby loop mutate dict": (
        "df=pd.DataFrame({'k':['x','y'],'v':[1,2]})\nres={}",
        "for k,g in df.groupby('k'):\n    res[k]=g",
        "res['x'].loc[0,'v']=9",
        "print(res,df)",
    ),
    "option_context": (
        "with pd.option_context('display.max_rows',2):\n    pass\nx=1",
        "print(x, pd.get_option('display.max_rows'))",
    ),
    "json round": ("d={'a':[1]}\ns=json.dumps(d)", "d2=json.loads(s)\nd2['a'].append(2)", "print(d,d2)"),
    "re.sub callback": (
        "log=[]\ndef f(m):\n    log.append(m.group())\n    return 'x'",
        "t=re.sub('a',f,'aba')",
        "print(log,t)",
    ),
    "threads": (
        "import threading\nl=[]\ndef w(): l.append(1)",
        "t=threading.Thread(target=w)\nt.start()\nt.join()\ndel t",
        "print(l)",
    ),
    "executor": (
        "from concurrent.futures import ThreadPoolExecutor\nl=[]",
        "with ThreadPoolExecutor(1) as ex:\n    list(ex.map(l.append,[1,2]))",
        "print(l)",
    ),
    "seed in function": (
        "def seed(): random.seed(3)",
        "seed()",
        "x=random.random()\nprint(x)",
        "print(random.random())",
    ),
    "the state of NumPy read and set": (
        "np.random.seed(1)\nst=np.random.get_state()",
        "np.random.rand()",
        "np.random.set_state(st)\nprint(np.random.rand())",
        "print(np.random.rand())",
    ),
    "rng in class": (
        "class S:\n    def __init__(s): s.rng=np.random.default_rng(0)\n    def draw(s): return s.rng.random()\ns=S()",
        "a=s.draw()",
        "b=s.draw()\nprint(a,b)",
    ),
    "rng shared by two": (
        "rng=np.random.default_rng(0)\nclass S:\n    def __init__(s,r): s.rng=r\ns=S(rng)",
        "a=s.rng.random()",
        "print(rng.random())",
    ),
    "random.Random shared": ("r=random.Random(1)\nl=[1,2,3]", "r.shuffle(l)", "print(l,r.random())"),
    "shuffle with global": (
        "random.seed(0)\nl=[1,2,3,4]",
        "random.shuffle(l)",
        "np.random.seed(0)\nprint(l,random.random())",
        "print(np.random.rand(),random.random())",
    ),
    "lines of a file": (
        "with open('a.txt','w') as f:\n    f.write('1\\n2')",
        "lines=[l.strip() for l in open('a.txt')]",
        "print(lines)",
    ),
    "csv writer": (
        "import csv\nwith open('a.csv','w',newline='') as f:\n    csv.writer(f).writerow([1,2])",
        "print(list(csv.reader(open('a.csv'))))",
    ),
    "pickle file": ("import pickle\npickle.dump([1],open('a.pkl','wb'))", "print(pickle.load(open('a.pkl','rb')))"),
    "np.savez": ("np.savez('z.npz',a=np.arange(2))", "print(np.load('z.npz')['a'])"),
    "shutil copy": (
        "import shutil\nopen('a.txt','w').write('x')",
        "shutil.copy('a.txt','b.txt')",
        "print(open('b.txt').read())",
    ),
    "pathlib iterdir": (
        "from pathlib import Path\nPath('d').mkdir(exist_ok=True)\n(Path('d')/'x.txt').write_text('1')",
        "print(sorted(q.name for q in Path('d').iterdir()))",
    ),
    "path glob in loop": (
        "from pathlib import Path\nfor i in range(2): Path(f'f{i}.dat').write_text(str(i))",
        "print([q.read_text() for q in sorted(Path('.').glob('*.dat'))])",
    ),
    "os.rename": (
        "open('a.txt','w').write('x')",
        "os.rename('a.txt','b.txt')",
        "print(open('b.txt').read(), os.path.exists('a.txt'))",
    ),
    "logging into a list": (
        "import logging\nrecs=[]\nclass H(logging.Handler):\n    "
        "def emit(self,r): recs.append(r.getMessage())\nlogging.getLogger().addHandler(H())",
        "logging.warning('x')",
        "print(recs)",
    ),
    "to_csv append": (
        "pd.DataFrame({'a':[1]}).to_csv('a.csv',index=False)",
        "pd.DataFrame({'a':[2]}).to_csv('a.csv',mode='a',header=False,index=False)",
        "print(pd.read_csv('a.csv'))",
    ),
    "sqlite pandas": (
        "import sqlite3\ncon=sqlite3.connect('x.db')\npd.DataFrame({'a':[1]}).to_sql('t',con,index=False)\ncon.close()",
        "con=sqlite3.connect('x.db')\nprint(pd.read_sql('select * from t',con))\ncon.close()",
    ),
    "a RandomState in a setup cell": (
        ("setup", "rs=np.random.RandomState(3)"),
        ("step:a", "a=rs.rand()\nprint(a)"),
        ("step:b", "print(rs.rand())"),
    ),
    "sklearn pipeline step": (
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\n"
        "sc=StandardScaler()\npp=make_pipeline(sc)\nX=np.arange(4.).reshape(-1,1)",
        "pp.fit(X)",
        "print(sc.mean_)",
    ),
    "sklearn set_params": (
        "from sklearn.linear_model import Ridge\nm=Ridge()\nk=m",
        "k.set_params(alpha=5)",
        "print(m.alpha)",
    ),
    "sklearn transform copy=False": (
        "from sklearn.preprocessing import StandardScaler\nX=np.arange(4.).reshape(-1,1)",
        "Z=StandardScaler(copy=False).fit_transform(X)",
        "print(X)",
    ),
    "partial_fit": (
        "from sklearn.linear_model import SGDClassifier\nX=np.arange(4.).reshape(-1,1);y=np.array([0,0,1,1])\n"
        "m=SGDClassifier(random_state=0)",
        "m.partial_fit(X,y,classes=[0,1])",
        "print(m.coef_)",
    ),
    "kfold random": (
        "from sklearn.model_selection import KFold\nnp.random.seed(0)\nkf=KFold(2,shuffle=True)",
        "a=[t.tolist() for t,_ in kf.split(np.arange(6))]",
        "print(a,np.random.rand())",
    ),
}
