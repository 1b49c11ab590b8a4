"""Small notebooks with habits of people who program in notebooks."""

from __future__ import annotations

__all__ = ["NOTEBOOKS"]

NOTEBOOKS: dict[str, tuple[str, ...]] = {
    "history object": (
        "class H:\n    def __init__(self):\n        self.log={'loss':[]}\nh=H()\ndef train(n):\n"
        "    for i in range(n):\n        h.log['loss'].append(1/(i+1))",
        "train(2)",
        "train(1)",
        "print(h.log)",
    ),
    "config class attr": (
        "class CFG:\n    lr=0.1\n    seed=3",
        "CFG.lr=0.5",
        "print(CFG.lr, CFG.seed)",
    ),
    "config simple ns": (
        "cfg=types.SimpleNamespace(lr=0.1)",
        "cfg.lr=0.2",
        "print(cfg)",
    ),
    "seed function": (
        "def set_seed(s):\n    random.seed(s)\n    np.random.seed(s)\nset_seed(42)",
        "a=np.random.rand(2)\nprint(a, random.random())",
        "print(np.random.randn(), random.random())",
    ),
    "seed per cell": (
        "np.random.seed(1)\na=np.random.rand()",
        "np.random.seed(2)\nb=np.random.rand()\nprint(b)",
        "print(a,b,np.random.rand())",
    ),
    "conditional seed": (
        "SEED=5\nif SEED is not None:\n    np.random.seed(SEED)",
        "print(np.random.rand())",
        "print(np.random.rand())",
    ),
    "rng in closure": (
        "def make(s):\n    r=np.random.default_rng(s)\n    return lambda: r.normal()\ndraw=make(1)",
        "x=draw()",
        "print(x, draw())",
    ),
    "late binding lambda": (
        "k=3\nf=lambda v: v*k",
        "k=10",
        "print(f(2))",
    ),
    "late binding def": (
        "def f(v):\n    return v*k\nk=2",
        "k=5",
        "print(f(2))",
    ),
    "redefine func": (
        "def f(): return 1\ndef g(): return f()",
        "def f(): return 2",
        "print(g())",
    ),
    "class redefine": (
        "class A:\n    v=1\na=A()",
        "class A:\n    v=2",
        "print(a.v, A.v, isinstance(a, A))",
    ),
    "monkey method": (
        "class A:\n    pass\na=A()",
        "A.hi=lambda self: 'hi'",
        "print(a.hi())",
    ),
    "subclass hook": (
        "reg=[]\nclass B:\n    def __init_subclass__(cls):\n        reg.append(cls.__name__)",
        "class C(B): pass",
        "print(reg)",
    ),
    "decorator registry": (
        "REG={}\ndef register(f):\n    REG[f.__name__]=f\n    return f",
        "@register\ndef foo(): return 3",
        "print(sorted(REG), REG['foo']())",
    ),
    "memo dict": (
        "memo={}\ndef fib(n):\n    if n<2: return n\n    if n not in memo:\n"
        "        memo[n]=fib(n-1)+fib(n-2)\n    return memo[n]",
        "fib(5)",
        "print(memo)",
    ),
    "cached property": (
        "class A:\n    calls=0\n    @functools.cached_property\n    def x(self):\n        A.calls+=1\n"
        "        return [1]\na=A()",
        "a.x.append(2)",
        "print(a.x, A.calls)",
    ),
    "iter protocol": (
        "class It:\n    def __init__(s): s.n=0\n    def __iter__(s): return s\n    def __next__(s):\n"
        "        s.n+=1\n        if s.n>3: raise StopIteration\n        return s.n\nit=It()",
        "next(it)",
        "print(list(it))",
    ),
    "getattr dyn": (
        "class A:\n    def __getattr__(s,k): return k\n    def set(s,k,v): setattr(s,k,v)\na=A()",
        "a.set('x',1)",
        "print(a.x,a.y)",
    ),
    "operator overload": (
        "class V:\n    def __init__(s,x): s.x=x\n    def __iadd__(s,o):\n        s.x+=o\n"
        "        return s\nv=V([1])\nw=v",
        "v+=[2]",
        "print(w.x, v is w)",
    ),
    "slots": (
        "class P:\n    __slots__=('x',)\np=P()\np.x=[]",
        "p.x.append(1)",
        "print(p.x)",
    ),
    "frozen dc": (
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass F:\n    xs: list\nf=F([])",
        "f.xs.append(1)",
        "print(f, hash('a')==hash('a'))",
    ),
    "typing newtype": (
        "from typing import NamedTuple\nclass R(NamedTuple):\n    a: int\n    b: list\nr=R(1,[])",
        "r.b.append(2)",
        "print(r, isinstance(r, R))",
    ),
    "text io": (
        "out=[]\nprint('x', file=(buf:=__import__('io').StringIO()))",
        "print('y', file=buf)",
        "print(buf.getvalue())",
    ),
    "redirect": (
        "import io, contextlib\nb=io.StringIO()\nwith contextlib.redirect_stdout(b):\n    print('in')",
        "print(b.getvalue())",
    ),
    "sys.stdout swap": (
        "import io\nold=sys.stdout\nbuf=io.StringIO()",
        "sys.stdout=buf\nprint('hidden')\nsys.stdout=old",
        "print(buf.getvalue())",
    ),
    "env via os": (
        "os.environ['MODE']='test'",
        "print(os.getenv('MODE'))",
        "os.environ.pop('MODE')",
        "print(os.getenv('MODE'))",
    ),
    "write read csv loop": (
        "for i in range(3):\n    with open(f'f{i}.txt','w') as f:\n        f.write(str(i))",
        "tot=0\nfor i in range(3):\n    tot+=int(open(f'f{i}.txt').read())\nprint(tot)",
    ),
    "append file": (
        "open('log.txt','w').write('a')",
        "with open('log.txt','a') as f: f.write('b')",
        "print(open('log.txt').read())",
    ),
    "mkdir & listdir": (
        "os.makedirs('d/e',exist_ok=True)\nopen('d/e/x.txt','w').write('1')",
        "print(os.listdir('d'), os.listdir('d/e'))",
    ),
    "shutil": (
        "import shutil\nopen('s1.txt','w').write('1')\nshutil.copy('s1.txt','s2.txt')",
        "print(open('s2.txt').read())",
        "os.remove('s2.txt')",
        "print(os.path.exists('s2.txt'))",
    ),
    "path obj param": (
        "from pathlib import Path\nDATA=Path('dd')\nDATA.mkdir()\n"
        "def save(df,name): df.to_csv(DATA/f'{name}.csv',index=False)\n"
        "save(pd.DataFrame({'a':[1]}),'q')",
        "print(pd.read_csv(DATA/'q.csv'))",
    ),
    "decimal local": (
        "import decimal\nwith decimal.localcontext() as c:\n    c.prec=3\n    d=decimal.Decimal(1)/3",
        "print(d, decimal.getcontext().prec)",
    ),
    "uuid": (
        "import uuid\nu=uuid.UUID(int=5)",
        "print(u)",
    ),
    "regex compile": (
        "pat=re.compile('a+')",
        "print(pat.findall('aab'))",
    ),
    "generator expr list": (
        "g=[x for x in (i*i for i in range(3))]",
        "print(g)",
    ),
    "dict views": (
        "d={'a':1}\nk=d.keys()",
        "d['b']=2",
        "print(list(k))",
    ),
    "set ops": (
        "s={1,2}\nt=s",
        "s|={3}\ns.discard(1)",
        "print(t)",
    ),
    "tuple unpack star": (
        "a,*b=[1,2,3]\nc=b",
        "b.append(4)",
        "print(a,c)",
    ),
    "slice assign": (
        "l=[1,2,3]\nm=l",
        "l[1:]=[9]",
        "print(m)",
    ),
    "del item": (
        "l=[1,2,3]\nd={'a':l}",
        "del l[0]\ndel d['a'][0]",
        "print(l)",
    ),
    "string join loop": (
        "parts=[]",
        "for w in ['a','b']:\n    parts+= [w]",
        "print(' '.join(parts))",
    ),
    "nested func default": (
        "def outer(xs=[]):\n    def inner(v):\n        xs.append(v)\n        return xs\n    return inner\nf=outer()",
        "f(1)",
        "print(f(2))",
    ),
    "global list in class": (
        "store=[]\nclass A:\n    def add(self,x): store.append(x)\na=A()",
        "a.add(1)",
        "print(store)",
    ),
    "class var list": (
        "class A:\n    items=[]\n    @classmethod\n    def add(cls,x): cls.items.append(x)",
        "A.add(1)",
        "print(A.items)",
    ),
    "staticmethod": (
        "acc=[]\nclass A:\n    @staticmethod\n    def f(x): acc.append(x)",
        "A.f(1)\nA().f(2)",
        "print(acc)",
    ),
    "exception in cell": (
        "x=[]\ntry:\n    x.append(1)\n    raise ValueError\nexcept ValueError as e:\n    x.append(2)",
        "print(x)",
    ),
    "finally": (
        "l=[]\ntry:\n    pass\nfinally:\n    l.append('f')",
        "print(l)",
    ),
    "while else": (
        "n=3\nwhile n:\n    n-=1\nelse:\n    m='done'",
        "print(n,m)",
    ),
    "for var leak": (
        "for i in range(3): last=i",
        "print(i,last)",
    ),
    "with var leak": (
        "with open('w.txt','w') as fh:\n    fh.write('a')",
        "print(fh.closed)",
    ),
    "eval str names": (
        "a=2\nb=3",
        "print(eval('a*b'))",
        "a=10",
        "print(eval('a*b'))",
    ),
    "f-string eq": (
        "v=[1]",
        "v.append(2)",
        "print(f'{v=} {len(v)}')",
    ),
    "assert msg": (
        "ok=True",
        "assert ok, 'no'\nprint('fine')",
    ),
}
