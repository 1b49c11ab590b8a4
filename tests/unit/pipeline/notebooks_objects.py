"""Small notebooks that change objects in ways easily missed."""

from __future__ import annotations

__all__ = ["NOTEBOOKS"]

NOTEBOOKS: dict[str, tuple[str | tuple[str, str], ...]] = {
    "map np callback": (
        "np.random.seed(3)\ns=pd.Series([3,4])",
        "print(s.apply(np.random.randint))",
        "print(np.random.rand())",
    ),
    "colormap register data": (
        "from matplotlib.colors import ListedColormap\nimport matplotlib\n"
        "c=ListedColormap(['r','g'], name='mine')\nmatplotlib.colormaps.register(c)",
        "print('mine' in plt.colormaps())",
    ),
    "tqdm pandas": (
        "from tqdm import tqdm\ntqdm.pandas()",
        "df=pd.DataFrame({'a':[1,2]})\nprint(df['a'].progress_apply(lambda v: v+1).tolist())",
    ),
    "tqdm auto pandas": (
        "from tqdm.auto import tqdm\ntqdm.pandas(desc='x')\ndf=pd.DataFrame({'a':[1,2]})",
        "print(df['a'].progress_apply(lambda v: v+1).tolist())",
    ),
    "json default monkey": (
        "json.JSONEncoder.default = lambda self, o: str(o)",
        "print(json.dumps({'a': {1,2} and 3, 'b': object.__name__}), json.dumps([datetime.date(2020,1,1)]))",
    ),
    "copyreg": (
        "import copyreg\nclass P:\n    pass\ncopyreg.pickle(P, lambda p: (P, ()))",
        "p=P()\nprint(type(copy.deepcopy(p)).__name__)",
    ),
    "np ufunc at": (
        "x=np.zeros(3)",
        "np.add.at(x,[0,0],1)",
        "print(x)",
    ),
    "np put/copyto/fill_diagonal": (
        "x=np.zeros((2,2))",
        "np.fill_diagonal(x,5)\nnp.copyto(x[0], 3)\nnp.put(x,[1],9)",
        "print(x)",
    ),
    "np random shuffle on list": (
        "np.random.seed(0)\nl=[1,2,3]",
        "np.random.shuffle(l)",
        "print(l)",
    ),
    "random shuffle": (
        "random.seed(0)\nl=[1,2,3]",
        "random.shuffle(l)",
        "print(l)",
    ),
    "df.insert/drop inplace": (
        "df=pd.DataFrame({'a':[1,2]})",
        "df.insert(0,'z',[9,8])\ndf.drop(columns='a',inplace=True)",
        "print(df)",
    ),
    "df.eval inplace": (
        "df=pd.DataFrame({'a':[1,2]})",
        "df.eval('b=a+1',inplace=True)",
        "print(df)",
    ),
    "df.update": (
        "df=pd.DataFrame({'a':[1,2]})\ne=pd.DataFrame({'a':[7,8]})",
        "df.update(e)",
        "print(df)",
    ),
    "df loc set": (
        "df=pd.DataFrame({'a':[1,2]})",
        "df.loc[0,'a']=5",
        "print(df)",
    ),
    "df at/iat": (
        "df=pd.DataFrame({'a':[1,2]})",
        "df.at[0,'a']=5\ndf.iat[1,0]=6",
        "print(df)",
    ),
    "df sort inplace": (
        "df=pd.DataFrame({'a':[2,1]})",
        "df.sort_values('a',inplace=True)",
        "print(df)",
    ),
    "df set_index inplace": (
        "df=pd.DataFrame({'a':[2,1]})",
        "df.set_index('a',inplace=True)\ndf.index.name='q'",
        "print(df)",
    ),
    "df rename cols attr": (
        "df=pd.DataFrame({'a':[2,1]})",
        "df.columns=[c.upper() for c in df.columns]",
        "print(df)",
    ),
    "series str chain": (
        "s=pd.Series(['a','b'])",
        "t=s.str.upper()",
        "print(s,t)",
    ),
    "groupby object": (
        "df=pd.DataFrame({'k':['x','y'],'v':[1,2]})\ng=df.groupby('k')",
        "df['v']=df['v']*10",
        "print(g.sum())",
    ),
    "rolling object": (
        "df=pd.DataFrame({'v':[1,2,3]})\nr=df['v'].rolling(2)",
        "df.loc[0,'v']=100",
        "print(r.sum())",
    ),
    "view of column": (
        "df=pd.DataFrame({'v':[1,2,3]})\nc=df['v']",
        "c.iloc[0]=100",
        "print(df,c)",
    ),
    "ordereddict move": (
        "od=collections.OrderedDict(a=1,b=2)",
        "od.move_to_end('a')",
        "print(list(od))",
    ),
    "defaultdict get creates": (
        "d=collections.defaultdict(list)",
        "x=d['k']",
        "print(dict(d))",
    ),
    "counter update": (
        "c=collections.Counter('abca')",
        "c.update('bb')\nc.subtract('a')",
        "print(c)",
    ),
    "deque rotate": (
        "q=collections.deque([1,2,3],maxlen=3)",
        "q.rotate(1)\nq.append(9)",
        "print(q)",
    ),
    "heapq": (
        "import heapq\nh=[3,1,2]\nheapq.heapify(h)",
        "heapq.heappush(h,0)",
        "print(heapq.heappop(h), h)",
    ),
    "bisect insort": (
        "import bisect\nl=[1,3]",
        "bisect.insort(l,2)",
        "print(l)",
    ),
    "array mod": (
        "import array\na=array.array('i',[1,2])",
        "a.append(3)",
        "print(a)",
    ),
    "bytearray": (
        "b=bytearray(b'ab')",
        "b[0]=122",
        "print(b)",
    ),
    "memoryview": (
        "b=bytearray(b'ab')\nm=memoryview(b)",
        "m[0]=122",
        "print(b)",
    ),
    "stringio": (
        "import io\ns=io.StringIO()\ns.write('a')",
        "s.write('b')",
        "print(s.getvalue())",
    ),
    "iter tools tee": (
        "a,b=itertools.tee([1,2,3])\nnext(a)",
        "print(list(b))",
        "print(list(a))",
    ),
    "count": (
        "c=itertools.count()\nnext(c)",
        "print(next(c))",
        "print(next(c))",
    ),
    "cycle": (
        "c=itertools.cycle('ab')\nnext(c)",
        "print(next(c))",
        "print(next(c))",
    ),
    "gen send": (
        "def g():\n    x=0\n    while True:\n        x=(yield x) or x\nit=g()\nnext(it)",
        "print(it.send(5))",
        "print(next(it))",
    ),
    "walrus global": (
        "if (n:=10)>5:\n    pass",
        "print(n)",
    ),
    "comp leak": (
        "xs=[y:=1 for _ in range(2)]",
        "print(y)",
    ),
    "match": (
        "p={'k':[1,2]}\nmatch p:\n    case {'k':[a,*r]}:\n        pass",
        "r.append(9)",
        "print(a,r,p)",
    ),
    "try import": (
        "try:\n    import simplejson as js\nexcept ImportError:\n    import json as js",
        "print(js.dumps([1]))",
    ),
    "del then cond": (
        "x=1\ny=2\ndel x",
        "try:\n    x\nexcept NameError:\n    print('gone')\nprint(y)",
    ),
    "async": (
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 3",
        "print(1)",
    ),
    "globals write": (
        "globals()['zz']=5",
        "print(zz)",
    ),
    "exec def": (
        "exec('def foo():\\n    return 7')",
        "print(foo())",
    ),
    "setattr loop": (
        "class C: pass\nc=C()\nfor k in 'ab':\n    setattr(c,k,k)",
        "print(c.a,c.b)",
    ),
    "type()": (
        "T=type('T',(),{'v':1})\nt=T()",
        "print(t.v)",
    ),
    "namedtuple": (
        "P=collections.namedtuple('P','x y')\np=P(1,[2])",
        "p.y.append(3)",
        "print(p)",
    ),
    "dataclass field": (
        "from dataclasses import dataclass, field\n@dataclass\nclass D:\n"
        "    xs: list = field(default_factory=list)\nd=D()",
        "d.xs.append(1)",
        "print(d)",
    ),
    "enum": (
        "from enum import Enum\nclass E(Enum):\n    A=1\ne=E.A",
        "print(e is E.A)",
    ),
    "abc": (
        "from abc import ABC, abstractmethod\nclass B(ABC):\n    @abstractmethod\n"
        "    def f(self): ...\nclass C(B):\n    def f(self): return 1\nc=C()",
        "print(isinstance(c,B), c.f())",
    ),
    "partial": (
        "acc=[]\nf=functools.partial(acc.append)",
        "f(1)",
        "print(acc)",
    ),
    "bound method var": (
        "acc=[]\nadd=acc.append",
        "add(1)",
        "print(acc)",
    ),
    "operator methodcaller": (
        "acc=[[]]\nf=operator.methodcaller('append',1)",
        "f(acc[0])",
        "print(acc)",
    ),
    "reduce with mutate": (
        "acc=[]\ndef g(a,b):\n    a.append(b)\n    return a",
        "functools.reduce(g,[1,2],acc)",
        "print(acc)",
    ),
    "sorted key side effect": (
        "seen=[]\ndef k(x):\n    seen.append(x)\n    return x",
        "s=sorted([2,1],key=k)",
        "print(seen,s)",
    ),
    "class attr through instance": (
        "class C:\n    n=[]\na=C()",
        "b=C()\nb.n.append(1)",
        "print(a.n, C.n)",
    ),
    "property setter": (
        "class C:\n    def __init__(s): s._v=[0]\n    @property\n    def v(s): return s._v\n"
        "    @v.setter\n    def v(s,x): s._v.append(x)\nc=C()",
        "c.v=3",
        "print(c._v)",
    ),
    "context manager state": (
        "class M:\n    def __init__(s): s.l=[]\n    def __enter__(s):\n        s.l.append('in')\n"
        "        return s\n    def __exit__(s,*a): s.l.append('out')\nm=M()",
        "with m: pass",
        "print(m.l)",
    ),
    "closure cell": (
        "def mk():\n    n=0\n    def inc():\n        nonlocal n\n        n+=1\n        return n\n"
        "    return inc\ni=mk()",
        "i()",
        "print(i())",
    ),
    "func attr": (
        "def f(): pass\nf.calls=0",
        "f.calls+=1",
        "print(f.calls)",
    ),
    "default mutable": (
        "def f(x,l=[]):\n    l.append(x)\n    return l",
        "f(1)",
        "print(f(2))",
    ),
    "global in func": (
        "n=0\ndef inc():\n    global n\n    n+=1",
        "inc()",
        "inc()\nprint(n)",
    ),
    "swap alias": (
        "a=[1]\nb=[2]\na,b=b,a",
        "a.append(3)",
        "print(a,b)",
    ),
    "nested alias": (
        "d={'x':{'y':[]}}\ny=d['x']['y']",
        "y.append(1)",
        "print(d)",
    ),
    "tuple alias": (
        "t=([],1)\nl=t[0]",
        "l.append(1)",
        "print(t)",
    ),
    "self ref": (
        "l=[]\nl.append(l)",
        "print(l is l[0])",
    ),
    "np view reshape": (
        "a=np.arange(4)\nb=a.reshape(2,2)",
        "b[0,0]=9",
        "print(a)",
    ),
    "np newaxis": (
        "a=np.arange(4)\nb=a[:,None]",
        "a[0]=9",
        "print(b)",
    ),
    "np ravel copy": (
        "a=np.arange(4).reshape(2,2).T\nb=a.ravel()",
        "b[0]=9",
        "print(a)",
    ),
    "np split views": (
        "a=np.arange(4)\nl,r=np.split(a,2)",
        "l[0]=9",
        "print(a)",
    ),
    "np from buffer": (
        "b=bytearray(4)\na=np.frombuffer(b,dtype=np.uint8)",
        "b[0]=7",
        "print(a)",
    ),
    "pd from np": (
        "a=np.zeros((2,2))\ndf=pd.DataFrame(a)",
        "a[0,0]=5",
        "print(df)",
    ),
    "pd values": (
        "df=pd.DataFrame({'a':[1.,2.]})\nv=df.to_numpy()",
        "print(v)",
    ),
    "masked array": (
        "m=np.ma.array([1,2,3],mask=[0,1,0])",
        "m[0]=np.ma.masked",
        "print(m)",
    ),
    "memmap": (
        "m=np.memmap('mm.dat',dtype='i4',mode='w+',shape=(2,))\nm[0]=5\nm.flush()",
        "print(np.memmap('mm.dat',dtype='i4',mode='r',shape=(2,))[0])",
    ),
    "pool": (
        "from concurrent.futures import ThreadPoolExecutor\nacc=[]\nwith ThreadPoolExecutor(2) as ex:\n"
        "    list(ex.map(acc.append,[1,2]))",
        "print(sorted(acc))",
    ),
}
