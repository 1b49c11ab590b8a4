"""Small notebooks whose cells speak through the process, its generators and its files."""

from __future__ import annotations

__all__ = ["NOTEBOOKS"]

NOTEBOOKS: dict[str, tuple[str | tuple[str, str], ...]] = {
    "colormap register": (
        "from matplotlib.colors import ListedColormap\nimport matplotlib\n"
        "matplotlib.colormaps.register(ListedColormap(['r','g'], name='mine'))",
        "print('mine' in plt.colormaps())",
    ),
    "mpl style use": (
        "plt.style.use('ggplot')",
        "print(plt.rcParams['axes.facecolor'])",
    ),
    "np.seterr": (
        "np.seterr(all='raise')",
        "try:\n    np.float64(1)/np.float64(0)\n    print('no')\nexcept FloatingPointError:\n    print('yes')",
    ),
    "np printoptions": (
        "np.set_printoptions(precision=2)",
        "print(np.array([1.23456]))",
    ),
    "warnings error": (
        "warnings.simplefilter('error')",
        "try:\n    warnings.warn('x')\n    print('no')\nexcept UserWarning:\n    print('yes')",
    ),
    "pandas option attr": (
        "pd.options.display.max_columns=3",
        "print(pd.get_option('display.max_columns'))",
    ),
    "sys recursion": (
        "sys.setrecursionlimit(2000)",
        "print(sys.getrecursionlimit())",
    ),
    "locale": (
        "import locale\nlocale.setlocale(locale.LC_ALL,'C')",
        "print(locale.getlocale())",
    ),
    "decimal ctx": (
        "from decimal import getcontext, Decimal\ngetcontext().prec=3",
        "print(Decimal(1)/Decimal(3))",
    ),
    "logging conf": (
        "import logging\nlogging.getLogger().setLevel(logging.DEBUG)",
        "print(logging.getLogger().level)",
    ),
    "named logger handler": (
        "import logging, io\nbuf=io.StringIO()\nlog=logging.getLogger('m')\n"
        "log.addHandler(logging.StreamHandler(buf))\nlog.warning('hi')",
        "log.warning('ho')",
        "print(buf.getvalue())",
    ),
    "monkeypatch": (
        "import math\n_old=math.floor\nmath.floor=lambda x: 42",
        "print(math.floor(1.5))",
    ),
    "monkeypatch pandas": (
        "pd.DataFrame.foo=lambda self: len(self)",
        "df=pd.DataFrame({'a':[1,2]})\nprint(df.foo())",
    ),
    "accessor": (
        "@pd.api.extensions.register_dataframe_accessor('geo')\nclass Geo:\n"
        "    def __init__(self, df):\n        self.df=df\n    def n(self):\n        return len(self.df)",
        "df=pd.DataFrame({'a':[1,2]})\nprint(df.geo.n())",
    ),
    "atexit": (
        "import atexit\nx=1\natexit.register(lambda: None)",
        "print(x)",
    ),
    "signal": (
        "import signal\nold=signal.signal(signal.SIGUSR1, signal.SIG_IGN)",
        "print(signal.getsignal(signal.SIGUSR1))",
    ),
    "contextvar": (
        "import contextvars\nv=contextvars.ContextVar('v', default=0)\nv.set(5)",
        "print(v.get())",
    ),
    "threading local": (
        "import threading\nl=threading.local()\nl.x=5",
        "print(l.x)",
    ),
    "lru cache": (
        "calls=[]\n@functools.lru_cache\ndef f(n):\n    calls.append(n)\n    return n\nf(1)",
        "f(1)\nf(2)\nprint(calls)",
    ),
    "sklearn set_config": (
        "import sklearn\nsklearn.set_config(transform_output='pandas')",
        "from sklearn.preprocessing import StandardScaler\n"
        "print(type(StandardScaler().fit_transform(pd.DataFrame({'a':[1.,2.]}))))",
    ),
    "default rng shared": (
        "rng=np.random.default_rng(1)\nclass S:\n    def __init__(self): self.r=rng\ns=S()",
        "x=s.r.normal()",
        "print(rng.normal(), x)",
    ),
    "randomstate legacy": (
        "rs=np.random.RandomState(0)",
        "a=rs.rand()",
        "print(rs.rand(), a)",
    ),
    "get_state set_state": (
        "np.random.seed(1)\nst=np.random.get_state()",
        "a=np.random.rand()",
        "np.random.set_state(st)\nprint(np.random.rand()==a)",
    ),
    "random instance": (
        "r=random.Random(2)",
        "r.random()",
        "print(r.random())",
    ),
    "sample seeded": (
        "np.random.seed(0)\ndf=pd.DataFrame({'a':range(5)})",
        "s=df.sample(2)",
        "print(df.sample(2), s)",
    ),
    "shuffle": (
        "np.random.seed(0)\nx=np.arange(6)",
        "np.random.shuffle(x)",
        "print(x)",
    ),
    "rng permuted in fn": (
        "random.seed(3)\ndef pick(xs):\n    return random.choice(xs)",
        "a=pick([1,2,3])",
        "b=pick([1,2,3])\nprint(a,b)",
    ),
    "rng default arg": (
        "def f(x, r=np.random.RandomState(0)):\n    return r.rand()+x",
        "a=f(0)",
        "b=f(0)\nprint(a,b)",
    ),
    "iter exhaust": (
        "it=iter([1,2,3])\nnext(it)",
        "print(list(it))",
    ),
    "zip": (
        "z=zip([1,2],[3,4])",
        "print(list(z))",
        "print(list(z))",
    ),
    "enumerate obj": (
        "e=enumerate('abc')\nnext(e)",
        "print(next(e))",
    ),
    "file handle": (
        "f=open('o.txt','w')\nf.write('hi')\nf.close()",
        "print(open('o.txt').read())",
    ),
    "with chained": (
        "with open('a.txt','w') as f, open('b.txt','w') as g:\n    f.write('1')\n    g.write('2')",
        "print(open('a.txt').read()+open('b.txt').read())",
    ),
    "csv dictwriter": (
        "import csv\nwith open('x.csv','w',newline='') as f:\n    w=csv.DictWriter(f,['a'])\n"
        "    w.writeheader()\n    w.writerow({'a':1})",
        "print(pd.read_csv('x.csv'))",
    ),
    "to_csv path var": (
        "out='res.csv'\npd.DataFrame({'a':[1]}).to_csv(out,index=False)",
        "print(pd.read_csv('res.csv'))",
    ),
    "fstring path": (
        "for i in range(2):\n    pd.DataFrame({'a':[i]}).to_csv(f'p{i}.csv')",
        "print([pd.read_csv(f'p{i}.csv').shape for i in range(2)])",
    ),
    "pathlib": (
        "from pathlib import Path\nd=Path('out')\nd.mkdir(exist_ok=True)\n(d/'a.txt').write_text('x')",
        "print((Path('out')/'a.txt').read_text())",
        "print(sorted(p.name for p in Path('out').iterdir()))",
    ),
    "glob": (
        "open('q1.txt','w').write('a')\nopen('q2.txt','w').write('b')",
        "import glob\nprint(sorted(glob.glob('q*.txt')))",
    ),
    "os.path.exists": (
        "open('flag','w').close()",
        "print(os.path.exists('flag'))",
    ),
    "pickle file": (
        "import pickle\nwith open('m.pkl','wb') as f:\n    pickle.dump({'a':1},f)",
        "with open('m.pkl','rb') as f:\n    print(pickle.load(f))",
    ),
    "np save": (
        "np.save('a.npy', np.arange(3))",
        "print(np.load('a.npy'))",
    ),
    "np savez": (
        "np.savez('z', a=np.arange(3))",
        "print(np.load('z.npz')['a'])",
    ),
    "joblib dump": (
        "import joblib\njoblib.dump([1,2],'m.joblib')",
        "print(joblib.load('m.joblib'))",
    ),
    "sqlite": (
        "import sqlite3\ncon=sqlite3.connect('d.db')\ncon.execute('create table t(a)')\n"
        "con.execute('insert into t values (1)')\ncon.commit()\ncon.close()",
        "con=sqlite3.connect('d.db')\nprint(con.execute('select * from t').fetchall())\ncon.close()",
    ),
    "shelve": (
        "import shelve\nwith shelve.open('sh') as s:\n    s['a']=1",
        "with shelve.open('sh') as s:\n    print(s['a'])",
    ),
    "subprocess write": (
        "import subprocess\nsubprocess.run('echo hi > s.txt', shell=True)",
        "print(open('s.txt').read())",
    ),
    "os.rename": (
        "open('a1','w').write('x')",
        "os.rename('a1','a2')",
        "print(os.path.exists('a1'), open('a2').read())",
    ),
    "remove": (
        "open('r1','w').write('x')",
        "os.remove('r1')",
        "print(os.path.exists('r1'))",
    ),
    "savefig": (
        "plt.plot([1,2])\nplt.savefig('f.png')",
        "print(os.path.getsize('f.png')>0)",
    ),
    "json dump": (
        "with open('c.json','w') as f:\n    json.dump({'a':1}, f)",
        "print(json.load(open('c.json')))",
    ),
    "np.savetxt": (
        "np.savetxt('t.txt', np.arange(3))",
        "print(np.loadtxt('t.txt'))",
    ),
}
