"""Small notebooks with easily missed uses of the language: cells, with their tags where they are no steps."""

from __future__ import annotations

__all__ = ["NOTEBOOKS"]

NOTEBOOKS: dict[str, tuple[str | tuple[str, str], ...]] = {
    "monkeypatch method": ("class B:\n    def f(self): return 1\nb=B()", "B.f=lambda self: 2", "print(b.f(), B().f())"),
    "monkeypatch instance": (
        "class B:\n    def f(self): return 1\nb=B()\nlog=[]",
        "b.f=lambda: log.append(1)",
        "b.f()",
        "print(log)",
    ),
    "lru_cache state": (
        "calls=[]\n@functools.lru_cache\ndef f(x):\n    calls.append(x)\n    return x",
        "f(1)",
        "f(1)\nprint(calls)",
    ),
    "cached_property": (
        "log=[]\nclass C:\n    @functools.cached_property\n    def v(self):\n        log.append(1)\n        "
        "return [1]\nc=C()",
        "c.v.append(2)",
        "print(c.v,log)",
    ),
    "singledispatch": (
        "@functools.singledispatch\ndef f(x): return 'any'",
        "@f.register\ndef _(x: int): return 'int'",
        "print(f(1),f('a'))",
    ),
    "total_ordering": (
        "@functools.total_ordering\nclass V:\n    def __init__(s,n): s.n=n\n    "
        "def __eq__(s,o): return s.n==o.n\n    def __lt__(s,o): return s.n<o.n\nvs=[V(2),V(1)]",
        "vs.sort()",
        "print([v.n for v in vs])",
    ),
    "itertools count": ("c=itertools.count()\nx=next(c)", "y=next(c)", "print(x,y,next(c))"),
    "itertools cycle in object": (
        "class It:\n    def __init__(s): s.i=0\n    def __iter__(s): return s\n    def __next__(s):\n        "
        "s.i+=1\n        if s.i>5: raise StopIteration\n        return s.i\nit=It()",
        "a=next(it)",
        "b=list(itertools.islice(it,2))",
        "print(a,b,next(it))",
    ),
    "iter over list": ("l=[1,2,3]\nit=iter(l)", "next(it)\nl.append(4)", "print(list(it))"),
    "enumerate obj": ("l=[1,2,3]\ne=enumerate(l)", "x=next(e)", "print(x,next(e))"),
    "Counter and defaultdict": (
        "c=collections.Counter()\nd=collections.defaultdict(list)",
        "c.update('aab')\nd['x'].append(1)",
        "print(c,dict(d))",
    ),
    "defaultdict factory global": (
        "made=[]\ndef mk():\n    made.append(1)\n    return []\nd=collections.defaultdict(mk)",
        "d['a'].append(1)",
        "print(made,d['a'])",
    ),
    "OrderedDict move": ("d=collections.OrderedDict(a=1,b=2)", "d.move_to_end('a')", "print(list(d))"),
    "ChainMap": ("a={'x':1}\nm=collections.ChainMap({},a)", "a['x']=5", "print(m['x'])"),
    "deque rotate alias": ("q=collections.deque([1,2])\nl=[q]", "l[0].rotate(1)", "print(q)"),
    "partial alias": ("base=[1]\nf=functools.partial(operator.iadd,base)", "f([2])", "print(base)"),
    "operator.setitem": ("d={}", "operator.setitem(d,'a',1)", "print(d)"),
    "sorted key side": ("d={'a':1,'b':2}", "r=sorted(list(d),key=d.pop)", "print(r,d)"),
    "map lazily": ("log=[]\nm=list(map(log.append,[1,2]))", "print(log)"),
    "bound method default": ("l=[]\ndef f(x,put=l.append): put(x)", "f(1)", "print(l)"),
    "closure list of functions": (
        "fs=[]\nlog=[]\nfor i in range(2):\n    def g(i=i): log.append(i)\n    fs.append(g)",
        "fs[1]()",
        "print(log)",
    ),
    "nested closure shared": (
        "def mk():\n    s=[]\n    return (lambda x: s.append(x)), (lambda: list(s))\nput,get=mk()",
        "put(1)",
        "put(2)",
        "print(get())",
    ),
    "global via nested": (
        "def outer():\n    def inner():\n        global z\n        z=3\n    inner()",
        "outer()",
        "print(z)",
    ),
    "recursion default": (
        "def walk(n,acc=None):\n    acc=[] if acc is None else acc\n    acc.append(n)\n    "
        "return walk(n-1,acc) if n else acc",
        "r=walk(2)",
        "r.append(9)",
        "print(r)",
    ),
    "a metaclass that registers": (
        "class M(type):\n    made=[]\n    def __new__(m,n,b,d):\n        c=super().__new__(m,n,b,d)\n        "
        "M.made.append(n)\n        return c",
        "class A(metaclass=M): pass",
        "print(M.made)",
    ),
    "a descriptor": (
        "class D:\n    def __get__(s,o,t): return s.v\n    def __set__(s,o,v): s.v=v\nclass A:\n    d=D()\n"
        "a=A()\nb=A()",
        "a.d=5",
        "print(b.d)",
    ),
    "__getattr__": (
        "log=[]\nclass A:\n    def __getattr__(s,n):\n        log.append(n)\n        return 1\na=A()",
        "a.foo",
        "print(log)",
    ),
    "__setattr__": (
        "log=[]\nclass A:\n    def __setattr__(s,n,v):\n        log.append(n)\n        "
        "object.__setattr__(s,n,v)\na=A()",
        "a.foo=1",
        "print(log,a.foo)",
    ),
    "__len__": (
        "log=[]\nclass A:\n    def __len__(s):\n        log.append('len')\n        return 1\na=A()",
        "n=len(a)\nif a: pass",
        "print(log)",
    ),
    "__eq__ in list": (
        "log=[]\nclass A:\n    def __eq__(s,o):\n        log.append('eq')\n        return True\nl=[A()]",
        "x=3 in l",
        "print(log)",
    ),
    "__hash__ in dict": (
        "log=[]\nclass A:\n    def __hash__(s):\n        log.append('h')\n        return 1\na=A()",
        "d={a:1}",
        "print(log)",
    ),
    "__lt__ sort": (
        "log=[]\nclass A:\n    def __init__(s,n): s.n=n\n    def __lt__(s,o):\n        log.append(1)\n        "
        "return s.n<o.n\nl=[A(2),A(1)]",
        "l.sort()",
        "print(len(log),[a.n for a in l])",
    ),
    "__add__ mutate": (
        "class A:\n    def __init__(s): s.l=[]\n    def __add__(s,o):\n        s.l.append(o)\n        return s\na=A()",
        "b=a+1",
        "b+2",
        "print(a.l)",
    ),
    "__format__": (
        "log=[]\nclass A:\n    def __format__(s,f):\n        log.append(f)\n        return 'x'\na=A()",
        "t=f'{a:>3}'",
        "print(log)",
    ),
    "__iter__ mutate": (
        "class A:\n    def __init__(s): s.n=0\n    def __iter__(s):\n        s.n+=1\n        return iter([1])\na=A()",
        "x=[i for i in a]",
        "x,=a",
        "print(a.n)",
    ),
    "__contains__ delegate": (
        "class A:\n    def __init__(s): s.seen=[]\n    def __contains__(s,x):\n        "
        "s.seen.append(x)\n        return True\na=A()",
        "3 in a",
        "print(a.seen)",
    ),
    "a class's __class_getitem__": (
        "class A:\n    log=[]\n    def __class_getitem__(c,k):\n        c.log.append(k)\n        return c",
        "A[int]",
        "print(A.log)",
    ),
    "slots": ("class A:\n    __slots__=('x',)\na=A()\na.x=[1]\nl=a.x", "l.append(2)", "print(a.x)"),
    "dataclass default_factory global": (
        "pool=[]\nfrom dataclasses import dataclass,field\n@dataclass\nclass A:\n    "
        "x: list=field(default_factory=lambda: pool)",
        "a=A()\na.x.append(1)",
        "print(pool)",
    ),
    "enum mutable": ("import enum\nclass E(enum.Enum):\n    A=[1]", "E.A.value.append(2)", "print(E.A.value)"),
    "exec nested": ("code='l.append(1)'\nl=[]", "exec(code)", "print(l)"),
    "locals()": ("x=1", "locals()['y']=x+1", "print(y)"),
    "vars()": ("x=[1]", "vars()['x'].append(2)", "print(x)"),
    "import of __main__": ("import __main__\nx=[1]", "__main__.x.append(2)\n__main__.y=3", "print(x,y)"),
    "sys.modules and __main__": ("import sys\nx=1", "setattr(sys.modules['__main__'],'x',5)", "print(x)"),
    "an attribute of a function": ("def f(): return 1\nf.tag=[1]\ng=f", "g.tag.append(2)", "print(f.tag)"),
    "function kwdefaults": ("def f(*,a=[]): \n    a.append(1)\n    return a", "f()", "print(f())"),
    "type() class": ("A=type('A',(),{'n':[]})", "A.n.append(1)", "a=A()\nprint(a.n)"),
    "a weak reference": ("class A: pass\na=A()\nr=weakref.ref(a)", "a.x=1", "print(r().x)"),
    "SimpleNamespace": ("ns=types.SimpleNamespace(l=[])\nl=ns.l", "ns.l.append(1)", "print(l)"),
    "a default list in a functions cell": (
        ("functions", "def f(x,acc=[]):\n    acc.append(x)\n    return acc"),
        ("step:a", "f(1)"),
        ("step:b", "print(f(2))"),
    ),
    "setup iterator": (("setup", "ids=itertools.count()"), ("step:a", "a=next(ids)"), ("step:b", "print(next(ids))")),
    "setup frame mutated in functions": (
        ("setup", "df=pd.DataFrame({'a':[1]})"),
        ("functions", "def add(c): df[c]=1"),
        ("step:a", "add('x')"),
        ("step:b", "print(df)"),
    ),
    "setup alias": (("setup", "a=[1]\nb=a"), ("step:x", "b.append(2)"), ("step:y", "print(a)")),
    "setup after step value": (
        ("step:x", "n=[3]"),
        ("setup", "m=n"),
        ("step:y", "m.append(1)"),
        ("step:z", "print(n,m)"),
    ),
    "functions redefined by functions": (
        ("functions", "def f(): return 1"),
        ("step:a", "x=f()"),
        ("functions", "def f(): return 2"),
        ("step:b", "print(x,f())"),
    ),
    "functions redefined, helper": (
        ("functions", "def h(): return 1\ndef f(): return h()"),
        ("step:a", "x=f()"),
        ("functions", "def h(): return 2"),
        ("step:b", "print(x,f())"),
    ),
    "params used in default": (
        ("parameters", "n=3"),
        ("functions", "def f(x=n): return x"),
        ("step:a", "n=5\nprint(f())"),
        ("step:b", "print(f(),n)"),
    ),
    "params mutate before functions": (
        ("parameters", "cols=['a']"),
        ("functions", "def g(): return len(cols)"),
        ("step:a", "cols.append('b')"),
        ("step:b", "print(g())"),
    ),
    "del then redefine": ("x=[1]\ny=x", "del x\nx=[2]", "print(x,y)"),
    "conditional delete": ("x=1\nf=True", "if f:\n    del x", "x=2\nprint(x)"),
    "except name": ("e=5", "try:\n    1/0\nexcept ZeroDivisionError as e:\n    pass", "print('e' in globals())"),
    "for over dict mutate value": ("d={'a':{'n':0}}", "for k in d:\n    d[k]['n']+=1", "print(d)"),
    "augassign attr alias": ("class A: pass\na=A()\na.l=[1]\nm=a.l", "a.l+=[2]", "print(m)"),
    "augassign item alias": ("d={'l':[1]}\nm=d['l']", "d['l']+=[2]", "print(m)"),
    "tuple with list": ("l=[1]\nt=(l,2)", "t[0].append(3)", "print(l)"),
    "star call dict": ("cfg={'rows':[]}\ndef f(rows): rows.append(1)", "f(**cfg)", "print(cfg)"),
    "dict merge": ("a={'k':[1]}\nb={**a}\nc=a|{'z':1}", "b['k'].append(2)", "print(a,c)"),
    "list mul": ("r=[[0]]*3", "r[0].append(1)", "print(r)"),
    "sum of lists": ("a=[[1]]\nb=sum([a,a],[])", "b[0].append(2)", "print(a)"),
    "zip star": ("pairs=[([1],[2])]\nxs,ys=zip(*pairs)", "xs[0].append(3)", "print(pairs)"),
    "max returns item": ("ls=[[1],[2,3]]\nm=max(ls,key=len)", "m.append(9)", "print(ls)"),
    "filter returns items": ("ls=[[1],[2]]\nk=[l for l in ls if l[0]>1][0]", "k.append(9)", "print(ls)"),
    "next iter item": ("ls=[[1],[2]]\nk=next(l for l in ls if l[0]>1)", "k.append(9)", "print(ls)"),
    "dict get default": ("d={}\ndef_=[1]\nv=d.get('x',def_)", "v.append(2)", "print(def_)"),
    "or default": ("a=[]\nb=[1]\nc=a or b", "c.append(2)", "print(b)"),
    "ternary chain": ("a=[1]\nb=a if True else []", "b.append(2)", "print(a)"),
    "walrus alias": ("a=[1]\nprint(b:=a)", "b.append(2)", "print(a)"),
    "match alias": ("a={'l':[1]}\nmatch a:\n    case {'l': x}: pass", "x.append(2)", "print(a)"),
    "sending to a generator": (
        "def g():\n    t=0\n    while True:\n        x=yield t\n        t+=x or 0\nlst=[1]",
        "q=g(); next(q)\nr=q.send(3)",
        "print(r)",
    ),
    "property alias": (
        "class A:\n    def __init__(s): s._l=[1]\n    @property\n    def l(s): return s._l\na=A()\nm=a.l",
        "m.append(2)",
        "print(a.l)",
    ),
    "method returns self attr": (
        "class A:\n    def __init__(s): s.l=[1]\n    def get(s): return s.l\na=A()\nm=a.get()",
        "m.append(2)",
        "print(a.l)",
    ),
    "static registry": (
        "class A:\n    reg={}\n    @classmethod\n    def put(cls,k): cls.reg[k]=1\nclass B(A): pass",
        "B.put('x')",
        "print(A.reg)",
    ),
    "class attr via instance": ("class A:\n    l=[]\na=A()", "a.l.append(1)", "print(A.l,A().l)"),
    "type(self).attr": ("class A:\n    n=0\n    def inc(self): type(self).n+=1\na=A()", "a.inc()", "print(A.n)"),
    "self.__class__": (
        "class A:\n    n=0\n    def inc(self): self.__class__.n+=1\na=A()",
        "a.inc()",
        "print(A.n, a.n)",
    ),
    "linked list": (
        "class N:\n    def __init__(s,v,nx=None): s.v,s.nx=v,nx\nhead=N(1,N(2))\ntail=head.nx",
        "tail.v=5",
        "print(head.nx.v)",
    ),
    "cyclic": ("a=[]\na.append(a)\nd={'a':a}", "a.append(1)", "print(len(d['a']), d['a'][0] is a)"),
    "tree parents": (
        "class T:\n    def __init__(s): s.kids=[]; s.up=None\n    def add(s,k): s.kids.append(k); k.up=s\n"
        "r=T(); k=T()\nr.add(k)",
        "k.up.tag=1",
        "print(r.tag, r.kids[0].up is r)",
    ),
}
